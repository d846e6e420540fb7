"""A ticket's status and holder, and the result of adding an event."""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import Final, NamedTuple

from sla_domain.event import Event, EventType
from sla_domain.selector import CLIENT, WAITS, Selectors, word_of

#: Who can do something about an open ticket that waits for nobody.
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


class Course:
    """A ticket's way through its statuses. ``begins_wait`` are the events that have it wait, and
    ``ends_wait``, for each rule that is held up by a wait, those that set it going again.
    """

    __slots__ = (
        "_awaited",
        "_begins_wait",
        "_ends_wait",
        "closed_at",
        "stages",
        "status",
        "wait",
        "waited",
    )

    def __init__(self, begins_wait: Selectors, ends_wait: tuple[Selectors, ...]) -> None:
        self._begins_wait = begins_wait
        self._ends_wait = ends_wait
        # While it waits: what is still to come for each rule.
        self._awaited: list[Selectors] = []
        self.status = Status.EARLY
        #: When it was resolved or cancelled; ``None`` while it is neither.
        self.closed_at: int | None = None
        #: Since its communication; a stage lasts until the next begins.
        self.stages: list[Stage] = []
        #: The event that began the wait that lasts; ``None`` while there is none.
        self.wait: Event | None = None
        #: Whether it ever waited.
        self.waited = False

    def begin(self, at: int, cause: str) -> None:
        """The ticket was communicated at ``at``."""
        self.status = Status.OPEN
        self.stages.append(Stage(at, Status.OPEN, None, cause))

    def move(self, event: Event) -> None:
        """Let ``event`` take effect."""
        before = self.status
        self._change(event)
        party = None
        if self.status is Status.WAITING:
            party = (word_of(event) if event.type in WAITS else None) or CLIENT
            self.waited = True
        # A wait for another party is a stage of its own.
        other = self.status is before is Status.WAITING and event.type is EventType.WAITING
        if self.status is not before or (other and party != self.stages[-1].party):
            self.wait = event if self.status is Status.WAITING else None
            start = max(event.occurred, self.stages[0].start)
            self.stages.append(Stage(start, self.status, party, event.id))

    def _change(self, event: Event) -> None:
        type_ = event.type
        if type_ is EventType.CANCELLED:
            self.status, self.closed_at = Status.CANCELLED, event.occurred
        elif self.status is Status.RESOLVED:
            if type_ is EventType.REOPENED:
                self.status, self.closed_at = Status.OPEN, None
        elif type_ is EventType.RESOLVED:
            self.status, self.closed_at = Status.RESOLVED, event.occurred
        elif self.status is Status.WAITING:
            self._awaited = [ends for ends in self._awaited if not ends.takes(event)]
            if not self._awaited:
                self.status = Status.OPEN
        elif self._begins_wait.takes(event):
            self.status, self._awaited = Status.WAITING, list(self._ends_wait)


class Placement(Enum):
    """The result of adding an event to a timeline."""

    APPLIED = auto()
    DUPLICATE = auto()
    CONFLICT = auto()
