"""A clock: its limits, pauses and outcome."""

from __future__ import annotations

import pytest
from support.pure import pure_event, pure_ticket

from sla_domain.clock import Outcome
from sla_domain.instant import MINUTE

CREATED = pure_event("created", "2026-11-23T12:00:00Z", severity="high")
WAITING = pure_event("waiting_on_client", "2026-11-23T12:30:00Z", party="client")
RESPONDED = pure_event("client_responded", "2026-11-23T13:00:00Z")
RESOLVED = pure_event("resolved", "2026-11-23T13:30:00Z")


def test_what_is_used_is_what_was_not_paused() -> None:
    clock = pure_ticket(CREATED, WAITING, RESPONDED, RESOLVED).clock("resolution", 1)
    assert clock is not None
    assert clock.primary.used(RESOLVED.occurred) == 60 * MINUTE
    assert clock.primary.paused_time(RESOLVED.occurred) == 30 * MINUTE
    assert clock.primary.used(RESOLVED.occurred + 60 * MINUTE) == 60 * MINUTE, "it has stopped"


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ((CREATED,), Outcome.RUNNING),
        ((CREATED, WAITING), Outcome.PAUSED),
        ((CREATED, WAITING, RESPONDED), Outcome.RUNNING),
        ((CREATED, RESOLVED), Outcome.MET),
        ((CREATED, pure_event("resolved", "2027-11-23T13:30:00Z")), Outcome.BREACHED),
        ((CREATED, pure_event("cancelled", "2026-11-23T12:30:00Z")), Outcome.VOID),
    ],
    ids=lambda value: value.value if isinstance(value, Outcome) else "",
)
def test_an_outcome_is_told_as_of_the_last_event(events: tuple, outcome: Outcome) -> None:
    clock = pure_ticket(*events).clock("resolution", 1)
    assert clock is not None
    assert clock.outcome(events[-1].occurred) is outcome


def test_a_reopened_ticket_begins_the_next_cycle() -> None:
    again = pure_event("reopened", "2026-11-23T14:00:00Z")
    ticket = pure_ticket(CREATED, RESOLVED, again)
    first, second = ticket.clock("resolution", 1), ticket.clock("resolution", 2)
    assert first is not None
    assert second is not None
    assert first.stopped == RESOLVED.occurred
    assert (second.start, second.stopped) == (again.occurred, None)
