"""Whether a record's event may come in: what its schema can't see."""

from __future__ import annotations

from sla_domain.event import Event, EventType
from sla_domain.policy import PolicyBook
from sla_engine.wire.events import Received, read_event
from sla_engine.wire.records import Record, Rejected
from sla_schemas.limits import FUTURE_TOLERANCE


def admit(record: Record, book: PolicyBook, *, replay: bool) -> Received | Rejected:
    """The event in ``record``, or why it is none that can be used.

    With ``replay`` the event's own time stands for the append time.
    """
    received = read_event(record)
    if isinstance(received, Rejected):
        return received
    event = received.event
    wrong = _refusal(event, event.occurred if replay else record.timestamp, book)
    return received if wrong is None else wrong._replace(source=event.source)


def _refusal(event: Event, now: int, book: PolicyBook) -> Rejected | None:
    """Why ``event`` is refused: times ahead of ``now``, and a change to no severity. A ticket may
    begin without one (clause C8).
    """
    facts = event.facts
    communicated = facts.get("communicated_at", event.occurred)
    latest = now + FUTURE_TOLERANCE
    if event.occurred > latest or communicated > latest:
        return Rejected("from_the_future", "more than 5 minutes ahead of its append time")
    told = event.type is EventType.SEVERITY_CHANGED
    if told and book.in_force(communicated).severity_of(facts) is None:
        return Rejected("unclassifiable", "neither severity nor an impact and scope that give one")
    return None
