"""Tables from spreadsheets and helpdesks are read, and every row is counted."""

from __future__ import annotations

import gzip
import io
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pytest
from support.imports import Imported, imported

from sla_import import text
from sla_import.columns import Columns
from sla_import.helpdesk import Helpdesk
from sla_import.opening import PLAIN, FileFormat
from sla_import.tables import TableError
from sla_schemas.events import TICKET_EVENT

COLUMNS = {
    "ticket": "id",
    "client": "customer",
    "severity": "priority",
    "created": "created",
    "assigned": "first_reply",
    "resolved": "solved",
    "severities": {"Urgent": "blocker", "High": "high", "Normal": "medium", "Low": "low"},
}
HEAD = "id,customer,priority,created,first_reply,solved\n"
ROW = "1,acme,High,2026-11-16T09:12:00,2026-11-16T09:40:00,2026-11-16T14:05:00\n"
TOLD = [
    ("1", "created", "2026-11-16T09:12:00.000Z"),
    ("1", "assigned", "2026-11-16T09:40:00.000Z"),
    ("1", "resolved", "2026-11-16T14:05:00.000Z"),
]


def read(file: str | bytes | Path, how: FileFormat = PLAIN, **columns: object) -> Imported:
    """Import a helpdesk's table, and see that its rows add up and the tracker takes its events."""
    known = Columns.model_validate({**COLUMNS, **columns})
    found = imported(file, Helpdesk(known, ZoneInfo("UTC")), how)
    for event in found.events:
        TICKET_EVENT.validate_python(event)
    summary = found.summary
    assert summary.tickets + summary.refused_rows == summary.rows
    assert summary.refused_rows == len({finding.line for finding in found.refused})
    return found


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(("\ufeff" + HEAD + ROW).encode(), id="byte order mark"),
        pytest.param((HEAD + ROW).replace(",", ";").encode(), id="semicolons"),
        pytest.param((HEAD + ROW).replace(",", "\t").encode(), id="tabs"),
        pytest.param((HEAD + ROW).replace(",", "|").encode(), id="bars"),
        pytest.param((HEAD + ROW).encode("utf-16"), id="UTF-16"),
        pytest.param((HEAD + ROW).encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param((HEAD + ROW).encode("utf-32"), id="UTF-32"),
        pytest.param(("sep=,\n" + HEAD + ROW).encode(), id="a spreadsheet's hint"),
        pytest.param(("sep=;\n" + (HEAD + ROW).replace(",", ";")).encode(), id="the hint, ;"),
        pytest.param((HEAD + ROW).replace("\n", "\r\n").encode(), id="CR LF"),
        pytest.param((HEAD + ROW).replace("\n", "\r").encode(), id="CR"),
        pytest.param((HEAD + "\n" + ROW + "\n,,,,,\n,\n \n , \n").encode(), id="blank rows"),
        pytest.param(("Weekly report\n\n" + HEAD + ROW).encode(), id="a title above"),
        pytest.param(gzip.compress((HEAD + ROW).encode()), id="gzip"),
        pytest.param(
            (HEAD.strip() + ",body\n" + ROW.strip() + ',"a\0b, c\n""d"""\n').encode(),
            id="NUL, delimiters, quotes and line breaks in a cell",
        ),
        pytest.param(
            (HEAD.strip() + ",body\n" + ROW.strip() + "," + "x" * 2_000_000 + "\n").encode(),
            id="a cell of two million characters",
        ),
        pytest.param(
            (HEAD.strip() + ",tag,tag\n" + ROW.strip() + ",a,b\n").encode(),
            id="columns twice that nobody asked for",
        ),
    ],
)
def test_what_a_spreadsheet_reads_is_read(file: bytes) -> None:
    found = read(file)
    assert found.told == TOLD
    assert found.refused == []


def test_a_western_spreadsheets_clients_stay_two() -> None:
    rows = "1,Compañía,High,2026-11-16,,\n2,Compaóía,High,2026-11-16,,\n"
    found = read((HEAD + rows).encode("cp1252"))
    clients = [event["data"]["client_id"] for event in found.events]
    assert clients == ["Compañía", "Compaóía"]
    assert found.summary.read_as["encoding"] == "cp1252", "and it is said"


def test_a_damaged_line_of_utf_8_is_refused_by_name_and_the_rest_is_read() -> None:
    good = "".join(f"{number},Señor,High,2026-11-16,,\n" for number in range(5))
    found = read((HEAD + good).encode() + b"9,Se\xf1or,High,2026-11-16,,\n")
    assert {event["data"]["client_id"] for event in found.events} == {"Señor"}
    [refused] = found.refused
    assert (refused.line, refused.column) == (7, "customer")
    assert "--encoding" in refused.reason


