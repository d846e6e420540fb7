"""Logs with one row per update: ServiceNow's, and that of the BPI Challenge 2013."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from support import ROOT, default_book, lines_of
from support.imports import Imported, imported

from sla_domain.instant import HOUR
from sla_import.bpic2013 import STATES, Vinst
from sla_import.opening import FileFormat
from sla_import.servicenow import ServiceNow
from sla_import.snapshots import Snapshot, changes
from sla_import.tables import TableError
from sla_lab.simulation import simulate
from sla_schemas.events import TICKET_EVENT

FIXTURES = ROOT / "tests" / "fixtures" / "imports"
UTC = ZoneInfo("UTC")
HEAD = (
    "number,incident_state,opened_at,sys_updated_at,priority,assigned_to,assignment_group,location"
)


def log(*rows: str, head: str = HEAD, mapping: ServiceNow | None = None) -> Imported:
    """Import a ServiceNow log; where an incident's day says nothing it is 23 November 2026."""
    found = imported("\n".join([head, *rows]) + "\n", mapping or ServiceNow(UTC))
    check(found)
    return found


def check(found: Imported) -> None:
    """The tracker takes every event, and every row is accounted for."""
    for event in found.events:
        TICKET_EVENT.validate_python(event)
    assert found.summary.refused_rows == len({finding.line for finding in found.refused})
    assert found.summary.refused_rows <= found.summary.rows


def row(state: str, at: str, number: str = "INC1", priority: str = "2 - High") -> str:
    """A row of an incident that was opened at nine."""
    return f"{number},{state},2026-11-23 09:00,{at},{priority},Ana,G1,Loc 1"


def types(found: Imported) -> list[str]:
    """The types of the events, of which the assignment is of no interest."""
    return [type_ for _, type_, _ in found.told if type_ != "assigned"]


def clock(found: Imported, name: str = "resolution") -> dict[str, object]:
    """A clock of the one ticket, as the default policy has it in the end."""
    outputs = simulate(lines_of(found.events), default_book(), partitions=1)
    [ticket] = map(json.loads, outputs.tickets)
    return next(each for each in ticket["clocks"] if each["clock"] == name)


def test_an_incident_on_hold_waits_until_it_is_worked_on_again() -> None:
    found = log(
        row("New", "2026-11-23 09:00"),
        row("On Hold", "2026-11-23 10:00"),
        row("In Progress", "2026-11-23 16:00"),
        row("Resolved", "2026-11-24 09:30"),
    )
    assert types(found) == ["created", "waiting_on_client", "client_responded", "resolved"]
    told = clock(found)
    assert (told["outcome"], told["used_ms"]) == ("met", 5 * HOUR), "16:00 to 21:00"


def test_a_hold_for_another_than_the_caller_is_no_wait_for_the_client() -> None:
    held = row("On Hold", "2026-11-23 10:00")
    head = HEAD + ",hold_reason"
    for_vendor = log(row("New", "2026-11-23 09:00") + ",", held + ",Awaiting Vendor", head=head)
    assert types(for_vendor) == ["created"]
    for_caller = log(row("New", "2026-11-23 09:00") + ",", held + ",Awaiting Caller", head=head)
    assert types(for_caller) == ["created", "waiting_on_client"]


@pytest.mark.parametrize("after", ["In Progress", "Active", "New", "Awaiting Vendor", "2"])
def test_a_wait_for_the_user_ends_whatever_follows_it(after: str) -> None:
    found = log(
        row("New", "2026-11-23 09:00"),
        row("Awaiting User Info", "2026-11-23 10:00"),
        row(after, "2026-11-23 12:00"),
        row("Resolved", "2026-11-23 17:00"),
    )
    assert types(found) == ["created", "waiting_on_client", "client_responded", "resolved"]
    assert clock(found)["used_ms"] == 5 * HOUR, "12:00 to 17:00"


def test_what_is_cancelled_is_void_and_what_is_closed_was_resolved() -> None:
    cancelled = log(row("New", "2026-11-23 09:00"), row("Canceled", "2026-11-23 09:30"))
    assert clock(cancelled)["outcome"] == "void"
    closed = log(row("New", "2026-11-23 09:00"), row("Closed", "2026-11-23 13:00"))
    assert types(closed) == ["created", "resolved"]
    assert (clock(closed)["outcome"], clock(closed)["used_ms"]) == ("met", HOUR), "12:00 to 13:00"
    twice = log(row("Resolved", "2026-11-23 13:00"), row("Closed", "2026-11-23 14:00"))
    assert types(twice) == ["created", "resolved"]


