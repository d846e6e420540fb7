"""How far a clock has climbed its ladder."""

from __future__ import annotations

from support.pure import pure_event, pure_ticket

from sla_domain.ladder import first_reach, reached_steps


def test_a_step_is_reached_at_its_instant_and_not_a_millisecond_before() -> None:
    ticket = pure_ticket(pure_event("created", "2026-11-23T12:00:00Z", severity="high"))
    for clock in ticket.clocks:
        steps = clock.primary.target.ladder
        instants = []
        for step in range(len(steps)):
            at, limit = first_reach(clock, step)
            assert at is not None
            assert limit is clock.primary
            assert reached_steps(clock, at) >= step + 1
            assert reached_steps(clock, at - 1) <= step
            instants.append(at)
        assert instants == sorted(instants)
        assert steps[-1].what == "breach"


def test_a_paused_clock_reaches_nothing_more() -> None:
    waiting = pure_event("waiting_on_client", "2026-11-23T12:30:00Z")
    ticket = pure_ticket(pure_event("created", "2026-11-23T12:00:00Z", severity="high"), waiting)
    clock = ticket.clock("resolution", 1)
    assert clock is not None
    assert first_reach(clock, len(clock.primary.target.ladder) - 1)[0] is None
    assert reached_steps(clock, waiting.occurred + 10**10) == reached_steps(clock, waiting.occurred)
