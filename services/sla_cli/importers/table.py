"""A table of tickets (a row each, as helpdesks export it) turned into ticket events.

Which column says what is in a TOML file, since every helpdesk has its own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import IO, Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import Field

from sla_cli.importers.servicenow import LogError
from sla_domain.event import EventType
from sla_domain.instant import format_instant, from_datetime
from sla_runtime.configuration import Strict, read_toml
from sla_schemas.events import TYPE_PREFIX
from sla_schemas.words import Severity

SOURCE: Final = "/import/csv"

#: Moments that a column may hold, in the order they come within one instant.
_MOMENTS: Final = (
    EventType.CREATED,
    EventType.ASSIGNED,
    EventType.WAITING_ON_CLIENT,
    EventType.CLIENT_RESPONDED,
    EventType.RESOLVED,
    EventType.REOPENED,
    EventType.CANCELLED,
)


class Columns(Strict):
    """Which column holds what; a moment whose cell is empty did not happen."""

    ticket: Annotated[str, Field(description="The ticket's id.")]
    client: Annotated[str, Field(description="The client's id.")]
    created: Annotated[str, Field(description="When the client communicated it.")]
    severity: Annotated[str | None, Field(description="The severity in the helpdesk's words.")] = (
        None
    )
    analyst: Annotated[str | None, Field(description="Who it was assigned to.")] = None
    assigned: Annotated[str | None, Field(description="When; the first reply will do.")] = None
    waiting_on_client: Annotated[str | None, Field(description="When it began to wait.")] = None
    client_responded: Annotated[str | None, Field(description="When the client answered.")] = None
    resolved: Annotated[str | None, Field(description="When it was resolved.")] = None
    reopened: Annotated[str | None, Field(description="When it was opened again.")] = None
    cancelled: Annotated[str | None, Field(description="When it was cancelled.")] = None
    severities: dict[str, Severity] = Field(
        default={}, description="The helpdesk's words and our severities."
    )
    time_format: Annotated[
        str | None, Field(description="Of the moments, as strptime has it. Default: ISO 8601.")
    ] = None


def read_columns(path: Path) -> Columns:
    """The file that says which column holds what. Raises ``LogError``."""
    return read_toml(path, Columns, "columns file", LogError)


def read_table(file: IO[str], columns: Columns, zone: ZoneInfo) -> list[dict[str, Any]]:
    """The events of a table in the order they occurred, as CloudEvents.

    Times without an offset are read in ``zone``. Raises ``LogError``, which names line and column.
    """
    rows = csv.DictReader(file)
    for key, column in columns.model_dump(exclude={"severities", "time_format"}).items():
        if column is not None and column not in (rows.fieldnames or ()):
            raise LogError(f"there is no column {column!r}, which the columns file names for {key}")
    events: list[tuple[int, int, dict[str, Any]]] = []
    for row in rows:
        try:
            events += _events(row, columns, zone)
        except ValueError as error:
            raise LogError(f"line {rows.line_num}: {error}") from None
    events.sort(key=itemgetter(0, 1))
    return [event for _, _, event in events]


def _events(
    row: Mapping[str, str], columns: Columns, zone: ZoneInfo
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    ticket = _needed(row, columns.ticket)
    for place, type_ in enumerate(_MOMENTS):
        column = getattr(columns, type_.word)
        text = (row.get(column) or "").strip() if column else ""
        if not text:
            if type_ is EventType.CREATED:
                raise ValueError(f"column {column!r} is empty")
            continue
        at = _instant(text, column, columns, zone)
        event = {
            "specversion": "1.0",
            "id": f"{ticket}-{type_.word}",
            "source": SOURCE,
            "type": TYPE_PREFIX + type_.word,
            "subject": ticket,
            "time": format_instant(at),
            "sequence": str(place),
            "data": _data(type_, row, columns),
        }
        yield at, place, event


def _data(type_: EventType, row: Mapping[str, str], columns: Columns) -> dict[str, Any]:
    if type_ is EventType.CREATED:
        data: dict[str, Any] = {"client_id": _needed(row, columns.client)}
        if columns.severity is not None:
            data["severity"] = _severity(_needed(row, columns.severity), columns)
        return data
    if type_ is EventType.ASSIGNED:
        analyst = (row.get(columns.analyst) or "").strip() if columns.analyst else ""
        return {"analyst_id": analyst or "unknown"}
    return {}


def _severity(word: str, columns: Columns) -> str:
    if word not in columns.severities:
        raise ValueError(f"severity {word!r} is not under [severities] of the columns file")
    return columns.severities[word]


def _needed(row: Mapping[str, str], column: str) -> str:
    text = (row.get(column) or "").strip()
    if not text:
        raise ValueError(f"column {column!r} is empty")
    return text


def _instant(text: str, column: str, columns: Columns, zone: ZoneInfo) -> int:
    try:
        if columns.time_format is None:
            found = datetime.fromisoformat(text)
        else:
            found = datetime.strptime(text, columns.time_format)  # noqa: DTZ007  the zone follows
    except ValueError:
        wanted = columns.time_format or "ISO 8601, as 2026-11-23T18:00:00-03:00"
        raise ValueError(f"column {column!r}: {text!r} is no time like {wanted}") from None
    return from_datetime(found if found.tzinfo is not None else found.replace(tzinfo=zone))
