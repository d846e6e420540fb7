"""Where a ticket stands: its status, who holds it, and what became of an event."""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import Final, NamedTuple

#: Who can do something about an open ticket that waits for nobody.
VENDOR: Final = "vendor"


class Status(StrEnum):
    """Where a ticket stands; ``early`` until its ``created`` has arrived."""

    EARLY = "early"
    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class Stage(NamedTuple):
    """A ticket from ``start`` on: its status, the party waited for, and the event that began it."""

    start: int
    status: Status
    party: str | None
    cause: str

    @property
    def holder(self) -> str | None:
        """Who has the ball: the vendor, the party waited for, or nobody."""
        return self.party or (VENDOR if self.status is Status.OPEN else None)


class Placement(Enum):
    """What became of an event put into a timeline."""

    APPLIED = auto()
    DUPLICATE = auto()
    CONFLICT = auto()