def test_an_encoding_and_a_delimiter_may_be_told() -> None:
    file = (HEAD + "1,Łódź,High,2026-11-16,,\n").replace(",", "~").encode("cp1250")
    found = read(file, FileFormat(encoding="cp1250", delimiter="~"))
    assert found.events[0]["data"]["client_id"] == "Łódź"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("", "is empty"),
        ("\n\n", "no column 'id'"),
        ("id,customer,Priority,created,first_reply,solved\n", "did you mean 'Priority'"),
        ("a,b\n1,2\n", "no column 'id', which the columns file names for ticket; its columns are"),
        (HEAD.strip() + ",customer\n" + ROW.strip() + ",globex\n", "2 times, as columns 2 and 7"),
        (b"\x1f\x8bnot gzip at all", "can't be read"),
        (gzip.compress((HEAD + ROW * 1000).encode())[:60], "can't be read"),
        (b"PK\x03\x04 no workbook", "is not a readable workbook"),
        (b"PAR1 no parquet", "is not a readable Parquet file"),
    ],
)
def test_a_file_that_can_not_be_used_is_told_in_a_sentence(file: str | bytes, told: str) -> None:
    with pytest.raises(TableError, match=told) as raised:
        read(file)
    assert "export.csv" in str(raised.value)


def test_of_columns_with_one_name_the_columns_file_says_which() -> None:
    file = HEAD.strip() + ",customer\n" + ROW.strip() + ",globex\n"
    found = read(file, client={"column": "customer", "number": 2})
    assert found.events[0]["data"]["client_id"] == "globex"


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        pytest.param(
            '1,acme,High,2026-11-16T09:12:00,"multi\nline",x\n',
            [(2, "first_reply", "multi\nline"), (2, "solved", "x")],
            id="every bad cell of a row of two lines",
        ),
        pytest.param("1,acme,High\n", [(2, "", "1,acme,High")], id="too few cells"),
        pytest.param(
            "1,a,b,High,2026-11-16,,x\n", [(2, "", "1,a,b,High,2026-11-16,,x")], id="too many cells"
        ),
        pytest.param(",acme,High,2026-11-16,,\n", [(2, "id", "")], id="no id"),
        pytest.param("1,,High,2026-11-16,,\n", [(2, "customer", "")], id="no client"),
        pytest.param("1,acme,P9,2026-11-16,,\n", [(2, "priority", "P9")], id="a severity unknown"),
        pytest.param("1,acme,High,,,\n", [(2, "created", "")], id="no creation"),
        pytest.param("1,acme,High,1926-11-16,,\n", [(2, "created", "1926-11-16")], id="too old"),
        pytest.param(
            '1,ac"me,High,"2026"11-16,,\n',
            [(2, "", '1,ac"me,High,"2026"11-16,,\n')],
            id="text after a quote",
        ),
    ],
)
def test_a_row_that_can_not_be_imported_is_named(
    rows: str, refused: list[tuple[int, str, str]]
) -> None:
    found = read(HEAD + rows)
    assert [finding[:3] for finding in found.refused] == refused
    assert all(finding.reason for finding in found.refused)
    assert found.events == []


def test_one_bad_cell_does_not_stop_ten_thousand_rows() -> None:
    rows = [f"{number},acme,High,2026-11-16T09:12:00,,\n" for number in range(10_000)]
    rows[1234] = "x,acme,High,yesterday,,\n"
    rows[9876] = "y,,High,2026-11-16T09:12:00,,\n"
    found = read(HEAD + "".join(rows))
    assert [(each.line, each.column) for each in found.refused] == [
        (1236, "created"),
        (9878, "customer"),
    ]
    assert (found.summary.rows, found.summary.tickets, found.summary.refused_rows) == (
        10_000,
        9_998,
        2,
    )


def test_a_quote_that_is_never_closed_costs_its_row_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text, "MAX_ROW", 3000)
    rows = [f"{number},acme,High,2026-11-16T09:12:00,,\n" for number in range(1000)]
    rows[500] = '500,"acme,High,2026-11-16T09:12:00,,\n'
    rows[990] = '990,"acme,High,2026-11-16T09:12:00,,\n'
    found = read(HEAD + "".join(rows))
    assert [finding.line for finding in found.refused] == [502, 992]
    assert found.summary.tickets == 998


