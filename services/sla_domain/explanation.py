"""Why a figure is what it is: every span of a clock with what it was, and sums that add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sla_domain.clock import Clock


class SpanKind(StrEnum):
    """What a span of a clock was: ``counted`` time was used, ``paused`` time would have counted but
    for somebody's delay, ``closed`` time never counts.
    """

    COUNTED = "counted"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LedgerSpan:
    """A stretch of a clock in which nothing changes. ``waits_for`` is whom it is paused for, in
    closed time too.
    """

    start: int
    end: int
    kind: SpanKind
    waits_for: str | None

    @property
    def length(self) -> int:
        """Its milliseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Ledger:
    """The spans of one clock from its start to ``end``, without a gap."""

    clock: Clock
    end: int
    spans: tuple[LedgerSpan, ...]

    def total(self, kind: SpanKind) -> int:
        """Milliseconds of all spans of ``kind``."""
        return sum(span.length for span in self.spans if span.kind is kind)


def ledger(clock: Clock, at: int) -> Ledger:
    """The ledger of ``clock`` up to ``at``, or to its stop if that came first."""
    end = at if clock.stopped is None else min(at, clock.stopped)
    end = max(end, clock.start)
    return Ledger(clock, end, tuple(_spans(clock, end)))


def _spans(clock: Clock, end: int) -> Iterator[LedgerSpan]:
    begin = clock.start
    for pause in clock.pauses:
        opened = min(max(pause.start, begin), end)
        closed = end if pause.end is None else min(max(pause.end, opened), end)
        yield from _cut(clock, begin, opened, None)
        yield from _cut(clock, opened, closed, pause.party)
        begin = closed
    yield from _cut(clock, begin, end, None)


def _cut(clock: Clock, start: int, end: int, waits_for: str | None) -> Iterator[LedgerSpan]:
    """``[start, end)`` cut at openings and closings of the clock's calendar."""
    open_kind = SpanKind.COUNTED if waits_for is None else SpanKind.PAUSED
    reached = start
    for opened, closed in clock.target.calendar.intervals(start, end):
        if reached < opened:
            yield LedgerSpan(reached, opened, SpanKind.CLOSED, waits_for)
        yield LedgerSpan(opened, closed, open_kind, waits_for)
        reached = closed
    if reached < end:
        yield LedgerSpan(reached, end, SpanKind.CLOSED, waits_for)
