"""A circuit breaker: a destination that fails again and again is left in peace for a while."""

from __future__ import annotations


class Breaker:
    """Open after ``failures`` in a row, for ``rest`` seconds; then one call may try. Time is an
    argument, in seconds.
    """

    def __init__(self, failures: int, rest: float) -> None:
        self._limit = failures
        self._rest = rest
        self._failed = 0
        self._open_until: float | None = None
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether calls are held back."""
        return self._open_until is not None

    def wait(self, now: float) -> float:
        """0 where a call may go out now, which must then be told of; else seconds to ask again."""
        if self._open_until is None:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        if self._trying:
            return 0.1
        self._trying = True
        return 0.0

    def succeeded(self) -> None:
        """A call was answered."""
        self._failed, self._open_until, self._trying = 0, None, False

    def failed(self, now: float) -> None:
        """A call failed in a way that may pass."""
        self._failed += 1
        self._trying = False
        if self._failed >= self._limit:
            self._open_until = now + self._rest
