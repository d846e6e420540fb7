"""The page about imports: its examples work, and show every key."""

from __future__ import annotations

import re
import tomllib
from zoneinfo import ZoneInfo

import pytest
from support import ROOT
from support.imports import imported

from sla_import.bpic2013 import STATES as VINST_STATES
from sla_import.columns import Columns
from sla_import.helpdesk import Helpdesk
from sla_import.servicenow import ServiceNow
from sla_schemas.events import TICKET_EVENT

PAGE = (ROOT / "docs" / "imports.md").read_text("utf-8")
EXAMPLES = {
    title: (table, tomllib.loads(columns))
    for title, table, columns in re.findall(
        r"^### ([^\n]+)\n(?:(?!^#).)*?```csv\n(.*?)```\n\n```toml\n(.*?)```",
        PAGE,
        re.MULTILINE | re.DOTALL,
    )
}


def test_there_is_an_example_for_each_helpdesk() -> None:
    assert {"Zendesk", "Jira", "Freshdesk", "GitHub Issues", "ServiceNow"} <= EXAMPLES.keys()
    assert len(EXAMPLES) == PAGE.count("\n### ")


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_does_what_it_says(title: str) -> None:
    table, columns = EXAMPLES[title]
    known = Columns.model_validate(columns)
    found = imported(table, Helpdesk(known, ZoneInfo(known.zone or "UTC")))
    assert found.refused == []
    assert found.summary.alarms == []
    assert found.summary.rows == len(table.splitlines()) - 1
    types = {event["type"] for event in found.events}
    assert types >= {"ticket.created", "ticket.resolved"}
    for moment in ("assigned", "cancelled", "waiting_on_client", "client_responded", "reopened"):
        assert moment not in columns or f"ticket.{moment}" in types
    for event in found.events:
        TICKET_EVENT.validate_python(event)


def test_every_key_has_an_example() -> None:
    used = {key for _, columns in EXAMPLES.values() for key in columns}
    assert used == set(Columns.model_fields)


def test_the_states_of_the_logs_are_those_of_the_importers() -> None:
    for status, sub_status in VINST_STATES:
        assert status.title() in PAGE or sub_status in PAGE.lower()
    wanted = ServiceNow(ZoneInfo("UTC")).wanted
    assert all(f"`{name}`" in PAGE for column in wanted for name in column.names)
