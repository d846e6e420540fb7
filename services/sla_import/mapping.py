"""The base of all importers: the columns it needs, and the events it makes from a ticket's rows.

A ticket is imported whole or not at all: if one of its rows can't be read, the others would give a
wrong history.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

from sla_domain.counting import counted
from sla_domain.event import EventType
from sla_domain.instant import format_instant
from sla_import.tables import Row, Wanted
from sla_import.times import Reading, Times
from sla_policy.clients import Clients
from sla_schemas.events import TYPE_PREFIX
from sla_schemas.types import MAX_ID

T = TypeVar("T")

#: Control characters, halves of characters, and what stands where one was lost.
_UNREADABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")


class Finding(NamedTuple):
    """Something about a cell: that it is refused, or how it was read."""

    line: int
    column: str
    value: str
    reason: str


class RefusedError(Exception):
    """Rows that can't be imported, each with at least one reason."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(counted(len(findings), "finding"))
        self.findings = findings


class Event(NamedTuple):
    """An event of a ticket and when it occurred."""

    at: int
    value: dict[str, Any]


class Log:
    """What is told about cells while rows are read."""

    def __init__(self) -> None:
        self.remarks: list[Finding] = []
        self.notes: Counter[str] = Counter()

    def read_as(self, reading: Reading, line: int, column: str, value: str) -> None:
        """Keep how a time was read, if there was anything to it."""
        self.notes.update(reading.notes)
        if reading.rule is not None:
            self.remarks.append(Finding(line, column, value, reading.rule))


class Mapping(ABC):
    """Rows of one kind of table as events."""

    #: A ticket is one row.
    one_row_a_ticket = False

    def __init__(self, wanted: Sequence[Wanted], ticket: str, times: Times) -> None:
        self.wanted = wanted
        self.times = times
        self.log = Log()
        self._place = {column.name: place for place, column in enumerate(wanted)}
        #: Where the ticket's id stands.
        self.ticket_column = ticket
        #: What is known of the clients.
        self.clients = Clients()

    def ticket(self, row: Row) -> str:
        """Whose row it is. Raises ``RefusedError``."""
        text = self.ticket_of(row)
        why = unusable_id(text)
        if why:
            raise RefusedError([Finding(row.line, self.ticket_column, text, why)])
        return text

    def ticket_of(self, row: Row) -> str:
        """The ticket's id as it stands in the row."""
        return self.cell(row, self.ticket_column)

    @abstractmethod
    def events(self, ticket: str, rows: Sequence[Row]) -> list[Event]:
        """The events of a ticket, in the order they occurred. Raises ``RefusedError``."""

    def cell(self, row: Row, column: str) -> str:
        """A cell by its column."""
        return row.cells[self._place[column]]


def unusable_id(text: str) -> str | None:
    """Why ``text`` can be no id; ``None`` for one that can."""
    if not text:
        return "it is empty"
    if len(text) > MAX_ID:
        return f"it has {len(text)} characters, but an id may have at most {MAX_ID}"
    return unreadable(text)


def unreadable(text: str) -> str | None:
    """Why ``text`` can't be taken as it is; ``None`` for one that can."""
    found = _UNREADABLE.search(text)
    if found is None:
        return None
    if found[0] < "\xa0":
        return "it has a control character or a line break"
    return "it has characters of another encoding, or lost ones; name the encoding with --encoding"


def event_of(
    source: str,
    type_: EventType,
    ticket: str,
    at: int,
    data: dict[str, Any],
    *,
    id_: str,
    sequence: str,
) -> Event:
    """A ticket event as a CloudEvent."""
    return Event(
        at,
        {
            "specversion": "1.0",
            "id": id_,
            "source": source,
            "type": TYPE_PREFIX + type_.word,
            "subject": ticket,
            "time": format_instant(at),
            "sequence": sequence,
            "data": data,
        },
    )


def in_turn(rows: Sequence[tuple[T, Reading]]) -> list[tuple[T, int]]:
    """The rows of a history, oldest first, and when each was; a file that begins with the newest is
    turned. Of two readings of a time the first is taken that is not before the row before it.
    """
    newest_first = rows and min(rows[0][1].instants) > max(rows[-1][1].instants)
    timed, before = [], 0
    for row, reading in reversed(rows) if newest_first else rows:
        before = reading.choose(before)
        timed.append((row, before))
    return timed
