"""The compacted topics: the ticket table and the tracker's progress."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sla_schemas.alerts import Strict
from sla_schemas.types import Id, Instant, Milliseconds, Text, Word
from sla_schemas.words import Kind, Outcome, TicketState


class LimitFigures(Strict):
    """The figures of a clock under one of its limits, as of the record's ``as_of``."""

    limit: Annotated[Text, Field(description="'severity', or the plan it comes from (C5).")]
    ended: Annotated[
        Instant | None,
        Field(
            description="When another limit took its place, because the severity changed; it was "
            "broken by then. Null of a limit that counts."
        ),
    ] = None
    counted_from: Annotated[Instant | None, Field(description="Null before the clock starts.")]
    due: Annotated[Instant | None, Field(description="Null while paused or void.")]
    used_ms: Annotated[Milliseconds | None, Field(description="Null for a feature request.")]
    paused_ms: Annotated[
        Milliseconds | None,
        Field(description="Business time of the pauses, on the limit's calendar."),
    ]
    target_ms: Milliseconds
    boundary: Text
    calendar: Text


class ClockRecord(LimitFigures):
    """One cycle of one clock. The figures are those of the limit that decides: that is due first,
    or was broken before another took its place; of the severity's limit while none is due.
    """

    clock: Text
    cycle: Annotated[int, Field(ge=1)]
    severity: Word
    agreement: Annotated[
        Text | None, Field(description="Whose target it has, where the policy has agreements.")
    ] = None
    team: Annotated[
        Text | None,
        Field(description="With whom the ticket lies in this cycle, of a promise between teams."),
    ] = None
    start: Annotated[Instant | None, Field(description="Null before the clock starts.")]
    stopped: Instant | None
    outcome: Outcome
    without_exceptions: Annotated[
        Outcome | None,
        Field(
            description="Whether it would be met or breached without what was agreed not to count; "
            "null if that is undecided, or no exception is about the clock."
        ),
    ] = None
    breaches_at: Annotated[
        Instant | None,
        Field(
            description="The first instant at which the promise is broken, under whichever limit "
            "is broken first. Later than `due` if the boundary is inclusive. Null if the clock is "
            "paused or stopped before."
        ),
    ] = None
    origin: Annotated[
        Word | None, Field(description="Where the fault lay, told by what stopped it (C20).")
    ]
    paused_by: Annotated[
        dict[Word, Milliseconds], Field(description="paused_ms by the party it is attributed to.")
    ]
    limits: Annotated[
        list[LimitFigures], Field(description="All limits, if the clock has more than one.")
    ]


class EarlierCyclesRecord(Strict):
    """Ended cycles of a clock that are no longer among ``clocks``: those with the same outcome
    that were decided on one date in the zone of the policy's business calendar.
    """

    clock: Text
    severity: Word
    agreement: Text | None = None
    team: Text | None = None
    outcome: Outcome
    without_exceptions: Outcome | None = None
    date: Annotated[
        str,
        Field(
            pattern=r"^\d{4}-\d\d-\d\d$",
            description="When they were due if they are breached, else when they stopped.",
        ),
    ]
    cycles: Annotated[
        list[tuple[int, int]], Field(description="Which: the first and the last of each run.")
    ]


class DelayRecord(Strict):
    """A delay as business time on the policy's business calendar, and as elapsed time."""

    business_ms: Milliseconds
    clock_ms: Milliseconds


class ObligationRecord(Strict):
    """A spoken contact that needs a written record; open while ``record`` is null."""

    kind: Literal["written_record"]
    contact_id: Id
    medium: Word
    opened_at: Instant
    closed_at: Instant | None
    record: Text | None


class TicketRecord(Strict):
    """A ticket's SLA state. ``timeline``, ``sent``, ``said``, ``postponed`` and ``held`` are
    internal to the tracker; their format may change with any version.
    """

    ticket_id: Id
    client_id: Text
    kind: Kind
    severity: Word | None
    state: TicketState
    holder: Annotated[
        Word | None, Field(description="Whom it waits for: `vendor`, or a party; null for nobody.")
    ] = None
    holder_since: Annotated[Instant | None, Field(description="Since when.")] = None
    analyst_id: Annotated[Text | None, Field(description="Whom it is assigned to.")] = None
    team: Annotated[Text | None, Field(description="The team it lies with.")] = None
    policy: Annotated[Text, Field(description="name@version the ticket is pinned to.")]
    agreement: Annotated[
        Text | None,
        Field(
            description="The agreement that takes the ticket, where the policy has agreements; "
            "null where none does."
        ),
    ] = None
    channel: Text | None
    communicated_at: Instant | None
    closed_at: Instant | None
    as_of: Annotated[
        Instant, Field(description="The latest event or deadline that this record includes.")
    ]
    next_deadline: Instant | None
    clocks: list[ClockRecord]
    earlier_cycles: Annotated[
        list[EarlierCyclesRecord],
        Field(
            default_factory=list,
            description="Of clocks that have ended more than 20 cycles, the earlier ones summed "
            "up; absent if there are none.",
        ),
    ]
    client_delay: Annotated[
        dict[Word, DelayRecord], Field(description="Waits for the client, by party (C12).")
    ]
    obligations: list[ObligationRecord]
    subscribers: Annotated[
        list[Id], Field(description="Who is notified when the feature is approved (C16).")
    ]
    timeline: list[list[Any]]
    sent: list[list[Any]]
    said: list[list[Any]]
    postponed: Annotated[
        list[list[Any]],
        Field(
            default_factory=list,
            description="Alerts that wait until everything that arrived with their event is read.",
        ),
    ]
    held: Annotated[
        list[list[Any]],
        Field(description="Original records of events whose `created` has not arrived yet."),
    ]
    held_until: Annotated[
        int | None, Field(description="When those become orphans, in milliseconds.")
    ]
    weight: Annotated[
        int, Field(ge=0, description="Size of its events in bytes; a ticket has a size limit.")
    ]
    known_at: Annotated[
        int,
        Field(
            ge=0,
            description="When the latest event was appended, UTC milliseconds, if that decides "
            "when the ticket leaves the table; else 0.",
        ),
    ] = 0
    state_version: Annotated[int, Field(ge=1, description="Format version of the state.")]


class Counts(Strict):
    """How many records of a partition had each result, since its beginning."""

    events: Annotated[int, Field(ge=0, description="Records read that were meant as events.")]
    applied: Annotated[int, Field(ge=0)]
    duplicates: Annotated[int, Field(ge=0)]
    conflicts: Annotated[int, Field(ge=0, description="Same id, different content; dropped.")]
    rekeyed: Annotated[int, Field(ge=0, description="Republished under the right key.")]
    dead_letters: Annotated[int, Field(ge=0)]


class ProgressRecord(Strict):
    """How far a partition has been processed; written in the same transaction as its effects."""

    offset: Annotated[int, Field(ge=0, description="The next input offset.")]
    frontier: Annotated[
        int | None,
        Field(
            description="The instant up to which everything in this partition is known, UTC "
            "milliseconds."
        ),
    ]
    counts: Counts
    tickets: Annotated[
        int | None, Field(ge=0, description="Tickets of the partition in the table.")
    ]
    partitions: Annotated[int | None, Field(ge=1, description="Partitions of the input topic.")]
    rules: Annotated[
        str | None,
        Field(description="Digest of the policies that the tickets were evaluated under."),
    ] = None
    state_version: Annotated[int, Field(ge=1, description="Format version of the state.")]
