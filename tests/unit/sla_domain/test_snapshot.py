"""The figures of a clock at an instant include nothing later."""

from __future__ import annotations

from support.pure import pure_event, pure_ticket

from sla_domain.instant import MINUTE, parse_instant
from sla_domain.snapshot import limit_called, snapshot


def test_a_pause_that_ends_later_is_open_in_the_snapshot() -> None:
    ticket = pure_ticket(
        pure_event("created", "2026-11-23T12:00:00Z", severity="high"),
        pure_event("waiting_on_client", "2026-11-23T12:30:00Z", party="client"),
        pure_event("client_responded", "2026-11-23T13:00:00Z"),
    )
    clock = ticket.clock("resolution", 1)
    assert clock is not None
    within = snapshot(clock, clock.primary, parse_instant("2026-11-23T12:40:00Z"))
    assert [(pause.end, pause.counted) for pause in within.pauses] == [(None, 10 * MINUTE)]
    assert within.used == 30 * MINUTE
    before = snapshot(clock, clock.primary, parse_instant("2026-11-23T12:10:00Z"))
    assert before.pauses == []
    after = snapshot(clock, clock.primary, parse_instant("2026-11-23T13:10:00Z"))
    assert (after.used, after.paused) == (40 * MINUTE, 30 * MINUTE)
    assert after.follows[-1] == "client_responded-2026-11-23T13:00:00Z"


def test_a_limit_that_the_clock_has_no_more_is_its_primary_one() -> None:
    ticket = pure_ticket(pure_event("created", "2026-11-23T12:00:00Z", severity="high"))
    clock = ticket.clocks[0]
    assert limit_called(clock, "a plan of old") is clock.primary
