"""The time, as the broker has it.

A record's append time is the broker's, so deadlines are held against the broker's clock too: told
by its last answer, and carried on by how long this machine has been up since. What this machine
believes the time of day to be is never asked, so setting it wrong makes no alert and holds none
back.
"""

from __future__ import annotations

import time
from typing import Final

import structlog

log = structlog.get_logger(__name__)

#: Milliseconds by which the wall clock and the time since boot may come to differ before the broker
#: is asked anew; well below the grace.
DOUBT_MS: Final = 1_000
#: How old a poll may be that says what the broker has.
MAX_AGE_MS: Final = 5_000


def uptime_ms() -> int:
    """Milliseconds since some instant in the past, sleep of the machine included (where the system
    can tell); nobody can set it.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    return time.monotonic_ns() // 1_000_000


def wall_ms() -> int:
    """What this machine believes the time to be, UTC milliseconds; it may be set at any moment."""
    return time.time_ns() // 1_000_000


class BrokerClock:
    """The broker's time since it was last ``observe``; unknown before."""

    def __init__(self) -> None:
        self._heard: int | None = None
        self._uptime = 0
        self._wall = 0
        #: The time since boot at which the broker answered last in spite of a doubt.
        self._sure_since = 0

    def observe(self, timestamp: int) -> None:
        """The broker has just answered that it was ``timestamp``, in UTC milliseconds."""
        doubtful = self.doubtful()
        self._heard, self._uptime, self._wall = timestamp, uptime_ms(), wall_ms()
        if doubtful:
            self._sure_since = self._uptime

    def now(self) -> int | None:
        """The broker's time in UTC milliseconds, at most the length of a call behind."""
        return None if self._heard is None else self._heard + uptime_ms() - self._uptime

    def moved(self) -> int:
        """By how many milliseconds the wall clock has gone ahead of the time since boot: it was
        set, or the machine stood still without its clocks knowing.
        """
        return (wall_ms() - self._wall) - (uptime_ms() - self._uptime)

    def doubtful(self) -> bool:
        """Whether the broker had better be asked anew."""
        return self._heard is None or abs(self.moved()) > DOUBT_MS

    def tell(self, partition: int) -> None:
        """Log that there is a doubt, and what is done about it."""
        log.warning(
            "this machine's clock was moved; the broker is asked for the time",
            partition=partition,
            milliseconds=self.moved(),
        )

    def at(self, asked: int) -> int | None:
        """The broker's time when this machine had been up for ``asked`` milliseconds, a moment ago;
        ``None`` where there was a doubt in between.
        """
        now, age = self.now(), uptime_ms() - asked
        if now is None or self.doubtful() or asked < self._sure_since:
            return None
        return now - age if 0 <= age <= MAX_AGE_MS else None
