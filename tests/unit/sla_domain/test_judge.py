"""Which alerts a ticket gets, and when."""

from __future__ import annotations

from support import default_book
from support.contracts import WITH_STEPS, own_words
from support.pure import pure_event, pure_ticket

from sla_domain.alert import Alert, AlertKind, Postponed
from sla_domain.event import Event
from sla_domain.instant import HOUR, MINUTE, format_instant, parse_instant
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


def escalating(*events: Event) -> Ticket:
    """A ticket that is broken an hour after noon, escalated at two, four and six."""
    ticket = Ticket("T-1", own_words(WITH_STEPS))
    created = pure_event("created", "2026-11-23T12:00:00Z", severity="p1")
    for each in (created, *events):
        apply_event(ticket, each, each.occurred, each.occurred - 1)
    return ticket


def at(time: str) -> int:
    return parse_instant(f"2026-11-23T{time}:00Z")


def said(ticket: Ticket, until: int) -> list[tuple[str, str]]:
    """What is sent by ``until``, each at its time."""
    found: list[tuple[str, str]] = []
    for _ in range(100):
        due = next_deadline(ticket)
        if due is None or due > until:
            return found
        found += [
            (format_instant(each.at)[11:16], each.what)
            for each in judge(ticket, due)
            if isinstance(each, Alert)
        ]
    raise AssertionError("it is never done")


def test_a_broken_promise_is_escalated_step_by_step() -> None:
    assert said(escalating(), at("23:00")) == [
        ("12:30", "0.5"),
        ("12:45", "-15m"),
        ("13:00", "breach"),
        ("14:00", "manager#1"),
        ("16:00", "director#1"),
        ("18:00", "director#2"),
    ]


def test_what_was_passed_is_sent_once_with_the_highest_escalation() -> None:
    ticket = escalating()
    alerts = [each.what for each in judge(ticket, at("17:00")) if isinstance(each, Alert)]
    assert alerts == ["breach", "director#1"]
    assert said(ticket, at("23:00")) == [("18:00", "director#2")]


def test_a_pause_moves_escalations_like_any_other_step() -> None:
    waiting = pure_event("waiting_on_client", "2026-11-23T13:30:00Z")
    back = pure_event("client_responded", "2026-11-23T15:30:00Z")
    found = said(escalating(waiting, back), at("17:00"))
    assert found[-2:] == [("13:00", "breach"), ("16:00", "manager#1")]


def test_a_ticket_that_is_resolved_is_escalated_no_further() -> None:
    resolved = pure_event("resolved", "2026-11-23T14:30:00Z")
    ticket = escalating()
    assert said(ticket, at("14:00"))[-1] == ("14:00", "manager#1")
    apply_event(ticket, resolved, resolved.occurred, at("14:00"))
    assert said(ticket, at("23:00")) == []


def test_an_escalation_is_taken_back_with_its_breach_or_alone() -> None:
    for time, kept in (("13:30", ["breach"]), ("12:50", ["0.5", "-15m"])):
        ticket = escalating()
        said(ticket, at("15:00"))
        late = pure_event("resolved", f"2026-11-23T{time}:00Z")
        apply_event(ticket, late, at("15:30"), at("15:00"))
        assert judge(ticket, at("15:29")) == []
        judge(ticket, at("15:30"))
        standing = [sent.what for sent in ticket.sent if sent.retracted is None]
        assert standing == [*dict.fromkeys(["0.5", "-15m", *kept])]


def test_an_escalation_waits_for_a_breach_that_came_late() -> None:
    # Broken long ago by an event that was just appended: nothing is told before the grace is over,
    # and no escalation comes due ahead of its breach.
    ticket = Ticket("T-1", own_words(WITH_STEPS))
    created = pure_event("created", "2026-11-23T12:00:00Z", severity="p1")
    apply_event(ticket, created, at("15:59"), at("15:58"))
    assert judge(ticket, at("15:58")) == []
    assert next_deadline(ticket) == at("15:59")
    alerts = [each.what for each in judge(ticket, at("15:59")) if isinstance(each, Alert)]
    assert alerts == ["breach", "manager#1"]


def test_no_escalation_passes_a_breach_that_is_held() -> None:
    ticket = escalating()
    said(ticket, at("12:30"))
    # A graver severity, told late: broken since one, held until five, past the escalation of four.
    lower = pure_event("severity_changed", "2026-11-23T12:40:00Z", severity="p3")
    apply_event(ticket, lower, lower.occurred, lower.occurred - 1)
    graver = pure_event("severity_changed", "2026-11-23T12:41:00Z", severity="p1")
    apply_event(ticket, graver, at("15:59") + MINUTE // 2, at("15:59"))
    assert judge(ticket, at("15:59")) == []
    found = [
        each.what
        for now in (at("15:59") + MINUTE // 2, at("16:00"))
        for each in judge(ticket, now)
        if isinstance(each, Alert)
    ]
    assert found == ["breach", "manager#1", "director#1"]


def test_nobody_is_woken_for_an_escalation_whose_breach_is_held_longer() -> None:
    ticket = escalating()
    held = {"breach": at("15:30"), "manager#1": at("15:00")}
    for what, since in held.items():
        item = Postponed("resolution", 1, what, since, CREATED.source, CREATED.id)
        ticket.postponed[item.key] = item
    (clock,) = ticket.clocks
    clock.changed = True
    assert judge(ticket, at("14:59")) != [], "the warnings are not held"
    assert next_deadline(ticket) == at("15:00"), "what is held is looked at again when it may go"
    assert judge(ticket, at("15:00")) == []
    assert clock.next_step == at("15:30")
    alerts = [each.what for each in judge(ticket, at("15:30")) if isinstance(each, Alert)]
    assert alerts == ["breach", "manager#1"]


def test_an_escalation_that_is_held_does_not_send_the_one_below_again() -> None:
    ticket = escalating()
    assert said(ticket, at("14:00"))[-1] == ("14:00", "manager#1")
    item = Postponed("resolution", 1, "director#1", at("17:00"), CREATED.source, CREATED.id)
    ticket.postponed[item.key] = item
    assert judge(ticket, at("16:30")) == []
    assert [each[1] for each in said(ticket, at("17:00"))] == ["director#1"]


def test_no_escalation_goes_with_a_warning_ahead_of_its_breach() -> None:
    ticket = escalating()
    held = {"0.5": "15:00", "-15m": "15:00", "breach": "15:30", "manager#1": "15:00"}
    for what, since in held.items():
        item = Postponed("resolution", 1, what, at(since), CREATED.source, CREATED.id)
        ticket.postponed[item.key] = item
    (clock,) = ticket.clocks
    clock.changed = True
    assert [each.what for each in judge(ticket, at("15:00")) if isinstance(each, Alert)] == ["-15m"]
