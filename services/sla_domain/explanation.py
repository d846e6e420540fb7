"""Why a figure is what it is: every span of a clock with what it was, and sums that add up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from sla_domain.clock import Clock, Limit
from sla_domain.status import Status
from sla_domain.ticket import Ticket


class SpanKind(StrEnum):
    """What a span of a clock was: ``counted`` time was used, ``paused`` time would have counted but
    for somebody's delay, ``closed`` time never counts, ``not_begun`` lies before the limit begins,
    ``stopped`` after the clock has stopped.
    """

    NOT_BEGUN = "not_begun"
    COUNTED = "counted"
    PAUSED = "paused"
    CLOSED = "closed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LedgerSpan:
    """A stretch of a clock in which nothing changes.

    ``state`` is the ticket's, ``holder`` who has the ball (``vendor``, the party waited for, or
    nobody), ``cause`` the event that began the pause or stopped the clock.
    """

    start: int
    end: int
    kind: SpanKind
    state: Status
    holder: str | None
    cause: str | None

    @property
    def length(self) -> int:
        """Its milliseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Ledger:
    """The spans of one limit of a clock, from the clock's start to ``until`` without a gap."""

    clock: Clock
    limit: Limit
    until: int
    spans: tuple[LedgerSpan, ...]

    def total(self, kind: SpanKind) -> int:
        """Milliseconds of all spans of ``kind``."""
        return sum(span.length for span in self.spans if span.kind is kind)


class DueStep(NamedTuple):
    """Open time on the way to a due: ``amount`` of it from ``start`` to ``end``, ``total`` so far;
    milliseconds.
    """

    start: int
    end: int
    amount: int
    total: int


def ledger(ticket: Ticket, clock: Clock, limit: Limit, until: int) -> Ledger:
    """The ledger of ``limit`` up to ``until``."""
    until = max(until, clock.start)
    end, ended_by = until, None
    if clock.stopped is not None:
        end, ended_by = clock.stopped, clock.stopped_by
    elif ticket.status is Status.CANCELLED:
        end, ended_by = ticket.stages[-1].start, ticket.stages[-1].cause
    end = max(min(end, until), clock.start)
    stages = ticket.stages
    starts = [stage.start for stage in stages]

    def span(start: int, close: int) -> LedgerSpan:
        stage = stages[max(bisect_right(starts, start) - 1, 0)]
        pause = next(
            (p for p in clock.pauses if p.start <= start and (p.end is None or start < p.end)), None
        )
        cause, holder = None, stage.holder
        if start >= end:
            kind, cause = SpanKind.STOPPED, ended_by
        elif start < limit.start:
            kind, cause = SpanKind.NOT_BEGUN, limit.cause
        elif not limit.target.calendar.is_open(start):
            kind = SpanKind.CLOSED
        elif pause is not None:
            kind, cause, holder = SpanKind.PAUSED, pause.begun_by, pause.party
        else:
            kind = SpanKind.COUNTED
        return LedgerSpan(start, close, kind, stage.status, holder, cause)

    cuts = {clock.start, limit.start, end, until, *starts}
    cuts |= {cut for pause in clock.pauses for cut in (pause.start, pause.end or until)}
    for interval in limit.target.calendar.intervals(clock.start, end):
        cuts.update(interval)
    within = sorted(cut for cut in cuts if clock.start <= cut <= until)
    return Ledger(clock, limit, until, tuple(span(a, b) for a, b in pairwise(within)))


def due_steps(limit: Limit) -> Iterator[DueStep]:
    """The open time that leads to the limit's due; none while there is no due."""
    due, total = limit.due, 0
    if due is None:
        return
    begin = limit.start
    stretches = []
    for pause in limit.pauses:
        stretches.append((begin, min(pause.start, due)))
        begin = max(begin, due if pause.end is None else pause.end)
    stretches.append((begin, due))
    for start, end in stretches:
        for opened, closed in limit.target.calendar.intervals(start, end):
            total += closed - opened
            yield DueStep(opened, closed, closed - opened, total)
