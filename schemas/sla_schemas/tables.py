"""The compacted topics: the ticket table and the tracker's progress."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sla_schemas.alerts import Strict
from sla_schemas.types import Id, Instant, Milliseconds, Text
from sla_schemas.words import Kind, Outcome, Party, Severity, TicketState


class ClockRecord(Strict):
    """One cycle of one clock. Times are as of the record's ``as_of``."""

    clock: Text
    cycle: Annotated[int, Field(ge=1)]
    severity: Severity
    start: Instant
    due: Annotated[Instant | None, Field(description="Null while paused or void.")]
    stopped: Instant | None
    outcome: Outcome
    used_ms: Annotated[Milliseconds | None, Field(description="Null for a feature request.")]
    paused_ms: Annotated[
        Milliseconds | None, Field(description="Open part of the pauses, on the clock's calendar.")
    ]
    paused_by: Annotated[
        dict[Party, Milliseconds], Field(description="The same by the party it is attributed to.")
    ]
    target_ms: Milliseconds
    boundary: Text
    calendar: Text


class TicketRecord(Strict):
    """A ticket's SLA state. ``timeline``, ``sent`` and ``held`` are the tracker's own memory; their
    form may change with any version.
    """

    ticket_id: Id
    client_id: Text
    kind: Kind
    severity: Severity | None
    state: TicketState
    policy: Annotated[Text, Field(description="name@version the ticket is pinned to.")]
    communicated_at: Instant | None
    closed_at: Instant | None
    as_of: Annotated[
        Instant, Field(description="The latest event or deadline that this record knows of.")
    ]
    next_deadline: Instant | None
    clocks: list[ClockRecord]
    timeline: list[list[Any]]
    sent: list[list[Any]]
    held: Annotated[
        list[list[Any]],
        Field(description="Original records of events whose created has not arrived."),
    ]
    held_until: Annotated[
        int | None, Field(description="When those become orphans, in milliseconds.")
    ]


class Counts(Strict):
    """Records of a partition by what became of them, since its beginning."""

    events: Annotated[int, Field(ge=0, description="Records read that were meant as events.")]
    applied: Annotated[int, Field(ge=0)]
    duplicates: Annotated[int, Field(ge=0)]
    conflicts: Annotated[int, Field(ge=0, description="Copies with other content; also dropped.")]
    rekeyed: Annotated[int, Field(ge=0, description="Sent on under the right key.")]
    dead_letters: Annotated[int, Field(ge=0)]


class ProgressRecord(Strict):
    """How far a partition has been processed; written in the same transaction as its effects."""

    offset: Annotated[int, Field(ge=0, description="The next input offset.")]
    frontier: Annotated[
        int | None,
        Field(description="The instant up to which this partition is known, UTC milliseconds."),
    ]
    counts: Counts
