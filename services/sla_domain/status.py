"""A ticket's status and holder, and the result of adding an event."""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import Final, NamedTuple

#: The holder of an open ticket that is not waiting.
VENDOR: Final = "vendor"


class Status(StrEnum):
    """The status of a ticket; ``early`` until its ``created`` arrives."""

    EARLY = "early"
    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class Stage(NamedTuple):
    """A period of one status: its start, the party waited for, and the event that began it."""

    start: int
    status: Status
    party: str | None
    cause: str

    @property
    def holder(self) -> str | None:
        """Who has to act next: the vendor, the party waited for, or nobody."""
        return self.party or (VENDOR if self.status is Status.OPEN else None)


class Placement(Enum):
    """The result of adding an event to a timeline."""

    APPLIED = auto()
    DUPLICATE = auto()
    CONFLICT = auto()
