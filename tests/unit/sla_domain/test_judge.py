"""Which alerts a ticket gets, and when."""

from __future__ import annotations

from support import default_book
from support.pure import pure_event, pure_ticket

from sla_domain.alert import AlertKind
from sla_domain.instant import HOUR, MINUTE, parse_instant
from sla_domain.judge import apply_event, judge, judge_restored, next_deadline
from sla_domain.ticket import Ticket

CREATED = pure_event("created", "2026-11-23T12:00:00Z", severity="blocker")


def test_a_deadline_is_when_judging_says_something() -> None:
    ticket = pure_ticket(CREATED)
    said = []
    while (at := next_deadline(ticket)) is not None and len(said) < 20:
        assert judge(ticket, at - 1) == []
        said += judge(ticket, at)
    kinds = [alert.kind for alert in said]
    assert kinds.count(AlertKind.BREACH) == len(ticket.clocks)
    assert AlertKind.WARNING in kinds


def test_what_is_judged_twice_is_said_once() -> None:
    ticket = pure_ticket(CREATED)
    late = CREATED.occurred + 1000 * HOUR
    assert judge(ticket, late)
    assert judge(ticket, late) == []


def test_what_an_event_makes_owed_waits_for_its_append() -> None:
    ticket = Ticket("T-1", default_book())
    appended = CREATED.occurred + 1000 * HOUR
    apply_event(ticket, CREATED, appended, appended - 1)
    assert judge(ticket, appended - 1) == []
    breaches = [each for each in judge(ticket, appended) if each.kind is AlertKind.BREACH]
    assert {each.late for each in breaches} == {appended - each.at for each in breaches}


def test_a_breach_is_taken_back_by_an_event_that_came_late() -> None:
    ticket = pure_ticket(CREATED)
    now = CREATED.occurred + 1000 * HOUR
    judge(ticket, now)
    resolved = pure_event("resolved", "2026-11-23T12:05:00Z")
    apply_event(ticket, resolved, now + MINUTE, now)
    taken_back = judge(ticket, now + MINUTE)
    assert AlertKind.BREACH_RETRACTED in {alert.kind for alert in taken_back}
    assert all(sent.retracted for sent in ticket.sent if sent.clock == "resolution")


def test_a_restored_ticket_takes_nothing_back_and_says_what_is_new() -> None:
    ticket = pure_ticket(CREATED)
    late = parse_instant("2026-12-23T12:00:00Z")
    said = judge_restored(ticket, late)
    assert {alert.kind for alert in said} <= {AlertKind.WARNING, AlertKind.BREACH}
    assert judge_restored(ticket, late) == []
