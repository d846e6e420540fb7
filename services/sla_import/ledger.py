"""Every row of a file and what became of it, and the events in the order they occurred.

Rows are gathered by ticket and events sorted in a database of SQLite's on the disk, so that a file
may be larger than memory. It is deleted when it is closed.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import IO, Any, Final, Self

from sla_domain.counting import counted
from sla_domain.event import EventType
from sla_domain.instant import MINUTE, SECOND
from sla_import.mapping import Finding, Mapping, RefusedError
from sla_import.tables import Row, Table, Torn
from sla_schemas.events import TYPE_PREFIX

#: How far ahead of the broker's clock an event may be (the tracker's ``from_the_future``).
AHEAD: Final = 5 * MINUTE
#: How much of a cell is shown.
_SHOWN: Final = 200
_AT_ONCE: Final = 1000
_CREATED: Final = TYPE_PREFIX + EventType.CREATED.word

_compact: Final = json.JSONEncoder(separators=(",", ":")).encode

_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16384;
CREATE TABLE taken (place INTEGER PRIMARY KEY, line INTEGER, ticket TEXT, cells TEXT);
CREATE TABLE event (at INTEGER, place INTEGER, number INTEGER, value BLOB);
CREATE TABLE refused (line INTEGER, column TEXT, value TEXT, reason TEXT);
CREATE TABLE remark (line INTEGER, column TEXT, value TEXT, reason TEXT);
"""


@dataclass
class Summary:
    """What an import came to. ``rows`` are all that were read, blank ones left aside: those whose
    tickets are imported, and those refused.
    """

    file: str
    unit: str = "line"
    read_as: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    refused_rows: int = 0
    blank_rows: int = 0
    tickets: int = 0
    events: int = 0
    #: Tickets without a severity, which have no clocks until one is told.
    without_severity: int = 0
    #: Events that the tracker would not take today, since they are yet to come.
    in_the_future: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def alarms(self) -> list[str]:
        """What is so much out of the ordinary that the result is hardly what was wanted."""
        told = []
        if self.rows and 2 * self.refused_rows > self.rows:
            told.append(f"{self.refused_rows:,} of {counted(self.rows, 'row')} refused")
        if not self.rows:
            told.append("there is no row below the header")
        if 2 * self.in_the_future > self.events:
            told.append(
                f"{self.in_the_future:,} of {counted(self.events, 'event')} in the future; if "
                "published today, they become dead letters: check the time format and the zone"
            )
        if 2 * self.without_severity > self.tickets:
            told.append(
                f"{self.without_severity:,} of {counted(self.tickets, 'ticket')} without a "
                "severity: no clocks until one is set"
            )
        return told