def test_a_cancellation_that_was_taken_back_did_not_happen() -> None:
    found = log(
        row("Resolved", "2026-11-23 10:00"),
        row("Canceled", "2026-11-23 11:00"),
        row("In Progress", "2026-11-23 12:00"),
    )
    assert types(found) == ["created", "resolved", "reopened"]


def test_a_priority_without_promise_is_told_with_its_row() -> None:
    rows = (
        row("New", "2026-11-23 09:00", priority="5 - Planning"),
        row("New", "2026-11-23 09:00", "INC2"),
    )
    found = log(*rows)
    [refused] = found.refused
    assert refused[:3] == (2, "priority", "5 - Planning")
    assert "--severity" in refused.reason
    assert [ticket for ticket, _, _ in found.told] == ["INC2", "INC2"]
    for word in ("5", "5 - Planning"):
        mapped = log(*rows, mapping=ServiceNow(UTC, severities={word: "low"}))
        assert mapped.refused == []
    number = log(row("New", "2026-11-23 09:00", priority="3"))
    assert number.events[0]["data"]["severity"] == "medium"
    none = log(row("New", "2026-11-23 09:00", priority="?"))
    assert "severity" not in none.events[0]["data"]
    assert none.summary.without_severity == 1
    assert log(row("New", "2026-11-23 09:00", priority="10")).refused, "it begins with a 1 only"


def test_an_incident_is_imported_whole_or_not_at_all() -> None:
    found = log(
        row("New", "2026-11-23 09:00"),
        row("In Progress", "soon"),
        row("Resolved", "2026-11-23 12:00"),
        row("New", "2026-11-23 09:00", "INC2"),
    )
    assert {ticket for ticket, _, _ in found.told} == {"INC2"}
    assert [(each.line, each.column) for each in found.refused] == [
        (2, "number"),
        (3, "sys_updated_at"),
        (4, "number"),
    ]
    assert "line 3 of the same ticket is refused" in found.refused[0].reason
    assert (found.summary.rows, found.summary.refused_rows) == (4, 3)


def test_a_row_that_can_not_be_taken_apart_is_a_hole_in_its_incident() -> None:
    found = log(
        row("New", "2026-11-23 09:00"),
        row("New", "2026-11-23 09:00", "INC2"),
        'INC1,"On Hold"x,2026-11-23 09:00,2026-11-23 10:00,2 - High,Ana,G1,Loc 1',
        "INC1,Resolved",
        'INC1,Resolved,2026-11-23 09:00,2026-11-23 12:00,2 - High,Ana,G1,"Loc 1',
        row("Resolved", "2026-11-23 20:00", "INC2"),
    )
    assert {ticket for ticket, _, _ in found.told} == {"INC2"}
    assert [finding.line for finding in found.refused] == [2, 4, 5, 6]
    assert "line 4 of the same ticket" in found.refused[0].reason


def test_an_incident_that_ends_before_it_begins_is_refused() -> None:
    found = log(row("Resolved", "2026-11-23 08:00"))
    [refused] = found.refused
    assert refused[:3] == (2, "sys_updated_at", "2026-11-23 08:00")


def test_times_may_be_iso_or_as_the_public_log_has_them_and_newest_first() -> None:
    rows = [
        row("New", "23/11/2026 09:00"),
        row("Active", "23/11/2026 10:00"),
        row("Closed", "23/11/2026 12:00"),
    ]
    assert log(*reversed(rows)).events == log(*rows).events
    iso = log(*(each.replace("23/11/2026", "2026-11-23") for each in rows))
    assert iso.told == log(*rows).told


def test_states_and_names_that_are_unknown_are_said() -> None:
    found = log(row("Pending Customer", "2026-11-23 10:00"))
    assert (
        found.summary.notes["states 'Pending Customer', taken as open (set another with --state)"]
        == 1
    )
    told = log(
        row("Pending Customer", "2026-11-23 10:00"),
        mapping=ServiceNow(UTC, states={"pending customer": "waiting_on_client"}),
    )
    assert types(told) == ["created", "waiting_on_client"]
    both = log(
        row("New", "2026-11-23 10:00"),
        row("New", "2026-11-23 10:00", "INC2").replace("Loc 1", "loc-1"),
    )
    assert any("'Loc 1' and 'loc-1'" in note for note in both.summary.notes)


