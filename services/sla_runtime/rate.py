"""Rate limits for each caller."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

#: The size of a burst, as a multiple of the rate per second.
_BURST: Final = 2.0
#: Callers whose buckets are remembered; the least recent one is forgotten first.
_REMEMBERED: Final = 10_000


class RateLimit:
    """A token bucket for each caller."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._most = per_second * _BURST
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, asker: str, now: float) -> float:
        """Take a token from ``asker``'s bucket; 0, or the seconds until there is one again."""
        left, then = self._buckets.pop(asker, (self._most, now))
        left = min(self._most, left + (now - then) * self._rate)
        granted = left >= 1
        self._buckets[asker] = left - 1 if granted else left, now
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if granted else (1 - left) / self._rate
