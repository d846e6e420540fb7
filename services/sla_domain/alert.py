"""What is told to the outside when a promise is about to break, breaks, or turns out not to have.

An alert's identity and content follow from the ticket's events and the alert's own instant, never
from when it was sent, so that any replay writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple

from sla_domain.announcement import AnnouncementKind
from sla_domain.clock import SEVERITY_LIMIT
from sla_domain.event import Event, EventType
from sla_domain.target import BREACH


class AlertKind(StrEnum):
    """The types of alerts as they stand in the envelope."""

    WARNING = "sla.warning"
    WARNING_RETRACTED = "sla.warning_retracted"
    BREACH = "sla.breach"
    BREACH_RETRACTED = "sla.breach_retracted"
    NOTICE = "sla.notice"
    APPROVED = "feature.approved"

    @property
    def of_warning(self) -> bool:
        """Whether it is a warning or takes one back."""
        return self in _OF_WARNINGS


_OF_WARNINGS: Final = frozenset({AlertKind.WARNING, AlertKind.WARNING_RETRACTED})


class Reason(StrEnum):
    """Why an alert is taken back."""

    LATE_EVENT = "late_event"
    SEVERITY_CHANGED = "severity_changed"
    AGREEMENT_CHANGED = "agreement_changed"
    RECLASSIFIED = "reclassified"
    CANCELLED = "cancelled"


_REASONS: Final = {
    EventType.SEVERITY_CHANGED: Reason.SEVERITY_CHANGED,
    EventType.ATTRIBUTES_CHANGED: Reason.AGREEMENT_CHANGED,
    EventType.RECLASSIFIED: Reason.RECLASSIFIED,
    EventType.CANCELLED: Reason.CANCELLED,
}


def reason_of(event: Event) -> Reason:
    """Why ``event`` takes alerts back: by what it changes, else because it came late."""
    return _REASONS.get(event.type, Reason.LATE_EVENT)


class SentAlert(NamedTuple):
    """An entry of a ticket's ledger: an alert that was sent.

    ``what`` is ``"breach"`` or the warning's fraction; ``retracted`` says why it was taken back
    and is ``None`` while it stands; ``limit`` is the clock's limit that reached it.
    """

    clock: str
    cycle: int
    what: str
    occurrence: int
    at: int
    retracted: str | None = None
    limit: str = SEVERITY_LIMIT


class SentNotice(NamedTuple):
    """An entry of a ticket's ledger: an announcement that was made."""

    kind: str
    about: str
    at: int


#: A clock's name, its cycle and a step of its ladder; or the kind of an announcement, 0, and what
#: it is about.
PostponedKey = tuple[str, int, str]


class Postponed(NamedTuple):
    """Something owed on account of an event that was appended at ``since``: it is said when the
    frontier has passed that, so when all is read that was appended within the grace (semantics §5).

    ``name``, ``number`` and ``what`` are its key, ``source`` and ``id`` name the event. Of an alert
    that stands it is the retraction that is owed.
    """

    name: str
    number: int
    what: str
    since: int
    source: str
    id: str

    @property
    def key(self) -> PostponedKey:
        """What is owed."""
        return self.name, self.number, self.what


class PauseShown(NamedTuple):
    """A pause as an alert tells it; ``counted`` is its open part in milliseconds."""

    start: int
    end: int | None
    party: str
    counted: int


class ClockSnapshot(NamedTuple):
    """The figures of a clock's limit at an alert's instant; spans of time in milliseconds.

    ``counted_from`` is where the limit begins to count: the clock's start, or the contact with the
    guard.
    """

    start: int
    counted_from: int
    due: int | None
    target: int
    boundary: str
    calendar: str
    used: int
    paused: int
    pauses: Sequence[PauseShown]
    follows: Sequence[str]


class Alert(NamedTuple):
    """A warning, a breach, or the retraction of one.

    ``at`` is the instant it speaks of: when the fraction or the breach was reached; of a
    retraction, when the event occurred that caused it. ``late`` is by how many milliseconds the
    event that made it owed was appended after that; 0 for a deadline that fired in its time.
    ``shown`` is absent in a retraction whose clock no longer exists.
    """

    kind: AlertKind
    id: str
    at: int
    ticket_id: str
    client_id: str
    severity: str | None
    policy: str
    clock: str
    cycle: int
    what: str
    limit: str
    occurrence: int
    caused_by: str
    late: int
    shown: ClockSnapshot | None
    retracts: str | None = None
    reason: Reason | None = None
    #: The agreement it is about; ``None`` under a policy that has none beside the standard.
    agreement: str | None = None


class Notice(NamedTuple):
    """An announcement on its way out: a notice, or an approval to one subscriber.

    ``late`` is by how many milliseconds its event was appended after it occurred.
    """

    kind: AlertKind
    id: str
    at: int
    ticket_id: str
    client_id: str
    severity: str | None
    policy: str
    what: AnnouncementKind
    about: str
    caused_by: str
    late: int
    agreement: str | None = None


def alert_id(ticket_id: str, kind: AlertKind, sent: SentAlert) -> str:
    """The identity of an alert: a hash of ticket, clock, cycle, kind, fraction or limit, and
    occurrence (semantics §5), 32 hexadecimal digits.
    """
    limit = sent.limit if sent.what == BREACH else sent.what
    return _hash(ticket_id, sent.clock, str(sent.cycle), kind.value, limit, str(sent.occurrence))


def notice_id(ticket_id: str, kind: AnnouncementKind, about: str) -> str:
    """The identity of an announcement: a hash of ticket, kind and whom or what it concerns."""
    return _hash(ticket_id, kind.value, about)


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
