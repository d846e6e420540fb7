"""The spans of a clock: they have no gaps, and their sum is the used time."""

from __future__ import annotations

from support.pure import pure_event, pure_ticket

from sla_domain.explanation import SpanKind, due_steps, ledger
from sla_domain.instant import HOUR, MINUTE

CREATED = pure_event("created", "2026-11-23T12:00:00Z", severity="high")
WAITING = pure_event("waiting_on_client", "2026-11-23T12:30:00Z", party="client")
RESPONDED = pure_event("client_responded", "2026-11-23T13:00:00Z")


def test_spans_follow_each_other_and_add_up_to_what_was_used() -> None:
    ticket = pure_ticket(CREATED, WAITING, RESPONDED)
    clock = ticket.clock("resolution", 1)
    assert clock is not None
    until = CREATED.occurred + 30 * HOUR
    found = ledger(ticket, clock, clock.primary, until)
    assert found.spans[0].start == CREATED.occurred
    assert found.spans[-1].end == until
    for one, next_ in zip(found.spans, found.spans[1:], strict=False):
        assert one.end == next_.start
    assert found.total(SpanKind.COUNTED) == clock.primary.used(until)
    assert found.total(SpanKind.PAUSED) == 30 * MINUTE
    [paused] = [span for span in found.spans if span.kind is SpanKind.PAUSED]
    assert (paused.holder, paused.cause) == ("client", WAITING.id)


def test_the_steps_to_the_due_are_the_target() -> None:
    clock = pure_ticket(CREATED).clocks[0]
    steps = list(due_steps(clock.primary))
    assert steps[-1].end == clock.primary.due
    assert steps[-1].total == sum(step.amount for step in steps) == clock.primary.target.within
