"""Guards of a partition's task: how long it makes no progress, and how often it fails."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from sla_tracker.state import State

_BACKOFF_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)


class Progress:
    """The state of a partition and when it last made progress: a batch committed, or nothing left
    to read. Times are by the monotonic clock.
    """

    def __init__(self) -> None:
        self.step = State.FENCING
        self.made_at = self.opened_at = time.monotonic()
        #: How often it was restarted.
        self.restarts = 0
        self._failed = False

    @property
    def state(self) -> State:
        """The state that is reported. After a failure it is ``FAILED`` until progress is made:
        restarting and opening do not show that it will get any further.
        """
        return State.FAILED if self._failed else self.step

    def opened(self) -> None:
        """It is running, from the position in its tables."""
        self.opened_at = time.monotonic()
        if not self._failed:
            self.made_at = self.opened_at
        self.step = State.RUNNING

    def made(self, at: float) -> None:
        """It made progress at ``at``."""
        self.made_at = max(self.made_at, at)
        self._failed = False

    def failed(self) -> None:
        """It failed and is restarted."""
        self._failed = True
        self.restarts += 1

    def stalled(self) -> float:
        """For how many seconds it has made no progress. A restore has its own limit, unless it
        follows a failure of the partition.
        """
        return 0.0 if self.state is State.RESTORING else time.monotonic() - self.made_at

    def hangs(self) -> float:
        """For how many seconds it has neither made progress nor been opened. A restore always has
        its own limit here, so that a long one can finish.
        """
        if self.step is State.RESTORING:
            return 0.0
        return time.monotonic() - max(self.made_at, self.opened_at)


class Failures:
    """How often a task has failed since its last commit while a broker answered; ``at_most`` times
    is too often.
    """

    def __init__(self, at_most: int) -> None:
        self.in_a_row = 0
        self._at_most = at_most

    def happened(self, *, answers: bool) -> None:
        """It failed once more; ``answers`` is whether a broker answers. If none does, waiting is
        all that can be done, however long it takes.
        """
        self.in_a_row += answers

    def too_many(self) -> bool:
        """True if retrying would not help."""
        return self.in_a_row >= self._at_most

    def delay(self, *, answers: bool) -> float:
        """Seconds before the next try."""
        tried = self.in_a_row if answers else len(_BACKOFF_SECONDS)
        return _BACKOFF_SECONDS[min(tried, len(_BACKOFF_SECONDS)) - 1]

    def over(self) -> None:
        """A commit succeeded, so the count starts again."""
        self.in_a_row = 0


def is_our_own() -> bool:
    """Whether this task itself was asked to end."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
