"""A helpdesk's export as events."""

from __future__ import annotations

import io
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_cli.importers.servicenow import LogError
from sla_cli.importers.table import Columns, read_columns, read_table
from sla_schemas.events import TICKET_EVENT

COLUMNS = Columns(
    ticket="id",
    client="org",
    severity="prio",
    created="opened",
    assigned="reply",
    resolved="done",
    severities={"P1": "blocker"},
)
HEAD = "id,org,prio,opened,reply,done\n"


def test_each_moment_is_an_event_in_the_order_they_occurred() -> None:
    table = HEAD + "2,acme,P1,2026-11-16T10:00,,\n1,acme,P1,2026-11-16T09:00,2026-11-16T09:30,\n"
    found = read_table(io.StringIO(table), COLUMNS, ZoneInfo("America/Bogota"))
    assert [(event["subject"], event["type"], event["time"]) for event in found] == [
        ("1", "ticket.created", "2026-11-16T14:00:00.000Z"),
        ("1", "ticket.assigned", "2026-11-16T14:30:00.000Z"),
        ("2", "ticket.created", "2026-11-16T15:00:00.000Z"),
    ]
    for event in found:
        TICKET_EVENT.validate_python(event)


def test_an_own_format_of_times() -> None:
    columns = COLUMNS.model_copy(update={"time_format": "%d/%m/%Y %H:%M"})
    table = HEAD + "1,acme,P1,16/11/2026 09:00,,\n"
    [event] = read_table(io.StringIO(table), columns, ZoneInfo("UTC"))
    assert event["time"] == "2026-11-16T09:00:00.000Z"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("id,org\n", "no column 'prio'|no column 'opened'"),
        (HEAD + "1,acme,P9,2026-11-16T09:00,,\n", "line 2: severity 'P9'"),
        (HEAD + "1,,P1,2026-11-16T09:00,,\n", "line 2: column 'org' is empty"),
        (HEAD + "1,acme,P1,,,\n", "line 2: column 'opened' is empty"),
        (HEAD + "1,acme,P1,yesterday,,\n", "line 2: column 'opened': 'yesterday'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_column(table: str, told: str) -> None:
    with pytest.raises(LogError, match=told):
        read_table(io.StringIO(table), COLUMNS, ZoneInfo("UTC"))


def test_a_mistake_in_the_columns_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "columns.toml"
    file.write_text('ticket = "id"\nclient = "org"\ncreated = "opened"\nsolved = "done"\n')
    with pytest.raises(LogError, match="solved"):
        read_columns(file)
