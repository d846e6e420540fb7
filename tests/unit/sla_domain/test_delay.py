"""How long a ticket waited for its client (clause C12)."""

from __future__ import annotations

from support.pure import pure_event, pure_ticket

from sla_domain.delay import client_delay, delay_by_party
from sla_domain.instant import HOUR, parse_instant

FRIDAY = "2026-11-20T20:00:00Z"  # 17:00 in Buenos Aires, an hour before the office closes


def test_a_weekend_counts_for_the_wall_and_not_for_business() -> None:
    ticket = pure_ticket(
        pure_event("created", FRIDAY, severity="low"),
        pure_event("waiting_on_client", FRIDAY, party="client"),
    )
    monday = parse_instant("2026-11-23T12:00:00Z")
    delay = client_delay(ticket, monday)["client"]
    assert (delay.business_ms, delay.clock_ms) == (HOUR, 64 * HOUR)


def test_only_what_lies_within_the_span_counts_and_by_party() -> None:
    ticket = pure_ticket(pure_event("created", FRIDAY, severity="low"))
    calendar = ticket.policy.business_calendar
    noon = parse_instant("2026-11-23T15:00:00Z")
    waits = [("client", noon - HOUR, noon + HOUR), ("client_third_party", noon + HOUR, None)]
    found = delay_by_party(waits, calendar, noon, noon + 3 * HOUR)
    assert {party: each.business_ms for party, each in found.items()} == {
        "client": HOUR,
        "client_third_party": 2 * HOUR,
    }
    assert delay_by_party(waits, calendar, noon + 4 * HOUR, noon + 4 * HOUR) == {}
