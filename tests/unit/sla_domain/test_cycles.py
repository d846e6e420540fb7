"""Every cycle of every clock of a ticket, as events move them."""

from __future__ import annotations

from support.pure import pure_event, pure_ticket

from sla_domain.clock import Clock, Outcome

CREATED = pure_event("created", "2026-11-23T12:00:00Z", severity="high")
RESOLVED = pure_event("resolved", "2026-11-23T13:00:00Z")
REOPENED = pure_event("reopened", "2026-11-23T14:00:00Z")
CANCELLED = pure_event("cancelled", "2026-11-23T15:00:00Z", reason="deleted")


def keys(clocks: list[Clock]) -> list[tuple[str, int]]:
    return [clock.key for clock in clocks]


def test_an_ended_cycle_is_followed_by_the_next_and_kept() -> None:
    ticket = pure_ticket(CREATED, RESOLVED, REOPENED)
    assert keys(ticket.clocks) == [("first_response", 1), ("resolution", 1), ("resolution", 2)]
    assert [clock.running for clock in ticket.clocks] == [False, False, True]


def test_a_cancellation_keeps_what_was_decided_and_voids_the_rest() -> None:
    ticket = pure_ticket(CREATED, RESOLVED, REOPENED, CANCELLED)
    at = CANCELLED.occurred
    assert [clock.outcome(at) for clock in ticket.clocks] == [
        Outcome.MET,
        Outcome.MET,
        Outcome.VOID,
    ]
