"""The columns file: which column of a helpdesk's export has which meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.imports import Imported, imported

from sla_import.columns import Columns, read_columns
from sla_import.helpdesk import Helpdesk
from sla_import.tables import TableError
from sla_schemas.events import TICKET_EVENT

UTC = ZoneInfo("UTC")
TICKETS = {"ticket": "id", "client": "org", "created": "opened"}
EVENTS = {"rows": "events", "ticket": "id", "client": "org", "time": "when", "event": "what"}


def read(columns: dict[str, Any], *rows: str) -> Imported:
    """Import a table, and see that the tracker takes what comes of it."""
    mapping = Helpdesk(Columns.model_validate(columns), UTC)
    found = imported("\n".join(rows) + "\n", mapping)
    for event in found.events:
        TICKET_EVENT.validate_python(event)
    return found


def data(found: Imported, word: str) -> dict[str, Any]:
    """What the one event of a type says."""
    [only] = [event for event in found.events if event["type"] == f"ticket.{word}"]
    return dict(only["data"])


def test_words_come_from_columns_constants_defaults_and_tables() -> None:
    found = read(
        TICKETS
        | {
            "client": {"constant": "acme"},
            "severity": {"column": "prio", "default": "P3"},
            "severities": {"p1": "blocker", "P3": "Medio"},
            "kind": {"column": "type", "values": {"Bug": "incident", "Idea": "feature_request"}},
            "channel": {"constant": "mail"},
            "requester": "from",
            "analyst": "agent",
            "group": {"column": "team", "default": "first line"},
            "assigned": "taken",
            "cancelled": "dropped",
            "cancel_reason": {"column": "why", "values": {"Doublon": "duplicate"}},
        },
        "id,opened,prio,type,from,agent,team,taken,dropped,why",
        "1,2026-11-16T09:00,P1,idea,u7,ana,,2026-11-16T10:00,2026-11-16T11:00,doublon",
        "2,2026-11-17T09:00,,Bug,,,,,,",
        "3,2026-11-17T09:00,,Song,,,,,,",
    )
    assert found.events[0]["data"] == {
        "client_id": "acme",
        "severity": "blocker",
        "kind": "feature_request",
        "channel": "mail",
        "requester_id": "u7",
    }
    assert data(found, "assigned") == {"analyst_id": "ana", "group": "first line"}
    assert data(found, "cancelled") == {"reason": "duplicate"}
    assert found.events[-1]["data"] == {
        "client_id": "acme",
        "severity": "medium",
        "kind": "incident",
        "channel": "mail",
    }
    [refused] = found.refused
    assert refused[:3] == (4, "type", "Song")
    assert "feature_request; say what it means in the values of kind" in refused.reason


def test_an_analyst_who_is_not_named_is_unknown() -> None:
    found = read(
        TICKETS | {"assigned": "taken"}, "id,org,opened,taken", "1,a,2026-11-16,2026-11-17"
    )
    assert data(found, "assigned") == {"analyst_id": "unknown"}


def test_a_status_says_what_a_time_means() -> None:
    closed = {"column": "changed", "when": {"column": "status", "equals": ["solved", "closed"]}}
    found = read(
        TICKETS
        | {
            "resolved": closed,
            "cancelled": {"column": "changed", "when": {"column": "status", "equals": "Spam"}},
        },
        "id,org,opened,status,changed",
        "1,a,2026-11-16T09:00,Solved,2026-11-16T10:00",
        "2,a,2026-11-16T09:00,Spam,2026-11-16T11:00",
        "3,a,2026-11-16T09:00,Open,2026-11-16T12:00",
    )
    assert [(ticket, type_) for ticket, type_, _ in found.told if type_ != "created"] == [
        ("1", "resolved"),
        ("2", "cancelled"),
    ]


def test_a_moment_may_be_told_by_how_long_it_took() -> None:
    columns = TICKETS | {
        "assigned": {"column": "first", "after": "created", "unit": "minutes"},
        "resolved": {"column": "full", "after": "created"},
        "decimal": ",",
    }
    found = read(
        columns,
        "id;org;opened;first;full",
        "1;a;2026-11-16T09:00;12,5;26:00:00",
        "2;a;2026-11-16T09:00;;",
        "3;a;2026-11-16T09:00;soon;90",
        "4;a;2026-11-16T09:00;-5;",
    )
    assert found.told == [
        ("1", "created", "2026-11-16T09:00:00.000Z"),
        ("2", "created", "2026-11-16T09:00:00.000Z"),
        ("1", "assigned", "2026-11-16T09:12:30.000Z"),
        ("1", "resolved", "2026-11-17T11:00:00.000Z"),
    ]
    assert [finding[:3] for finding in found.refused] == [
        (4, "first", "soon"),
        (4, "full", "90"),
        (5, "first", "-5"),
    ]
    later = read(
        TICKETS | {"reopened": {"column": "n", "after": "resolved", "unit": "hours"}},
        "id,org,opened,n",
        "1,a,2026-11-16,2",
    )
    assert later.refused[0].reason == "there is no resolved to count from"


def test_a_row_may_be_an_event() -> None:
    columns = EVENTS | {
        "severity": "prio",
        "analyst": "by",
        "event": {
            "column": "what",
            "values": {
                "Opened": "created",
                "Taken": "assigned",
                "Pending": "waiting_on_client",
                "Reply": "client_responded",
                "Priority": "severity_changed",
                "Done": "resolved",
                "Comment": "ignore",
            },
        },
    }
    rows = [
        "id,org,when,what,prio,by",
        "1,a,2026-11-16T09:00,Opened,high,",
        "2,a,2026-11-16T09:05,opened,low,",
        "1,a,2026-11-16T09:10,Taken,,ana",
        "1,a,2026-11-16T09:11,Comment,,",
        "1,a,2026-11-16T09:20,Pending,,",
        "1,a,2026-11-16T09:20,Reply,,",
        "1,a,2026-11-16T09:30,Priority,blocker,",
        "1,a,2026-11-16T09:40,Done,,",
    ]
    found = read(columns, *rows)
    assert [type_ for ticket, type_, _ in found.told if ticket == "1"] == [
        "created",
        "assigned",
        "waiting_on_client",
        "client_responded",
        "severity_changed",
        "resolved",
    ]
    assert data(found, "severity_changed") == {"severity": "blocker"}
    assert data(found, "assigned") == {"analyst_id": "ana"}
    assert found.summary.notes["rows that the columns file ignores"] == 1
    assert (found.summary.rows, found.summary.tickets) == (8, 2)
    wait, answer = (event for event in found.events if event["time"].endswith("09:20:00.000Z"))
    assert wait["sequence"] < answer["sequence"], "of one instant the file's order holds"
    assert len({event["id"] for event in found.events}) == len(found.events)
    assert read(columns, rows[0], *reversed(rows[1:])).told == found.told, "newest first"


def test_rows_that_are_events_need_a_creation_and_a_meaning() -> None:
    rows = ("id,org,when,what,opened", "1,a,2026-11-16T09:10,resolved,2026-11-16T09:00")
    refused = read(EVENTS, *rows).refused[0]
    assert "no row says that ticket '1' was created" in refused.reason
    found = read(EVENTS | {"created": "opened"}, *rows)
    assert [type_ for _, type_, _ in found.told] == ["created", "resolved"]
    odd = read(
        EVENTS,
        "id,org,when,what",
        "1,a,2026-11-16T09:00,created",
        "1,a,2026-11-16T09:10,danced",
        "1,a,2026-11-16T09:20,",
        "1,a,,resolved",
        "2,a,2026-11-16T09:00,created",
        "2,a,2026-11-16T09:10,severity_changed",
        "3,a,2026-11-16T09:00,created",
    )
    assert {ticket for ticket, _, _ in odd.told} == {"3"}
    assert odd.summary.refused_rows == 6
    assert {finding.reason.partition(" ")[0] for finding in odd.refused} <= {"it", "line", "the"}


def test_where_a_row_is_an_event_a_ticket_does_not_end_before_it_begins() -> None:
    rows = ("id,org,when,what", "1,a,2026-11-16T09:00,resolved", "1,a,2026-11-16T10:00,created")
    found = read(EVENTS, *rows, "2,a,2026-11-16T10:00,created")
    assert [(finding.line, finding.column) for finding in found.refused] == [(2, "when"), (3, "id")]
    statuses = EVENTS | {"event": None, "status": "what", "states": {"resolved": "resolved"}}
    late = read(
        statuses | {"created": "opened"},
        "id,org,when,what,opened",
        "1,a,2026-11-16T09:00,resolved,2026-11-16T10:00",
    )
    assert "end before it begins" in late.refused[0].reason


def test_where_a_row_is_an_event_a_time_that_exists_twice_keeps_the_order() -> None:
    table = "id,org,when,what\n1,a,2026-10-25 02:30,created\n1,a,2026-10-25 02:10,resolved\n"
    found = imported(table, Helpdesk(Columns.model_validate(EVENTS), ZoneInfo("Europe/Madrid")))
    assert [time[11:16] for _, _, time in found.told] == ["00:30", "01:10"]
    assert [finding.value for finding in found.remarks] == ["2026-10-25 02:30", "2026-10-25 02:10"]


def test_a_feature_request_needs_no_severity() -> None:
    columns = TICKETS | {"kind": {"constant": "feature_request"}}
    found = read(columns, "id,org,opened", "1,a,2026-11-16")
    assert (found.summary.without_severity, found.summary.alarms) == (0, [])


def test_a_row_may_be_the_status_after_a_change() -> None:
    columns = EVENTS | {
        "event": None,
        "status": "to",
        "severity": "prio",
        "analyst": "agent",
        "states": {
            "Open": "open",
            "Pending": "waiting_on_client",
            "Solved": "resolved",
            "Closed": "closed",
        },
    }
    found = read(
        columns,
        "id,org,when,to,prio,agent",
        "1,a,2026-11-16T09:00,Open,high,",
        "1,a,2026-11-16T09:10,Open,high,ana",
        "1,a,2026-11-16T09:20,Pending,blocker,ana",
        "1,a,2026-11-16T09:30,Open,blocker,ana",
        "1,a,2026-11-16T09:40,Solved,blocker,ana",
        "1,a,2026-11-16T09:50,Closed,blocker,ana",
        "2,a,2026-11-16T09:50,Dreaming,blocker,ana",
    )
    assert [type_ for _, type_, _ in found.told] == [
        "created",
        "assigned",
        "severity_changed",
        "waiting_on_client",
        "client_responded",
        "resolved",
    ]
    assert found.events[0]["data"] == {"client_id": "a", "severity": "high"}
    assert [finding[:3] for finding in found.refused] == [(8, "to", "Dreaming")]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('solved = "done"', "solved"),
        ('time_format = "dd/MM"', "is not a time format"),
        ('resolved = { column = "a", unit = "minutes" }', "no moment to count from"),
        ('resolved = { column = "a", after = "birth" }', "resolved.after"),
        ('channel = { column = "a", constant = "b" }', "a column or a constant"),
        ('time = "when"', 'rows = "events"'),
        ('rows = "events"', "time is missing"),
        ('rows = "events"\ntime = "a"', "either event or status is required"),
        ('rows = "events"\ntime = "a"\nstatus = "b"', "requires a table"),
        ('rows = "events"\ntime = "a"\nevent = "b"\nresolved = "c"', 'rows = "tickets"'),
        (
            'rows = "events"\ntime = "a"\nevent = { column = "b", values = { x = "danced" } }',
            "danced",
        ),
    ],
)
def test_a_mistake_in_the_columns_file_is_told(tmp_path: Path, more: str, told: str) -> None:
    file = tmp_path / "columns.toml"
    file.write_text(f'ticket = "id"\nclient = "org"\ncreated = "opened"\n{more}\n')
    with pytest.raises(TableError, match=told) as raised:
        read_columns(file)
    assert str(file) in str(raised.value)


def test_a_columns_file_names_severities_of_the_policy() -> None:
    columns = {**TICKETS, "severities": {"High": "grave"}}
    with pytest.raises(TableError, match=r"severities\.High: aivo@1 has no severity 'grave'"):
        Helpdesk(Columns.model_validate(columns), UTC)


def test_a_row_a_ticket_needs_the_column_of_its_creation(tmp_path: Path) -> None:
    file = tmp_path / "columns.toml"
    file.write_text('ticket = "id"\nclient = "org"\n')
    with pytest.raises(TableError, match="created is missing"):
        read_columns(file)
