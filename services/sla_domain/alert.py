"""Alerts: warnings, breaches and their retractions, notices and approvals.

An alert's id and content depend on the ticket's events and the alert's own instant, never on when
it was sent, so any replay writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple

from sla_domain.announcement import AnnouncementKind
from sla_domain.clock import SEVERITY_LIMIT
from sla_domain.event import Event, EventType
from sla_domain.steps import BREACH, Escalation, escalation_of


class AlertKind(StrEnum):
    """The ``type`` of an alert's CloudEvents envelope."""

    WARNING = "sla.warning"
    WARNING_RETRACTED = "sla.warning_retracted"
    BREACH = "sla.breach"
    BREACH_RETRACTED = "sla.breach_retracted"
    ESCALATION = "sla.escalation"
    ESCALATION_RETRACTED = "sla.escalation_retracted"
    NOTICE = "sla.notice"
    APPROVED = "feature.approved"


#: By the kind of an alert, the kind that takes it back.
RETRACTED_BY: Final = {
    AlertKind.WARNING: AlertKind.WARNING_RETRACTED,
    AlertKind.BREACH: AlertKind.BREACH_RETRACTED,
    AlertKind.ESCALATION: AlertKind.ESCALATION_RETRACTED,
}


def kind_of(what: str) -> AlertKind:
    """The kind of the alert that tells a step of a ladder."""
    if what == BREACH:
        return AlertKind.BREACH
    return AlertKind.WARNING if escalation_of(what) is None else AlertKind.ESCALATION


class Reason(StrEnum):
    """Why an alert is retracted."""

    LATE_EVENT = "late_event"
    SEVERITY_CHANGED = "severity_changed"
    AGREEMENT_CHANGED = "agreement_changed"
    RECLASSIFIED = "reclassified"
    CANCELLED = "cancelled"
    EXCUSED = "excused"


_REASONS: Final = {
    EventType.SEVERITY_CHANGED: Reason.SEVERITY_CHANGED,
    EventType.ATTRIBUTES_CHANGED: Reason.AGREEMENT_CHANGED,
    EventType.RECLASSIFIED: Reason.RECLASSIFIED,
    EventType.CANCELLED: Reason.CANCELLED,
    EventType.EXCEPTION_GRANTED: Reason.EXCUSED,
}


def reason_of(event: Event) -> Reason:
    """The reason for retractions caused by ``event``: by its type, else that it came late."""
    return _REASONS.get(event.type, Reason.LATE_EVENT)


class SentAlert(NamedTuple):
    """An alert sent for a ticket.

    ``what`` is what its ladder calls the step; ``retracted`` is the reason for its
    retraction, ``None`` if not retracted; ``limit`` is the limit that triggered it.
    """

    clock: str
    cycle: int
    what: str
    occurrence: int
    at: int
    retracted: str | None = None
    limit: str = SEVERITY_LIMIT


class SentNotice(NamedTuple):
    """An announcement sent for a ticket."""

    kind: str
    about: str
    at: int


#: (clock name, cycle, ladder step), or (announcement kind, 0, ``about``).
PostponedKey = tuple[str, int, str]


class Postponed(NamedTuple):
    """A pending alert, announcement or retraction, caused by an event appended at ``since``.

    It is sent once the frontier reaches ``since``: every record appended within the grace has then
    been read (decision 23). ``name``, ``number`` and ``what`` are its key; ``source`` and ``id``
    identify the event. If the key's alert was already sent, the pending item is its retraction.
    """

    name: str
    number: int
    what: str
    since: int
    source: str
    id: str

    @property
    def key(self) -> PostponedKey:
        """Identifies the pending item within its ticket."""
        return self.name, self.number, self.what


class PauseShown(NamedTuple):
    """A pause as shown in an alert; ``counted`` is its open time in milliseconds."""

    start: int
    end: int | None
    party: str
    counted: int


class ClockSnapshot(NamedTuple):
    """The figures of a clock's limit at an alert's instant; durations in milliseconds.

    ``counted_from`` is when the limit begins to count: the clock's start, or the contact with the
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
    """A warning, a breach, an escalation, or the retraction of one.

    ``at`` is when the step was reached; for a retraction, when the event that
    caused it occurred. ``late`` is how many milliseconds after ``at`` the causing event was
    appended; 0 for a deadline that fired on time. ``shown`` is ``None`` for a retraction whose
    clock no longer exists.
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
    #: The team whose clock it is about; ``None`` for a clock of the ticket.
    team: str | None = None

    @property
    def told(self) -> AlertKind:
        """What it tells or takes back: a warning, a breach or an escalation."""
        return kind_of(self.what)

    @property
    def escalation(self) -> Escalation | None:
        """Which escalation it is about; ``None`` for a warning or a breach."""
        return escalation_of(self.what)


class Notice(NamedTuple):
    """An announcement to send: a notice, or an approval for one subscriber.

    ``late`` is how many milliseconds after it occurred its event was appended.
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
    """An alert's id: a hash of ticket, clock, cycle, kind, step or limit, and occurrence; 32
    hexadecimal digits.
    """
    limit = sent.limit if sent.what == BREACH else sent.what
    return _hash(ticket_id, sent.clock, str(sent.cycle), kind.value, limit, str(sent.occurrence))


def notice_id(ticket_id: str, kind: AnnouncementKind, about: str) -> str:
    """An announcement's id: a hash of ticket, kind and ``about``; 32 hexadecimal digits."""
    return _hash(ticket_id, kind.value, about)


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
