"""The frontier of a partition: the instant up to which all that can come of its events has been
said. Others call it a watermark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sla_domain.instant import SECOND

#: How far the frontier stays behind the wall clock or the last record (semantics §5).
DEFAULT_GRACE: Final = 2 * SECOND


@dataclass(frozen=True, slots=True)
class TimeRule:
    """What moves a frontier: append times less a grace, or in a replay the events' own times."""

    grace: int = DEFAULT_GRACE
    replay: bool = False

    def before(self, appended: int) -> int:
        """The last instant before that of a record appended then: the deadlines at it wait until
        all records of the instant have been read.
        """
        return appended - self.grace - 1

    def caught_up(self, now: int) -> int:
        """The last instant that is known where nothing is left to read."""
        return now - self.grace


REPLAY: Final = TimeRule(grace=0, replay=True)
