"""Whatever a file contains, an import ends with a message or with counts that add up."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import ROOT
from support.imports import imported

from sla_import.bpic2013 import Vinst
from sla_import.columns import Columns
from sla_import.helpdesk import Helpdesk
from sla_import.mapping import Mapping
from sla_import.opening import FileFormat
from sla_import.servicenow import ServiceNow
from sla_import.tables import TableError
from sla_schemas.events import TICKET_EVENT

MADRID = ZoneInfo("Europe/Madrid")
TICKETS = {
    "ticket": "id",
    "client": "org",
    "created": "opened",
    "severity": "prio",
    "kind": "kind",
    "assigned": {"column": "first", "after": "created", "unit": "hours"},
    "resolved": {"column": "done", "when": {"column": "status", "equals": ["x"]}},
    "time_format": ["iso", "excel", "unix", "jira"],
    "locale": "es",
    "severities": {"P1": "blocker"},
}
EVENTS = {
    "rows": "events",
    "ticket": "id",
    "client": "org",
    "time": "opened",
    "event": {"column": "status", "values": {"x": "resolved", "y": "created"}},
    "severity": "prio",
    "kind": "kind",
}
FIXTURES = ROOT / "tests" / "fixtures" / "imports"


def mappings() -> list[Mapping]:
    """One of each kind, made anew."""
    return [
        Helpdesk(Columns.model_validate(TICKETS), MADRID),
        Helpdesk(Columns.model_validate(EVENTS), MADRID),
        ServiceNow(MADRID),
        Vinst(),
    ]


def check(file: bytes, mapping: Mapping) -> None:
    """Import ``file``; what comes of it is an error of ours, or adds up."""
    with suppress(TableError):
        found = imported(file, mapping, FileFormat(xes=isinstance(mapping, Vinst)))
        summary = found.summary
        good = {event["subject"] for event in found.events}
        assert len(good) == summary.tickets
        assert len(found.events) == summary.events
        assert {finding.line for finding in found.refused} != {0}
        assert summary.refused_rows == len({finding.line for finding in found.refused})
        assert summary.tickets <= summary.rows - summary.refused_rows
        if mapping.one_row_a_ticket:
            assert summary.tickets == summary.rows - summary.refused_rows
        assert all(finding.reason for finding in found.refused)
        for event in found.events:
            TICKET_EVENT.validate_python(event)
        assert [event["time"] for event in found.events] == sorted(
            event["time"] for event in found.events
        )


def cells(*likely: str) -> st.SearchStrategy[str]:
    """Cells that are often what is meant, and else anything."""
    return st.one_of(st.sampled_from(likely), st.text(max_size=12))


_TIMES = (
    "2026-10-25 02:30",
    "2026-03-29 02:30",
    "2026-11-16T09:12:00Z",
    "46342.38",
    "12/mar/24 9:41 a. m.",
    "0000-00-00",
    "9999-12-31",
    "-",
)
_STATES = ("New", "On Hold", "Resolved", "Closed", "Canceled", "x", "y", "Accepted", "Completed")
_COLUMNS = {
    "id": cells("1", "2", "3"),
    "org": cells("a", "b"),
    "opened": cells(*_TIMES),
    "prio": cells("high", "P1", "P2", "2 - High", "5"),
    "kind": cells("incident", "question"),
    "first": cells("1", "0.5", "01:30", "1h", "999999999999"),
    "done": cells(*_TIMES),
    "status": cells(*_STATES),
    "number": cells("1", "2"),
    "incident_state": cells(*_STATES),
    "opened_at": cells(*_TIMES),
    "sys_updated_at": cells(*_TIMES),
    "priority": cells("2 - High", "1", "5", "?"),
    "assigned_to": cells("Ana", "?"),
    "assignment_group": cells("G1"),
    "location": cells("Loc 1"),
    "SR Number": cells("1", "2"),
    "Change Date+Time": cells(*_TIMES),
    "Status": cells(*_STATES),
    "Sub Status": cells("In Progress", "Wait - User", "Resolved", "Cancelled"),
    "Involved ST": cells("V5"),
    "SR Latest Impact": cells("Major", "Low"),
    "Owner First Name": cells("Per", "Siebel"),
}


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Nearly right tables, in some dialect and encoding."""
    delimiter = draw(st.sampled_from(",;\t|"))
    rows: Sequence[Sequence[str]] = draw(
        st.lists(st.tuples(*_COLUMNS.values()), max_size=5).map(list)
    )
    quoted = [
        ['"' + cell.replace('"', '""') + '"' if draw(st.booleans()) else cell for cell in row]
        for row in rows
    ]
    text = "\n".join(delimiter.join(row) for row in [list(_COLUMNS), *quoted])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    file = bytearray(text.encode(encoding, "replace"))
    for place in draw(st.lists(st.integers(0, max(0, len(file) - 1)), max_size=3)):
        file[place] = draw(st.integers(0, 255))
    return bytes(file)


@given(tables())
@settings(max_examples=300)
def test_a_table_with_anything_in_it(file: bytes) -> None:
    for mapping in mappings():
        check(file, mapping)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"<"]))
@settings(max_examples=200)
def test_any_bytes(file: bytes, head: bytes) -> None:
    for mapping in mappings():
        check(head + file, mapping)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files of each form that are right."""
    path = tmp_path_factory.mktemp("packed") / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(list(_COLUMNS))
    book.active.append(["1"] * len(_COLUMNS))
    book.save(path)
    return {
        "workbook": path.read_bytes(),
        "xes": (FIXTURES / "vinst.xes").read_bytes(),
        "csv": (FIXTURES / "vinst.csv").read_bytes(),
        "gzip": gzip.compress((FIXTURES / "vinst.csv").read_bytes()),
    }


@pytest.mark.parametrize("form", ["workbook", "xes", "csv", "gzip"])
@given(data=st.data())
@settings(max_examples=100)
def test_a_file_with_bytes_changed_or_cut(packed: dict[str, bytes], form: str, data: Any) -> None:
    file = bytearray(packed[form])
    for place in data.draw(st.lists(st.integers(0, len(file) - 1), max_size=8)):
        file[place] = data.draw(st.integers(0, 255))
    check(bytes(file[: data.draw(st.integers(0, len(file)))]), Vinst())
