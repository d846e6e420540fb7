"""When a delivery arrived: no two of a process at once, and written so that texts sort as times."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def arrival_text(microseconds: int) -> str:
    """RFC 3339 UTC with exactly six decimals, of microseconds since 1970."""
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Arrivals:
    """Tells one arrival after the other, each later than the one before."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """Now, or a microsecond after the last."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return arrival_text(self._last)
