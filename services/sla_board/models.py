"""The API's answers. Their JSON Schemas go into the OpenAPI document."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, Field

from sla_board.access import Viewer
from sla_board.board import Board
from sla_board.reader import Freshness, Standing
from sla_board.row import ClockRow, Row
from sla_board.table import Attained, Period
from sla_domain.instant import format_instant
from sla_runtime.pulse import Pulse
from sla_schemas.heartbeat import Program
from sla_schemas.types import Word
from sla_schemas.words import Kind, Outcome, TicketState

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class ClockAnswer(BaseModel):
    """A cycle of a clock. Figures are as of the ticket's ``as_of``, ``remaining_ms`` as of now."""

    clock: str
    cycle: int
    severity: Word
    agreement: str | None = None
    start: Time | None
    due: Time | None
    breaches_at: Annotated[
        Time | None,
        Field(
            description="When the SLA breaches: at the due time or, if that instant still meets "
            "the SLA, when the calendar next opens."
        ),
    ]
    stopped: Time | None
    outcome: Outcome
    limit: str
    used_ms: int | None
    paused_ms: int | None
    target_ms: int
    calendar: str
    remaining_ms: Annotated[
        int | None, Field(description="Time left on the calendar now; negative once overdue.")
    ]
    team: Annotated[
        str | None,
        Field(description="Of a promise between teams: whose it is. A client's token sees none."),
    ] = None
    without_exceptions: Annotated[
        Outcome | None,
        Field(
            description="Whether it would be met or breached without exceptions; null if that is "
            "undecided, or no exception is about the clock."
        ),
    ] = None


class EarlierAnswer(BaseModel):
    """Ended cycles of a clock that are no longer told one by one."""

    clock: str
    severity: Word
    outcome: Outcome
    date: Annotated[dt.date, Field(description="By which they count in reports.")]
    count: int
    team: str | None = None
    without_exceptions: Outcome | None = None


class TicketAnswer(BaseModel):
    """A ticket's SLA state. Analyst and team are null for a client's token."""

    ticket_id: str
    client_id: str
    kind: Kind
    severity: Word | None
    state: TicketState
    holder: Annotated[Word | None, Field(description="Who has the ball.")]
    holder_since: Time | None
    analyst_id: str | None
    team: str | None
    policy: str
    agreement: Annotated[
        str | None, Field(description="Null where none takes it, or the policy has none.")
    ] = None
    channel: str | None
    communicated_at: Time | None
    closed_at: Time | None
    as_of: Time
    next_due: Annotated[Time | None, Field(description="When the SLA that breaches next is due.")]
    next_breach: Annotated[Time | None, Field(description="When that SLA breaches.")]
    breached: bool
    clocks: list[ClockAnswer]
    earlier_cycles: Annotated[
        list[EarlierAnswer],
        Field(description="Of clocks with many cycles, the earlier ones summed up."),
    ]


class TicketsAnswer(BaseModel):
    """A page of tickets."""

    as_of: Time
    freshness: Freshness
    tickets: list[TicketAnswer]
    next: Annotated[
        str | None, Field(description="Cursor of the next page; null on the last page.")
    ]


class LedgerAnswer(BaseModel):
    """A ticket, and every span of its clocks as in ``sla explain --json``."""

    ticket: TicketAnswer
    ledger: dict[str, object]


class AttainedAnswer(BaseModel):
    """SLAs met (`kept`) and breached (`broken`), and the share met; null if there are none. The
    same again as if no exception had been granted.
    """

    kept: int
    broken: int
    share: float | None
    kept_without_exceptions: int
    broken_without_exceptions: int
    share_without_exceptions: float | None

    @classmethod
    def of(cls, attained: Attained) -> AttainedAnswer:
        """The answer for ``attained``."""
        return cls(
            kept=attained.kept,
            broken=attained.broken,
            share=attained.share,
            kept_without_exceptions=attained.kept_without,
            broken_without_exceptions=attained.broken_without,
            share_without_exceptions=attained.share_without,
        )


class CountsAnswer(BaseModel):
    """Open tickets, and how many of them have breached or are waiting on the client."""

    open: int
    breached: int
    waiting: int


class WatchAnswer(BaseModel):
    """The state of the trackers, according to their heartbeats."""

    trackers: Annotated[int, Field(description="How many are running.")]
    partitions: Annotated[
        list[int], Field(description="Partitions that are unowned, stalled or behind.")
    ]
    all_partitions: int
    behind_ms: Annotated[
        int, Field(description="How long the worst of them has been behind or stalled.")
    ]
    last_heard: Annotated[
        Time | None, Field(description="When a tracker was last heard from, by the broker's clock.")
    ]
    stopped: Annotated[bool, Field(description="Whether its last heartbeat announced its end.")]
    reason: Annotated[
        str | None, Field(description="Why the broker or the trackers can't be heard.")
    ]


