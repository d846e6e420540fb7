"""The frontier of a partition: the instant up to which all its events have been processed; often
called a watermark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sla_domain.instant import SECOND

#: How far the frontier stays behind the broker's time, in milliseconds (decision 12).
DEFAULT_GRACE: Final = 2 * SECOND


@dataclass(frozen=True, slots=True)
class TimeRule:
    """What moves a frontier: append times minus the grace, or event times in a replay."""

    grace: int = DEFAULT_GRACE
    replay: bool = False

    def before(self, appended: int) -> int:
        """The frontier before applying a record appended at ``appended``. Deadlines at that instant
        wait until all its records have been read (decision 3).
        """
        return appended - self.grace - 1

    def caught_up(self, now: int) -> int:
        """The frontier at ``now`` when no records are left to read."""
        return now - self.grace


REPLAY: Final = TimeRule(grace=0, replay=True)
