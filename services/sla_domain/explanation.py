"""Explains a clock's figures: a gapless list of its spans, and the steps to its due time."""

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
    """The kind of a span: ``counted`` time was used; ``paused`` is open time within a pause;
    ``closed`` is outside the calendar; ``not_begun`` is before the limit begins; ``stopped`` is
    after the clock stopped.
    """

    NOT_BEGUN = "not_begun"
    COUNTED = "counted"
    PAUSED = "paused"
    CLOSED = "closed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LedgerSpan:
    """An interval of a clock in which nothing changes.

    ``state`` is the ticket's status; ``holder`` is who has to act (``vendor``, the party waited
    for, or nobody); ``cause`` is the event that began the pause, began the limit or stopped the
    clock.
    """

    start: int
    end: int
    kind: SpanKind
    state: Status
    holder: str | None
    cause: str | None

    @property
    def length(self) -> int:
        """Its length in milliseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Ledger:
    """The spans of one limit, from the clock's start to ``until``, without gaps."""

    clock: Clock
    limit: Limit
    until: int
    spans: tuple[LedgerSpan, ...]

    def total(self, kind: SpanKind) -> int:
        """Total milliseconds of the spans of ``kind``."""
        return sum(span.length for span in self.spans if span.kind is kind)


class DueStep(NamedTuple):
    """An open interval before the due time: its ``amount``, and the running ``total``, in
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
    if limit.stopped is not None and limit.ended:
        end, ended_by = limit.stopped, limit.ended_by
    elif clock.stopped is not None:
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
    """The open intervals that add up to the target; empty if there is no due time."""
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
