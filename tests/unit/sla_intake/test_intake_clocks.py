"""From a vendor's deliveries to the clocks of their tickets."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from support import ROOT, decoded, default_book, event, lines_of, run
from support.intake import READ, source

from sla_domain.instant import DAY, HOUR, format_instant, parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.frontier import REPLAY
from sla_engine.partition import Partition
from sla_intake.arrival import arrival_text
from sla_intake.draft import steps
from sla_intake.reading import understood
from sla_intake.sources import State
from sla_lab.recording import laid_out
from sla_policy.loading import load_policy, parse_policy
from sla_schemas.topics import EVENTS

#: After all that the deliveries tell.
NOW = READ + 7 * DAY
_arrivals = count(NOW * 1000)


def told(kind: str, *deliveries: tuple[dict[str, str], Any], **given: Any) -> list[dict[str, Any]]:
    """The events of deliveries that arrive one after the other."""
    found: list[dict[str, Any]] = []
    for headers, body in deliveries:
        raw, arrived = json.dumps(body).encode(), arrival_text(next(_arrivals))
        reading = understood(source(kind, **given), headers, raw, arrived, NOW)
        assert not reading.letters
        found += reading.events
    return found


def ticket(
    events: list[dict[str, Any]], until: str, book: PolicyBook | None = None
) -> dict[str, Any]:
    """The ticket of the first of ``events``, and its clocks by name and cycle."""
    outputs = run(events, parse_instant(until), book=book)
    found = next(
        each for each in decoded(outputs.tickets) if each["ticket_id"] == events[0]["subject"]
    )
    found["clocks"] = {(each["clock"], each["cycle"]): each for each in found["clocks"]}
    return found


def freshdesk(event: str, time: str, **given: Any) -> tuple[dict[str, str], Any]:
    """What the automation of an event sends; ``time`` is of the 23rd of November unless it has a
    date.
    """
    local = time if "-" in time else f"2026-11-23 {time}"
    body = {"ticket_id": "501", "event": event, "priority": "High", "updated_at": local}
    return {}, {"freshdesk_webhook": body | {"created_at": "2026-11-23 09:00:00"} | given}


def github(action: str, second: int, delivery: str, **issue: Any) -> tuple[dict[str, str], Any]:
    """A change of an issue in some second after 14:00 UTC."""
    headers = {"x-github-event": "issues", "x-github-delivery": delivery}
    changed = f"2026-11-23T14:00:{second:02}Z"
    told = {"number": 5, "created_at": "2026-11-23T12:00:00Z", "updated_at": changed}
    told |= {"labels": [{"name": "severity: high"}]} | issue
    return headers, {"action": action, "repository": {"full_name": "o/r"}, "issue": told}


def zendesk(kind: str, time: str, place: int | None = None, **event: Any) -> tuple[Any, Any]:
    """An event about a ticket that was created at 12:00 UTC."""
    detail = {
        "id": "900",
        "status": "NEW",
        "priority": "HIGH",
        "created_at": "2026-11-23T12:00:00Z",
    }
    if place is not None:
        event |= {"meta": {"sequence": {"id": "39", "position": place}}}
    type_, id_ = f"zen:event-type:ticket.{kind}", f"z{next(_arrivals)}"
    body = {"type": type_, "id": id_, "time": f"2026-11-23T{time}Z", "detail": detail}
    return {}, body | {"event": event}


HERE = {"zone": "America/Argentina/Buenos_Aires"}


def test_a_ticket_of_freshdesk_that_is_opened_again_begins_a_second_cycle() -> None:
    events = told(
        "freshdesk",
        freshdesk("created", "09:00:00", status="Open", agent_id="7"),
        freshdesk("status_changed", "11:00:00", status="Resolved"),
        freshdesk("status_changed", "12:00:00", status="Open"),
        freshdesk("customer_replied", "12:00:00", status="Open"),
        **HERE,
    )
    found = ticket(events, "2026-11-23T16:00:00Z")
    assert found["state"] == "open"
    first, second = found["clocks"]["resolution", 1], found["clocks"]["resolution", 2]
    assert (first["outcome"], first["used_ms"]) == ("met", 2 * HOUR)
    assert (second["outcome"], second["start"]) == ("running", "2026-11-23T15:00:00.000Z")


def test_pending_in_freshdesk_pauses_as_its_own_timer_does() -> None:
    events = told(
        "freshdesk",
        freshdesk("created", "09:00:00", status="Open"),
        freshdesk("status_changed", "10:00:00", status="Pending"),
        freshdesk("status_changed", "2026-11-25 10:00:00", status="Open"),
        freshdesk("status_changed", "2026-11-25 11:00:00", status="Resolved"),
        **HERE,
    )
    clock = ticket(events, "2026-11-26T00:00:00Z")["clocks"]["resolution", 1]
    assert (clock["outcome"], clock["used_ms"]) == ("met", 2 * HOUR)


def test_closed_and_reopened_in_one_second_of_github_is_open() -> None:
    events = told(
        "github",
        github("opened", 0, "d1"),
        github("closed", 7, "d2", state_reason="completed"),
        github("reopened", 7, "d3"),
    )
    found = ticket(events, "2026-11-23T15:00:00Z")
    assert found["state"] == "open"
    assert found["clocks"]["resolution", 2]["start"] == "2026-11-23T14:00:07.000Z"


@pytest.mark.parametrize("later_first", [False, True])
def test_the_id_of_a_github_delivery_tells_its_place(
    later_first: bool,  # noqa: FBT001  a parameter
) -> None:
    """What was sent again after an outage comes in any order. The ids are of version 1, the second
    made 100 ns after the first.
    """
    closed = "5d7c9d10-c882-11f1-9a51-0242ac120002", "5d7c9d11-c882-11f1-9a51-0242ac120002"
    both = [
        github("closed", 7, closed[0], state_reason="completed"),
        github("reopened", 7, closed[1]),
    ]
    if later_first:
        both.reverse()
    events = told("github", github("opened", 0, "d1"), *both)
    assert ticket(events, "2026-11-23T15:00:00Z")["state"] == "open"


def test_answered_and_waiting_again_at_one_instant_goes_on_waiting() -> None:
    events = told(
        "freshdesk",
        freshdesk("created", "09:00:00", status="Open"),
        freshdesk("agent_changed", "09:10:00", agent_id="7"),
        freshdesk("status_changed", "10:00:00", status="Waiting on Customer"),
        freshdesk("customer_replied", "11:00:00", status="Waiting on Customer"),
        freshdesk("status_changed", "11:00:00", status="Waiting on Customer"),
        freshdesk("customer_replied", "13:00:00", status="Waiting on Customer"),
        freshdesk("status_changed", "14:00:00", status="Resolved"),
        **HERE,
    )
    clock = ticket(events, "2026-11-24T00:00:00Z")["clocks"]["resolution", 1]
    assert (clock["used_ms"], clock["paused_ms"]) == (2 * HOUR, 3 * HOUR)


@pytest.mark.parametrize("time", ["15:00:00", "15:00:00.123456789"])
def test_events_of_one_instant_of_zendesk_are_in_the_order_of_their_places(time: str) -> None:
    waits = zendesk("status_changed", time, 2, previous="OPEN", current="PENDING")
    responds = zendesk("status_changed", time, 1, previous="PENDING", current="OPEN")
    start = [
        zendesk("created", "12:00:00.5"),
        zendesk("status_changed", "13:00:00", current="PENDING"),
    ]
    for order in ([responds, waits], [waits, responds]):
        found = ticket(told("zendesk", *start, *order), "2026-11-23T16:00:00Z")
        # Whole seconds have no places smaller than them, so there the arrival decides.
        expected = "waiting" if "." in time or order[1] is waits else "open"
        assert found["state"] == expected


def test_what_zendesk_tells_in_nanoseconds_is_ordered_by_them() -> None:
    waits = zendesk("status_changed", "15:00:00.123900000", 1, previous="OPEN", current="PENDING")
    responds = zendesk(
        "status_changed", "15:00:00.123100000", 2, previous="PENDING", current="OPEN"
    )
    found = ticket(
        told("zendesk", zendesk("created", "12:00:00.5"), waits, responds), "2026-11-23T16:00:00Z"
    )
    assert found["state"] == "waiting"


def test_on_hold_a_wait_goes_on_until_the_ticket_is_open() -> None:
    events = told(
        "zendesk",
        zendesk("created", "12:00:00"),
        zendesk("status_changed", "13:00:00", previous="OPEN", current="PENDING"),
        zendesk("status_changed", "14:00:00", previous="PENDING", current="HOLD"),
        zendesk("status_changed", "16:00:00", previous="HOLD", current="OPEN"),
        zendesk("status_changed", "17:00:00", previous="OPEN", current="HOLD"),
        zendesk("status_changed", "18:00:00", previous="HOLD", current="SOLVED"),
    )
    clock = ticket(events, "2026-11-23T19:00:00Z")["clocks"]["resolution", 1]
    assert (clock["used_ms"], clock["paused_ms"]) == (3 * HOUR, 3 * HOUR)


def jira(kind: str, time: str, **given: Any) -> tuple[dict[str, str], Any]:
    """What Jira sends about an issue of 12:00 UTC."""
    stamp = parse_instant(f"2026-11-23T{time}Z")
    fields = {
        "created": "2026-11-23T12:00:00.000+0000",
        "priority": {"name": "High"},
        "reporter": {"accountId": "1"},
    }
    issue = {"id": "900", "fields": fields}
    return {}, {"webhookEvent": kind, "timestamp": stamp, "issue": issue} | given


def jira_status(before: str, now: str, time: str) -> tuple[dict[str, str], Any]:
    """A change of status."""
    items = [{"field": "status", "fromString": before, "toString": now}]
    return jira("jira:issue_updated", time, changelog={"id": time, "items": items})


def from_number(before: int, delivery: tuple[dict[str, str], Any]) -> tuple[dict[str, str], Any]:
    """A delivery of Freshdesk that tells the status before."""
    headers, told = delivery
    triggered = {"triggered_event": f"{{status:{{from:{before},to:0}}}}"}
    return headers, {"freshdesk_webhook": told["freshdesk_webhook"] | triggered}


def labelled(action: str, time: str, label: str, *labels: str) -> tuple[dict[str, str], Any]:
    """A label came to an issue of GitHub, or went; ``labels`` are those it has now."""
    headers, told = github(action, 0, time, labels=[{"name": each} for each in labels])
    told["issue"]["updated_at"] = f"2026-11-23T{time}Z"
    return headers, told | {"label": {"name": label}}


#: An issue is answered, waits from 13:00 UTC for the client, from 14:00 for the supplier, for the
#: client again from 16:00, and for nobody from 17:00.
WAITING_FOR: dict[str, list[tuple[dict[str, str], Any]]] = {
    "zendesk": [
        zendesk("created", "12:00:00"),
        zendesk("comment_added", "12:10:00", comment={"author": {"is_staff": True, "id": "7"}}),
        zendesk("status_changed", "13:00:00", previous="OPEN", current="PENDING"),
        zendesk("status_changed", "14:00:00", previous="PENDING", current="HOLD"),
        zendesk("status_changed", "16:00:00", previous="HOLD", current="PENDING"),
        zendesk("status_changed", "17:00:00", previous="PENDING", current="OPEN"),
    ],
    "freshdesk": [
        freshdesk("created", "09:00:00", status="Open"),
        freshdesk("agent_replied", "09:10:00", agent_id="7"),
        from_number(2, freshdesk("status_changed", "10:00:00", status="Pending")),
        from_number(3, freshdesk("status_changed", "11:00:00", status="Hold")),
        from_number(8, freshdesk("status_changed", "13:00:00", status="Pending")),
        from_number(3, freshdesk("status_changed", "14:00:00", status="Open")),
    ],
    "jira": [
        jira("jira:issue_created", "12:00:00"),
        jira(
            "comment_created",
            "12:10:00",
            comment={"id": "1", "jsdPublic": True, "author": {"accountId": "7"}},
        ),
        jira_status("Open", "Waiting for customer", "13:00:00"),
        jira_status("Waiting for customer", "Hold", "14:00:00"),
        jira_status("Hold", "Waiting for customer", "16:00:00"),
        jira_status("Waiting for customer", "Open", "17:00:00"),
    ],
    "github": [
        github("opened", 0, "d1"),
        labelled("labeled", "13:00:00", "needs info", "needs info"),
        labelled("labeled", "14:00:00", "hold", "needs info", "hold"),
        labelled("unlabeled", "16:00:00", "hold", "needs info"),
        labelled("unlabeled", "17:00:00", "needs info"),
    ],
}


@pytest.mark.parametrize("vendor", WAITING_FOR)
def test_a_wait_counts_for_the_party_that_the_source_says(vendor: str) -> None:
    deliveries = WAITING_FOR[vendor]
    desk = load_policy(ROOT / "tests" / "scenarios" / "policies" / "desk.toml")
    mapping = {
        "states": {"hold": "waiting:supplier", "8": "waiting:supplier"},
        "severities": {"high": "urgent", "severity: high": "urgent"},
    }
    zone = HERE if vendor == "freshdesk" else {}
    found = ticket(
        told(vendor, *deliveries, mapping=mapping, **zone),
        "2026-11-23T18:00:00Z",
        PolicyBook([desk]),
    )
    waited = {party: each["clock_ms"] for party, each in found["client_delay"].items()}
    assert waited == {"client": 2 * HOUR, "supplier": 2 * HOUR}
    assert found["holder"] == "vendor"
    # This one pauses for the client alone.
    assert found["clocks"]["resolution", 1]["paused_by"] == {"client": 2 * HOUR}
    if vendor != "github":
        update = found["clocks"]["update", 1]["paused_by"]
        assert update == {"client": 2 * HOUR, "supplier": 2 * HOUR}


def test_a_wait_that_lasted_on_hold_may_be_for_somebody_else_afterwards() -> None:
    events = told(
        "jira",
        jira("jira:issue_created", "12:00:00"),
        jira_status("Open", "Waiting for vendor", "13:00:00"),
        jira_status("Waiting for vendor", "On hold", "14:00:00"),
        jira_status("On hold", "Waiting for customer", "15:00:00"),
        mapping={"states": {"waiting for vendor": "waiting:supplier"}},
    )
    found = ticket(events, "2026-11-23T18:00:00Z")
    waited = {party: each["clock_ms"] for party, each in found["client_delay"].items()}
    assert (waited, found["holder"]) == ({"client": 3 * HOUR, "supplier": 2 * HOUR}, "client")


@pytest.mark.parametrize("status_first", [False, True])
def test_a_custom_status_of_zendesk_waits_for_its_own_party(
    status_first: bool,  # noqa: FBT001  a parameter
) -> None:
    """A change of category is told twice, in any order; one within it is not (custom ticket
    statuses in Zendesk's developer docs).
    """

    def both(time: str, status: tuple[str, str], custom: tuple[str, str]) -> list[Any]:
        first, second = (1, 2) if status_first else (2, 1)
        return [
            zendesk("status_changed", time, first, previous=status[0], current=status[1]),
            zendesk("custom_status_changed", time, second, previous=custom[0], current=custom[1]),
        ]

    within = zendesk("custom_status_changed", "15:00:00.5", 1, previous="71", current="72")
    ends = both("17:00:00.5", ("HOLD", "OPEN"), ("72", "2"))
    ends[1][1]["detail"]["status"] = "OPEN"
    found = ticket(
        told(
            "zendesk",
            zendesk("created", "12:00:00"),
            *both("13:00:00.5", ("OPEN", "PENDING"), ("2", "3")),
            *both("14:00:00.5", ("PENDING", "HOLD"), ("3", "71")),
            within,
            *ends,
            mapping={"states": {"71": "waiting:supplier", "72": "waiting:licensor"}},
        ),
        "2026-11-23T18:00:00Z",
    )
    waited = {party: each["clock_ms"] for party, each in found["client_delay"].items()}
    assert waited == {"client": HOUR, "supplier": HOUR, "licensor": 2 * HOUR}
    assert found["state"] == "open"


def test_a_ticket_that_another_was_merged_into_may_count_from_the_earlier_of_both() -> None:
    later = zendesk("created", "13:00:00")
    later[1]["detail"] |= {"id": "901", "created_at": "2026-11-23T13:00:00Z"}
    events = told(
        "zendesk",
        zendesk("created", "12:00:00"),
        later,
        zendesk("merged", "14:00:00", target_ticket_id="901"),
        ticket_prefix="ZD-",
        mapping={"severities": {"high": "urgent"}},
    )
    desk = (ROOT / "tests" / "scenarios" / "policies" / "desk.toml").read_text()
    for merge, start in (("own", "13"), ("earliest", "12")):
        policy = parse_policy(f'merge = "{merge}"\n{desk}', "desk")
        outputs = run(events, parse_instant("2026-11-23T16:00:00Z"), book=PolicyBook([policy]))
        assert not outputs.dead_letters
        found = {each["ticket_id"]: each for each in decoded(outputs.tickets)}
        assert found["ZD-900"]["state"] == "cancelled"
        assert found["ZD-901"]["communicated_at"] == f"2026-11-23T{start}:00:00.000Z"


def test_an_issue_that_comes_from_another_repository_counts_from_where_it_was_opened() -> None:
    headers, moved = github("opened", 0, "d1")
    moved["changes"] = {"old_issue": {"number": 3, "created_at": "2026-11-23T09:00:00Z"}}
    found = ticket(told("github", (headers, moved)), "2026-11-23T16:00:00Z")
    assert found["clocks"]["resolution", 1]["start"] == "2026-11-23T09:00:00.000Z"


def test_a_severity_told_after_the_creation_counts_from_the_communication() -> None:
    created = zendesk("created", "12:00:00")
    created[1]["detail"]["priority"] = None
    events = told(
        "zendesk",
        created,
        zendesk("priority_changed", "12:30:00", previous=None, current="URGENT"),
        zendesk("agent_assignment_changed", "14:30:00", current="42"),
        zendesk("merged", "15:30:00", target_ticket_id="901"),
        zendesk("undeleted", "15:40:00"),
    )
    found = ticket(events, "2026-11-23T16:00:00Z")
    first = found["clocks"]["first_response", 1]
    assert (found["state"], found["severity"]) == ("cancelled", "blocker")
    assert (first["due"], first["outcome"]) == ("2026-11-23T13:00:00.000Z", "breached")


def test_a_ticket_without_a_severity_is_tracked() -> None:
    events = told("github", github("opened", 0, "d1", labels=[]))
    outputs = run(events, parse_instant("2026-11-23T16:00:00Z"))
    assert not outputs.dead_letters
    (found,) = decoded(outputs.tickets)
    assert (found["state"], found["severity"], found["clocks"]) == ("open", None, [])


def test_an_organisation_told_late_keeps_the_clocks_start() -> None:
    later = zendesk("organization_changed", "13:30:00", previous=None, current="42")
    later[1]["detail"]["organization_id"] = "42"
    events = told(
        "zendesk",
        zendesk("agent_assignment_changed", "12:30:00", current="901"),
        later,
        client_field="organization_id",
    )
    found = ticket(events, "2026-11-23T16:00:00Z")
    assert found["client_id"] == "42"
    first = found["clocks"]["first_response", 1]
    assert (first["start"], first["outcome"]) == ("2026-11-23T12:00:00.000Z", "met")


STATES: tuple[State, ...] = (
    "open",
    "waiting_on_client",
    "waiting_on_third_party",
    "waiting:supplier",
    "resolved",
)


@pytest.mark.parametrize("now", STATES)
@pytest.mark.parametrize("before", STATES)
def test_a_state_told_without_the_one_before_comes_to_the_same(before: State, now: State) -> None:
    def standing(previous: State | None) -> dict[str, Any]:
        events = [event("created", "2026-11-23T12:00:00Z", severity="high")]
        changes = ((1, steps("open", before)), (2, steps(previous, now)))
        for hour, happened in changes:
            time = format_instant(parse_instant("2026-11-23T12:00:00Z") + hour * HOUR)
            events += [
                event(word, time, sequence=f"{place}", **data)
                for place, (word, data) in enumerate(happened)
            ]
        found = ticket(events, "2026-11-23T15:00:00Z")
        return {
            "state": found["state"],
            "clocks": [
                {name: each[name] for name in ("cycle", "outcome", "start", "used_ms", "paused_ms")}
                for each in found["clocks"].values()
            ],
        }

    assert standing(None) == standing(before)


def test_a_delivery_that_is_sent_again_is_a_copy_wherever_it_arrives() -> None:
    sent = freshdesk("created", "11:00:00", status="Open")
    first, again = told("freshdesk", sent, sent, **HERE)
    assert first["sequence"] < again["sequence"]
    world = Partition(0, EVENTS.name, default_book(), REPLAY)
    for record in laid_out(lines_of([first, again]), EVENTS.name, 1):
        world.apply(record)
    tally = world.tally
    assert (tally.applied, tally.duplicates, tally.conflicts) == (1, 1, 0)
