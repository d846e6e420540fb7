"""The broker's time.

Append times come from the broker's clock, so deadlines are compared with the broker's clock too: it
is taken from the broker's last answer, plus the uptime of this machine since then. The time of day
on this machine is never used, so setting it wrong neither causes nor delays an alert.
"""

from __future__ import annotations

import time
from typing import Final

import structlog

log = structlog.get_logger(__name__)

#: Milliseconds by which the wall clock and the uptime may drift apart before the broker is asked
#: for the time again; well below the grace.
DOUBT_MS: Final = 1_000
#: How old a poll may be that shows what the broker has.
MAX_AGE_MS: Final = 5_000


def uptime_ms() -> int:
    """Milliseconds since a fixed instant in the past, including sleep of the machine (if the system
    provides that); nobody can set it.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    return time.monotonic_ns() // 1_000_000


def wall_ms() -> int:
    """The time of day on this machine, UTC milliseconds; it may be set at any moment."""
    return time.time_ns() // 1_000_000


class BrokerClock:
    """The broker's time, from the last call of ``observe``; unknown before."""

    def __init__(self) -> None:
        self._heard: int | None = None
        self._uptime = 0
        self._wall = 0
        #: The uptime at the last answer of the broker that resolved a doubt.
        self._sure_since = 0

    def observe(self, timestamp: int) -> None:
        """The broker has just given its time as ``timestamp``, in UTC milliseconds."""
        doubtful = self.doubtful()
        self._heard, self._uptime, self._wall = timestamp, uptime_ms(), wall_ms()
        if doubtful:
            self._sure_since = self._uptime

    def now(self) -> int | None:
        """The broker's time in UTC milliseconds, behind by at most the duration of a call."""
        return None if self._heard is None else self._heard + uptime_ms() - self._uptime

    def moved(self) -> int:
        """By how many milliseconds the wall clock has got ahead of the uptime: it was set, or the
        machine was suspended without its clocks noticing.
        """
        return (wall_ms() - self._wall) - (uptime_ms() - self._uptime)

    def doubtful(self) -> bool:
        """Whether the broker should be asked for the time again."""
        return self._heard is None or abs(self.moved()) > DOUBT_MS

    def tell(self, partition: int) -> None:
        """Log that the time is doubtful, and what is done about it."""
        log.warning(
            "this machine's clock was changed; asking the broker for the time",
            partition=partition,
            milliseconds=self.moved(),
        )

    def at(self, asked: int) -> int | None:
        """The broker's time when this machine's uptime was ``asked`` milliseconds, a moment ago;
        ``None`` if the time was doubtful in between.
        """
        now, age = self.now(), uptime_ms() - asked
        if now is None or self.doubtful() or asked < self._sure_since:
            return None
        return now - age if 0 <= age <= MAX_AGE_MS else None
