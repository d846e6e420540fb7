"""Whether a tracker is alive and ready, and the watchdog that ends it if it hangs."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from sla_tracker.state import State
from sla_tracker.tracker import Tracker

#: Seconds without a turn of the event loop after which the process counts as hung.
HUNG_SECONDS: Final = 30.0

STALLED: Final = "stalled"

log = structlog.get_logger("sla_tracker")


class Health:
    """Whether the process is alive and whether its partitions are ready."""

    def __init__(
        self, stalled_seconds: float, silence: Callable[[], str | None] = lambda: None
    ) -> None:
        self._stalled_seconds = stalled_seconds
        self._silence = silence
        self._beat = time.monotonic()
        self.beats = 0
        self.tracker: Tracker | None = None

    def beat(self) -> None:
        """The event loop turned."""
        self._beat = time.monotonic()
        self.beats += 1

    def alive(self) -> bool:
        """Whether the event loop turned recently. This does not depend on the broker, on purpose:
        restarting a tracker does not fix a broker.
        """
        return time.monotonic() - self._beat < HUNG_SECONDS

    def states(self) -> dict[str, str]:
        """The state of each owned partition, and ``stalled`` for one that makes no progress."""
        tasks = dict(self.tracker.tasks) if self.tracker is not None else {}
        return {
            str(partition.partition): STALLED
            if task.progress.stalled() > self._stalled_seconds
            else task.progress.state.value
            for partition, task in tasks.items()
        }

    def unready(self) -> str | None:
        """Why it is not ready; ``None`` if the broker answers, partitions are owned and none is
        being restored, failing or stalled.
        """
        if (silence := self._silence()) is not None:
            return silence
        states = self.states()
        if not states:
            return "it owns no partition"
        others = [f"{name} is {state}" for name, state in states.items() if state != State.RUNNING]
        return f"partition {', '.join(others)}" if others else None


class Watchdog(threading.Thread):
    """Ends the process when the event loop hangs, since nothing in the loop could.

    It counts its own checks instead of seconds, so that a process that was stopped and continued is
    not taken for one that hangs.
    """

    def __init__(self, health: Health, looks: int, seconds: float = 1.0) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._health = health
        self._looks = looks
        self._seconds = seconds

    def run(self) -> None:
        """Check repeatedly."""
        seen, looks = self._health.beats, 0
        while looks < self._looks:
            time.sleep(self._seconds)
            looks = looks + 1 if self._health.beats == seen else 0
            seen = self._health.beats
        log.error("tracker must end", reason="the event loop hangs", at=self._place())
        os._exit(1)

    def _place(self) -> str:
        """Where the main thread is."""
        frames = sys._current_frames()  # noqa: SLF001  how to see another thread
        frame = frames.get(threading.main_thread().ident or 0)
        return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