def test_a_second_row_of_a_ticket_is_refused_by_the_line_of_the_first() -> None:
    found = read(HEAD + ROW + ROW.replace("16T", "17T"))
    assert found.told == TOLD
    [refused] = found.refused
    assert refused[:3] == (3, "id", "1")
    assert "line 2" in refused.reason
    assert 'rows = "events"' in refused.reason


def test_a_ticket_that_ends_before_it_begins_is_refused() -> None:
    found = read(HEAD + "1,acme,High,2026-11-16T09:12:00,,2026-11-16T08:00:00\n")
    [refused] = found.refused
    assert refused[:3] == (2, "solved", "2026-11-16T08:00:00")
    assert "before the ticket's creation" in refused.reason


def test_a_ticket_without_a_severity_is_imported_and_counted() -> None:
    found = read(HEAD + "1,acme,,2026-11-16,,\n2,acme,,2026-11-16,,\n3,acme,Low,2026-11-16,,\n")
    assert [event["data"] for event in found.events] == [
        {"client_id": "acme"},
        {"client_id": "acme"},
        {"client_id": "acme", "severity": "low"},
    ]
    assert found.summary.without_severity == 2
    [alarm] = found.summary.alarms
    assert "2 of 3 tickets without a severity" in alarm


def test_cells_that_say_nothing_are_empty_and_it_is_said() -> None:
    row = "1,acme,High,2026-11-16T09:12:00,N/A,0000-00-00 00:00:00\n"
    found = read(HEAD + row)
    assert [type_ for _, type_, _ in found.told] == ["created"]
    assert found.summary.notes["times that say 'N/A', taken as empty"] == 1
    assert found.summary.notes["times that say '0000-00-00 00:00:00', taken as empty"] == 1


def test_what_is_mostly_wrong_is_shouted() -> None:
    assert read(HEAD).summary.alarms == ["there is no row below the header"]
    bad = read(HEAD + ROW + "2,acme,P9,2026-11-16,,\n3,acme,P9,2026-11-16,,\n")
    assert bad.summary.alarms == ["2 of 3 rows refused"]
    future = read(HEAD + ROW.replace("2026", "2062"))
    assert future.summary.in_the_future == 3
    assert "dead letters" in future.summary.alarms[0]


def a_workbook(path: Path) -> Path:
    """A workbook whose second sheet is the table, below a title and with cells of each kind."""
    book = openpyxl.Workbook()
    book.active.append(["nothing", "here"])
    sheet = book.create_sheet("Tickets")
    sheet.append(["Tickets of the week"])
    sheet.append([])
    sheet.append(["id", "customer", "priority", "created", "first_reply", "solved"])
    sheet.append([1, "acme", "High", datetime(2026, 11, 16, 9, 12), 46342.4027777778, None])
    sheet.append(["2", 77, "P9", "2026-11-16", None, None])
    sheet.append([" "])
    book.save(path)
    return path


def test_a_workbook_is_read_by_its_rows(tmp_path: Path) -> None:
    found = read(a_workbook(tmp_path / "export.xlsx"))
    assert found.told == TOLD[:2], "a date, and the days of a spreadsheet"
    assert found.summary.unit == "row"
    assert found.summary.read_as["sheet"] == "Tickets"
    assert found.summary.blank_rows == 1
    assert [finding[:3] for finding in found.refused] == [(5, "priority", "P9")]
    with pytest.raises(TableError, match="no sheet 'Nowhere'; it has 'Sheet', 'Tickets'"):
        read(tmp_path / "export.xlsx", FileFormat(sheet="Nowhere"))


@pytest.mark.parametrize("name", ["export.parquet", "export[1].parquet", "export.parquet.gz"])
def test_a_parquet_file_is_read(tmp_path: Path, name: str) -> None:
    plain = tmp_path / "plain.parquet"
    duckdb.sql(
        """SELECT * FROM (VALUES
            (1, 'acme', 'High', TIMESTAMP '2026-11-16 09:12:00',
             TIMESTAMPTZ '2026-11-16 06:40:00-03', NULL),
            (2, 'acme', 'P9', TIMESTAMP '2026-11-16 09:12:00', NULL, NULL))
            AS table_(id, customer, priority, created, first_reply, solved)"""
    ).write_parquet(str(plain))
    content = plain.read_bytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    found = read(path)
    assert found.told == TOLD[:2]
    assert [finding[:3] for finding in found.refused] == [(2, "priority", "P9")]


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BytesIO((HEAD + ROW).encode("utf-16"))

    monkeypatch.setattr("sys.stdin", Piped)
    assert read(Path("-")).told == TOLD