def test_another_table_is_told_to_be_none() -> None:
    with pytest.raises(TableError, match="no column 'number', which a ServiceNow incident log has"):
        log("1,2", head="a,b")


def test_the_severity_that_a_snapshot_does_not_say_is_the_one_before() -> None:
    snapshots = [
        Snapshot(0, "open", "high"),
        Snapshot(1, "open", None),
        Snapshot(2, "open", "high"),
        Snapshot(3, "open", "low"),
    ]
    told = [(change.snapshot, change.type.word) for change in changes(snapshots, {})]
    assert told == [(0, "created"), (3, "severity_changed")]


# --- BPI Challenge 2013 ---


@pytest.mark.parametrize("name", ["vinst.csv", "vinst.xes"])
def test_the_log_of_the_challenge_is_read_in_both_its_forms(name: str) -> None:
    found = imported(FIXTURES / name, Vinst(), FileFormat(xes=True))
    check(found)
    assert found.told == [
        ("1-1001", "created", "2012-04-02T07:00:00.000Z"),
        ("1-1001", "assigned", "2012-04-02T07:00:00.000Z"),
        ("1-1002", "created", "2012-04-02T08:00:00.000Z"),
        ("1-1002", "assigned", "2012-04-02T08:00:00.000Z"),
        ("1-1002", "resolved", "2012-04-02T08:20:00.000Z"),
        ("1-1001", "waiting_on_client", "2012-04-02T09:00:00.000Z"),
        ("1-1003", "created", "2012-04-02T10:00:00.000Z"),
        ("1-1001", "client_responded", "2012-04-03T07:00:00.000Z"),
        ("1-1003", "cancelled", "2012-04-03T08:00:00.000Z"),
        ("1-1001", "assigned", "2012-04-03T10:00:00.000Z"),
        ("1-1001", "resolved", "2012-04-03T12:00:00.000Z"),
        ("1-1001", "reopened", "2012-04-04T07:00:00.000Z"),
        ("1-1001", "resolved", "2012-04-05T07:00:00.000Z"),
    ]
    created = found.events[0]["data"]
    assert (created["client_id"], created["severity"]) == ("volvo-it", "blocker")
    assert found.events[1]["data"] == {"analyst_id": "Zoë", "group": "V5 3rd"}
    [left, refused] = found.refused
    assert (refused.column, refused.value) == ("Sub Status", "Dreaming")
    assert left.column == "SR Number"
    assert found.summary.rows == 14


def test_a_column_may_stand_for_the_client() -> None:
    found = imported(FIXTURES / "vinst.csv", Vinst("Product"))
    assert {event["data"].get("client_id") for event in found.events} == {"PROD1", "PROD2", None}
    with pytest.raises(TableError, match="no column 'Nation', which --client names"):
        imported(FIXTURES / "vinst.csv", Vinst("Nation"))


def test_every_wait_of_the_log_has_its_meaning() -> None:
    waits = {sub for (_, sub), state in STATES.items() if state == "waiting_on_client"}
    assert waits == {"wait - user", "wait - customer"}


@pytest.mark.parametrize(
    "text",
    [
        "<log><trace>",
        "<log></trace>",
        "<",
        '<!DOCTYPE l [<!ENTITY a "b">]><log>&b;</log>',
        '<?xml version="1.0" encoding="klingon"?><log/>',
        '<?xml version="1.0" encoding="shift_jis"?><log/>',
    ],
)
def test_broken_xes_is_told_in_a_sentence(text: str) -> None:
    with pytest.raises(TableError, match="is not a readable XES file"):
        imported(text, Vinst(), FileFormat(xes=True))


def test_entities_that_grow_are_refused() -> None:
    grow = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 100}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE log [<!ENTITY a0 "{"x" * 100}">{grow}]><log><x key="&a8;"/></log>'
    with pytest.raises(TableError, match="is not a readable XES file"):
        imported(bomb, Vinst(), FileFormat(xes=True))
