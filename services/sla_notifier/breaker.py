"""A circuit breaker: pauses calls to a destination that keeps failing, or that asks for it."""

from __future__ import annotations


class Breaker:
    """Opens after ``failures`` in a row for ``rest`` seconds; then a single call may try. It also
    holds all calls for as long as the destination asked. Time is an argument, in seconds.
    """

    def __init__(self, failures: int, rest: float) -> None:
        self._limit = failures
        self._rest = rest
        self._failed = 0
        self._open_until: float | None = None
        self._held_until = float("-inf")
        self._trying = False

    def holds(self, now: float) -> bool:
        """Whether calls are held back."""
        return self._open_until is not None or now < self._held_until

    def wait(self, now: float) -> float:
        """0 if a call may be made now, whose result must be reported; else seconds to wait."""
        if now < self._held_until:
            return self._held_until - now
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

    def failed(self, now: float, after: float = 0.0) -> None:
        """A call failed, perhaps temporarily; the response asked for ``after`` seconds of pause."""
        self._failed += 1
        self._trying = False
        self._held_until = max(self._held_until, now + after)
        if self._failed >= self._limit:
            self._open_until = now + self._rest

    def given_up(self) -> None:
        """A call was not made after all, or its end says nothing about the destination."""
        self._trying = False
