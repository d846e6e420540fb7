"""The compacted topics: a ticket's record, the tracker's memory in it, and its progress."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sla_domain.alert import Said, Sent
from sla_domain.clock import Clock, Limit, Outcome
from sla_domain.delay import client_delay
from sla_domain.duties import Obligation
from sla_domain.event import Event
from sla_domain.instant import format_instant, format_optional
from sla_domain.policy import PolicyBook
from sla_domain.ticket import FEATURE_REQUEST, Status, Ticket
from sla_tracker.wire.records import Headers, Record

#: The form of what trackers store. A tracker reads its own form and every older one; 1 is that of
#: records that name none (tests/fixtures/state holds one of each).
STATE_VERSION: Final = 2


class NewerStateError(Exception):
    """A record was written by a newer version of the tracker; the message says which form."""

    def __init__(self, version: int) -> None:
        super().__init__(f"form {version}, and this tracker reads forms up to {STATE_VERSION}")


class Held(msgspec.Struct, array_like=True):
    """An early event's record, kept whole until its ``created`` arrives or it is an orphan."""

    offset: int
    timestamp: int
    key: str | None
    value: str
    headers: list[tuple[str, str]]

    @classmethod
    def of(cls, record: Record) -> Held:
        """Keep ``record``; bytes as base64, since they need not be text."""
        return cls(
            record.offset,
            record.timestamp,
            None if record.key is None else b64encode(record.key).decode(),
            b64encode(record.value or b"").decode(),
            [(name, b64encode(content).decode()) for name, content in record.headers],
        )


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A held record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @classmethod
    def of(cls, held: Held, topic: str, partition: int) -> HeldRecord:
        """The record that ``held`` kept."""
        return cls(
            topic,
            partition,
            held.offset,
            held.timestamp,
            None if held.key is None else b64decode(held.key),
            b64decode(held.value),
            [(name, b64decode(content)) for name, content in held.headers],
        )


class Stored(msgspec.Struct, omit_defaults=True):
    """What the tracker reads back of a ticket's record: its memory and its policy, not the figures.

    ``policy`` is absent where the policy book says the same.
    """

    timeline: list[Event]
    sent: list[Sent] = []
    said: list[Said] = []
    held: list[Held] = []
    held_until: int | None = None
    policy: str | None = None
    weight: int = 0
    state_version: int = 1


_STORED: Final = msgspec.json.Decoder(Stored)


def read_stored(value: bytes) -> Stored:
    """The memory in a record of the ticket table. Raises ``NewerStateError``."""
    stored = _STORED.decode(value)
    if stored.state_version > STATE_VERSION:
        raise NewerStateError(stored.state_version)
    return stored


def restored_ticket(ticket_id: str, stored: Stored, book: PolicyBook) -> Ticket:
    """The ticket that ``stored`` remembers. Raises ``UnknownPolicyError``."""
    ticket = Ticket(ticket_id, book)
    ticket.restore(stored.timeline, stored.sent, stored.said, stored.policy)
    return ticket


class Counts(msgspec.Struct):
    """Records by what became of them (``sla_schemas.tables.Counts``)."""

    events: int = 0
    applied: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rekeyed: int = 0
    dead_letters: int = 0


class Progress(msgspec.Struct):
    """How far a partition has come (``sla_schemas.tables.ProgressRecord``)."""

    offset: int
    frontier: int | None
    counts: Counts
    #: How many tickets the table has, and how many partitions the input; ``None`` in form 1.
    tickets: int | None = None
    partitions: int | None = None
    state_version: int = 1


_PROGRESS: Final = msgspec.json.Decoder(Progress)


def read_progress(value: bytes) -> Progress:
    """A record of the progress topic. Raises ``NewerStateError``."""
    progress = _PROGRESS.decode(value)
    if progress.state_version > STATE_VERSION:
        raise NewerStateError(progress.state_version)
    return progress


def write_progress(
    offset: int,
    frontier: int | None,
    counts: Counts,
    tickets: int | None = None,
    partitions: int | None = None,
) -> bytes:
    """A record for the progress topic: the next input offset and all that is known with it."""
    return msgspec.json.encode(
        Progress(offset, frontier, counts, tickets, partitions, STATE_VERSION)
    )


