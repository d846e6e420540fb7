"""What a partition's task is watched by: how long it makes no progress, and how often it fails."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from sla_tracker.state import State

_BACKOFF_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)


class Progress:
    """Where a partition is in its life and when it made progress last: a batch committed, or
    nothing left to read. Times are of the monotonic clock.
    """

    def __init__(self) -> None:
        self.step = State.FENCING
        self.made_at = self.opened_at = time.monotonic()
        #: How often it began again.
        self.restarts = 0
        self._failed = False

    @property
    def state(self) -> State:
        """The step, as everybody is told. What has failed stays so until it makes progress: that it
        begins again, and is opened, says nothing of whether it will get any further.
        """
        return State.FAILED if self._failed else self.step

    def opened(self) -> None:
        """It runs, from where its tables say."""
        self.opened_at = time.monotonic()
        if not self._failed:
            self.made_at = self.opened_at
        self.step = State.RUNNING

    def made(self, at: float) -> None:
        """It had made progress by ``at``."""
        self.made_at = max(self.made_at, at)
        self._failed = False

    def failed(self) -> None:
        """It begins again."""
        self._failed = True
        self.restarts += 1

    def stalled(self) -> float:
        """For how many seconds it has made no progress. A restore has a limit of its own, unless it
        is there since the partition failed.
        """
        return 0.0 if self.state is State.RESTORING else time.monotonic() - self.made_at

    def hangs(self) -> float:
        """For how many seconds it has neither made progress nor been opened. A restore has a limit
        of its own here, whenever it is, so that a long one can be ended.
        """
        if self.step is State.RESTORING:
            return 0.0
        return time.monotonic() - max(self.made_at, self.opened_at)


class Failures:
    """How often a task failed since its last commit while a broker answered: too often is
    ``at_most`` times.
    """

    def __init__(self, at_most: int) -> None:
        self.in_a_row = 0
        self._at_most = at_most

    def happened(self, *, answers: bool) -> None:
        """It failed once more; ``answers`` says whether a broker does. Without one there is nothing
        to do but wait, however long.
        """
        self.in_a_row += answers

    def too_many(self) -> bool:
        """True if trying again would not help."""
        return self.in_a_row >= self._at_most

    def delay(self, *, answers: bool) -> float:
        """Seconds before the next try."""
        tried = self.in_a_row if answers else len(_BACKOFF_SECONDS)
        return _BACKOFF_SECONDS[min(tried, len(_BACKOFF_SECONDS)) - 1]

    def over(self) -> None:
        """Something was committed."""
        self.in_a_row = 0


def is_our_own() -> bool:
    """Whether somebody asked this very task to end."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