class Ledger:
    """What became of each row; ``now`` in milliseconds tells what is yet to come."""

    def __init__(self, now: int | None = None) -> None:
        self._latest = (int(time.time() * SECOND) if now is None else now) + AHEAD
        # A file without a name, which SQLite deletes.
        self._db = sqlite3.connect("")
        self._db.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def gather(
        self, table: Table, mapping: Mapping, progress: Callable[[], None] = lambda: None
    ) -> Summary:
        """Take every row of ``table``; ``progress`` is called after some of them."""
        summary = Summary(table.name, table.unit, table.read_as)
        batch: list[tuple[int, int, str, str | None]] = []
        for row in table.rows():
            summary.rows += 1
            try:
                ticket = mapping.ticket(Row(row.line, row.cells))
            except RefusedError as refused:
                ticket = None
                if isinstance(row, Row):
                    self._refuse(refused.findings)
            if isinstance(row, Torn):
                self._refuse([Finding(row.line, "", row.value, row.reason)])
            if ticket is not None and not (mapping.one_row_a_ticket and isinstance(row, Torn)):
                # A torn row is kept as a hole in its ticket's history.
                cells = json.dumps(row.cells) if isinstance(row, Row) else None
                batch.append((summary.rows, row.line, ticket, cells))
            if len(batch) == _AT_ONCE:
                self._db.executemany("INSERT INTO taken VALUES (?, ?, ?, ?)", batch)
                batch.clear()
                progress()
        self._db.executemany("INSERT INTO taken VALUES (?, ?, ?, ?)", batch)
        summary.blank_rows = table.blank
        return summary

    def convert(
        self, mapping: Mapping, summary: Summary, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Make the events of the rows that were taken, and complete ``summary``; ``progress`` is
        called with how many rows there were so far.
        """
        rows = self._db.execute(
            "SELECT ticket, place, line, cells FROM taken ORDER BY ticket, place"
        )
        done = told = 0
        for ticket, group in groupby(rows, key=itemgetter(0)):
            found = list(group)
            self._take(ticket, found, mapping, summary)
            done += len(found)
            if done >= told + _AT_ONCE:
                progress(told := done)
        self._db.execute("DELETE FROM taken")
        summary.notes = mapping.log.notes
        (summary.refused_rows,) = self._db.execute(
            "SELECT count(DISTINCT line) FROM refused"
        ).fetchone()

    def _take(
        self,
        ticket: str,
        found: Sequence[tuple[str, int, int, str | None]],
        mapping: Mapping,
        summary: Summary,
    ) -> None:
        rows = [Row(line, json.loads(cells)) for _, _, line, cells in found if cells is not None]
        torn = [line for _, _, line, cells in found if cells is None]
        if torn:
            self._refuse_ticket(ticket, rows, set(torn), mapping, summary.unit)
            return
        if mapping.one_row_a_ticket and len(rows) > 1:
            first = rows[0].line
            why = f"the ticket is already on {summary.unit} {first}; if each row is an event, "
            why += 'write rows = "events" in the columns file'
            column = mapping.ticket_column
            self._refuse([Finding(row.line, column, ticket, why) for row in rows[1:]])
            del rows[1:]
        try:
            events = mapping.events(ticket, rows)
        except RefusedError as refused:
            self._refuse(refused.findings)
            bad = {finding.line for finding in refused.findings}
            self._refuse_ticket(ticket, rows, bad, mapping, summary.unit)
            mapping.log.remarks.clear()
            return
        for event in events:
            mapping.clients.fill(event.value)
        self._insert("remark", mapping.log.remarks)
        mapping.log.remarks.clear()
        place = found[0][1]
        self._db.executemany(
            "INSERT INTO event VALUES (?, ?, ?, ?)",
            [
                (event.at, place, number, _compact(event.value).encode())
                for number, event in enumerate(events)
            ],
        )
        summary.tickets += 1
        summary.events += len(events)
        summary.in_the_future += sum(event.at > self._latest for event in events)
        summary.without_severity += not any(
            event.value["type"] == _CREATED
            and (
                event.value["data"].keys() & {"severity", "impact"}
                or event.value["data"].get("kind") == "feature_request"
            )
            for event in events
        )

    def _refuse_ticket(
        self,
        ticket: str,
        rows: Sequence[Row],
        bad: AbstractSet[int],
        mapping: Mapping,
        unit: str,
    ) -> None:
        """Refuse the rows of a ticket that are not bad themselves."""
        why = f"{unit} {min(bad)} of the same ticket is refused, and tickets are imported whole"
        self._refuse(
            [
                Finding(row.line, mapping.ticket_column, ticket, why)
                for row in rows
                if row.line not in bad
            ]
        )

    def _refuse(self, findings: Sequence[Finding]) -> None:
        self._insert("refused", findings)

    def _insert(self, table: str, findings: Sequence[Finding]) -> None:
        self._db.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?)",  # noqa: S608  two names of our own
            [
                (line, column, _shown(value), _shown(reason, 2 * _SHOWN))
                for line, column, value, reason in findings
            ],
        )

    def refused(self) -> Iterator[Finding]:
        """Everything that is wrong, by line."""
        return self._findings("refused")

    def remarks(self) -> Iterator[Finding]:
        """Cells that could be read in two ways, by line."""
        return self._findings("remark")

    def _findings(self, table: str) -> Iterator[Finding]:
        rows = self._db.execute(
            f"SELECT * FROM {table} ORDER BY line, rowid"  # noqa: S608  two names of our own
        )
        return (Finding(*row) for row in rows)

    def events(self) -> Iterator[dict[str, Any]]:
        """The events in the order they occurred."""
        return map(json.loads, self._lines())

    def write(self, file: IO[bytes]) -> None:
        """The same as JSON Lines."""
        for line in self._lines():
            file.write(line + b"\n")

    def _lines(self) -> Iterator[bytes]:
        rows = self._db.execute("SELECT value FROM event ORDER BY at, place, number")
        return (row[0] for row in rows)


def _shown(text: str, limit: int = _SHOWN) -> str:
    """Text as it can be printed and kept, cut where it is long."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return cut.encode("utf-8", "backslashreplace").decode()