def ticket_as_of(ticket: Ticket) -> int:
    """The latest event or deadline that ``ticket`` knows of."""
    latest = ticket.timeline[-1].occurred
    for sent in ticket.sent:
        latest = max(latest, sent.at)
    return latest


def ticket_record(
    ticket: Ticket,
    as_of: int,
    next_deadline: int | None,
    held: Sequence[Held] = (),
    held_until: int | None = None,
    weight: int = 0,
) -> dict[str, Any]:
    """A ticket's record, its figures as of the instant given."""
    created = ticket.created is not None
    duties = ticket.duties
    return {
        "ticket_id": ticket.id,
        "client_id": ticket.client_id,
        "kind": ticket.kind,
        "severity": ticket.severity,
        "state": ticket.status,
        "policy": ticket.policy.ref,
        "channel": ticket.created.facts.get("channel") if ticket.created else None,
        "communicated_at": format_instant(ticket.communicated_at) if created else None,
        "closed_at": format_optional(ticket.closed_at),
        "as_of": format_instant(as_of),
        "next_deadline": format_optional(next_deadline),
        "clocks": [_clock(ticket, clock, as_of) for clock in ticket.clocks],
        "client_delay": _client_delay(ticket, as_of) if ticket.waited else {},
        "obligations": [_obligation(owed) for owed in duties.obligations],
        "subscribers": duties.subscribers,
        "timeline": ticket.timeline,
        "sent": ticket.sent,
        "said": ticket.said,
        "held": list(held),
        "held_until": held_until,
        "weight": weight,
        "state_version": STATE_VERSION,
    }


def _clock(ticket: Ticket, clock: Clock, as_of: int) -> dict[str, Any]:
    outcome = ticket.outcome(clock, as_of)
    until = as_of
    if ticket.status is Status.CANCELLED and ticket.closed_at is not None:
        until = min(as_of, ticket.closed_at)
    measured = ticket.kind != FEATURE_REQUEST
    undue = outcome is Outcome.PAUSED or outcome is Outcome.VOID
    limit = clock.own if undue or clock.second is None else clock.governing
    return {
        "clock": clock.rule.name,
        "cycle": clock.cycle,
        "severity": clock.severity,
        "start": format_instant(clock.own.start),
        "stopped": format_optional(clock.stopped),
        "outcome": outcome,
        "origin": clock.origin,
        **_figures(limit, until, undue=undue, measured=measured),
        "paused_by": _paused_by(limit, until) if measured and clock.pauses else {},
        "limits": []
        if clock.second is None
        else [_figures(each, until, undue=undue, measured=measured) for each in clock.limits],
    }


def _figures(limit: Limit, until: int, *, undue: bool, measured: bool) -> dict[str, Any]:
    target = limit.target
    return {
        "limit": limit.name,
        "counted_from": format_instant(limit.start),
        "due": None if undue else format_optional(limit.due),
        "used_ms": limit.used(until) if measured else None,
        "paused_ms": (limit.paused_time(until) if limit.pauses else 0) if measured else None,
        "target_ms": target.within,
        "boundary": target.boundary,
        "calendar": target.calendar.name,
    }


def _paused_by(limit: Limit, until: int) -> dict[str, int]:
    parties = {pause.party for pause in limit.pauses}
    return {party: limit.paused_time(until, party) for party in sorted(parties)}


def _client_delay(ticket: Ticket, as_of: int) -> dict[str, Any]:
    return {party: delay._asdict() for party, delay in client_delay(ticket, as_of).items()}


def _obligation(owed: Obligation) -> dict[str, Any]:
    return {
        "kind": "written_record",
        "contact_id": owed.contact_id,
        "medium": owed.medium,
        "opened_at": format_instant(owed.opened),
        "closed_at": format_optional(owed.closed),
        "record": owed.record,
    }


def write_json(value: object) -> bytes:
    """Compact JSON, UTF-8."""
    return msgspec.json.encode(value)