class ProgramAnswer(BaseModel):
    """A program, according to its last heartbeat."""

    program: Program
    instance: str
    version: str
    started_at: Time
    last_heard: Time
    state: Annotated[
        Literal["working", "lacking", "stopped", "away"],
        Field(description="`lacking`: running with a problem; `away`: gone without notice."),
    ]
    lacks: list[str]
    partitions: int


class SummaryAnswer(BaseModel):
    """The whole board in figures."""

    as_of: Time
    freshness: Freshness
    unread_events: Annotated[
        int,
        Field(
            description="Offsets of the input that no tracker has processed: events, and "
            "transaction markers that have events behind them."
        ),
    ]
    undelivered_alerts: Annotated[
        int | None,
        Field(
            description="Alerts that the notifiers have neither delivered nor dead-lettered, "
            "including transaction markers not yet read. Null if no notifier is running, and for "
            "a client's token."
        ),
    ]
    watch: WatchAnswer
    programs: Annotated[
        list[ProgramAnswer], Field(description="Programs heard from; empty for a client's token.")
    ]
    counts: CountsAnswer
    severities: Annotated[
        list[Word], Field(description="Those of the policies, the gravest first.")
    ]
    by_severity: dict[str, CountsAnswer]
    by_client: dict[str, CountsAnswer]
    by_team: dict[str, CountsAnswer]
    attainment: dict[Period, AttainedAnswer]


class AttainmentAnswer(BaseModel):
    """SLAs met and breached between two local days, in total and grouped by one dimension."""

    period: Period
    first_day: str
    last_day: str
    total: AttainedAnswer
    by: str
    groups: dict[str, AttainedAnswer]
    objectives: Annotated[
        dict[str, float], Field(description="What agreements want kept, where the policy says it.")
    ]


def now_text(board: Board) -> str:
    """The instant the figures refer to, in RFC 3339."""
    return format_instant(board.now())


def watch_answer(standing: Standing) -> WatchAnswer:
    """The state of the trackers in figures."""
    verdict = standing.verdict
    last = verdict.last
    return WatchAnswer(
        trackers=verdict.trackers,
        partitions=list(verdict.partitions),
        all_partitions=standing.all_partitions,
        behind_ms=verdict.behind_ms,
        last_heard=None if last is None else format_instant(last.at),
        stopped=last is not None and last.beat.stopped,
        reason=standing.reason,
    )


def program_answers(pulse: Pulse) -> list[ProgramAnswer]:
    """Every program that has left a heartbeat."""
    found = []
    for program in get_args(Program):
        working = [sign.beat.instance for sign in pulse.at_work(program)]
        for sign in pulse.of(program):
            beat = sign.beat
            here = beat.instance in working
            gone: Literal["stopped", "away"] = "stopped" if beat.stopped else "away"
            found.append(
                ProgramAnswer(
                    program=program,
                    instance=beat.instance,
                    version=beat.version,
                    started_at=format_instant(beat.started_at),
                    last_heard=format_instant(sign.at),
                    state=("lacking" if beat.lacks else "working") if here else gone,
                    lacks=beat.lacks,
                    partitions=len(beat.partitions),
                )
            )
    return found


def ticket_answer(row: Row, board: Board, viewer: Viewer, now: int) -> dict[str, Any]:
    """``row`` as ``viewer`` may see it: a ``TicketAnswer``, made without validating what the
    tracker wrote, since there are hundreds on a page.
    """
    told = {name: getattr(row, name) for name in _TOLD}
    if not viewer.sees_staff:
        told |= {"analyst_id": None, "team": None}
    running = row.running
    clocks = []
    for clock in clocks_for(row, viewer):
        countdown = board.countdown(row, clock, now)
        figures = {name: getattr(clock, name) for name in _TOLD_OF_CLOCK}
        figures["remaining_ms"] = None if countdown is None else countdown.remaining_ms
        clocks.append(figures)
    told["next_due"] = None if running is None else running.due
    told["next_breach"] = None if running is None else running.breaks
    told["breached"] = row.breach is not None
    told["clocks"] = clocks
    told["earlier_cycles"] = [
        {name: getattr(each, name) for name in EarlierAnswer.model_fields}
        for each in row.earlier_cycles
        if viewer.sees_staff or each.team is None
    ]
    return told


def clocks_for(row: Row, viewer: Viewer) -> list[ClockRow]:
    """The clocks of a ticket that ``viewer`` may see: what teams promise each other is staff's."""
    return row.clocks if viewer.sees_staff else row.promised


_TOLD: Final = tuple(name for name in TicketAnswer.model_fields if name in Row.__struct_fields__)
_TOLD_OF_CLOCK: Final = tuple(
    name for name in ClockAnswer.model_fields if name in ClockRow.__struct_fields__
)
