"""A ServiceNow incident log (rows of snapshots after each update) turned into ticket events.

Made for the "Incident management process enriched event log" of the UCI Machine Learning
Repository (DOI 10.24432/C57S4H), whose columns are those of the ServiceNow incident table.

Every row is an incident after one update, so an event is the difference between neighbouring rows.
Columns that are written back on all rows (``resolved_at``, ``closed_at``) are never read: at the
time of a row nobody could have known them. How an incident was reported there (``contact_type``)
is no channel of a policy here, so it is left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import itemgetter
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

from sla_domain.errors import UserFacingError
from sla_domain.event import EventType
from sla_domain.instant import format_instant, from_datetime
from sla_schemas.events import TYPE_PREFIX

SOURCE: Final = "/servicenow/incidents"

_MISSING: Final = "?"
_TIME: Final = "%d/%m/%Y %H:%M"
_SEVERITIES: Final = {"1": "blocker", "2": "high", "3": "medium", "4": "low"}
_WAITING: Final = "Awaiting User Info"
_RESOLVED: Final = "Resolved"
_ENDED: Final = frozenset({"Resolved", "Closed"})
_WORKING: Final = frozenset({"Active", "New"})
_NEEDED: Final = (
    "number",
    "incident_state",
    "sys_mod_count",
    "opened_at",
    "sys_updated_at",
    "priority",
    "assigned_to",
    "assignment_group",
    "location",
)

Row = Mapping[str, str]


class LogError(UserFacingError):
    """The file is not such a log; the message names the line or column."""


def read_log(file: IO[str], zone: ZoneInfo) -> list[dict[str, Any]]:
    """The events of a whole log in the order they occurred, as CloudEvents.

    Times in the log carry no zone; they are read in ``zone``. Raises ``LogError``.
    """
    rows = csv.DictReader(file)
    missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise LogError(f"column {missing[0]!r} is missing; this is not a ServiceNow incident log")
    incidents: dict[str, list[Row]] = {}
    for row in rows:
        incidents.setdefault(row["number"], []).append(row)
    events: list[tuple[int, dict[str, Any]]] = []
    for number, snapshots in incidents.items():
        try:
            events += incident_events(number, snapshots, zone)
        except (KeyError, ValueError) as error:
            raise LogError(f"incident {number}: {error}") from None
    events.sort(key=itemgetter(0))
    return [event for _, event in events]


def incident_events(
    number: str, snapshots: Iterable[Row], zone: ZoneInfo
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The events of one incident's snapshots, each with its instant."""
    before: Row | None = None
    for index, row in enumerate(snapshots):
        updated = _instant(row["sys_updated_at"], zone)
        changes = sorted(_changes(before, row, zone), key=lambda change: change[0])
        for place, (type_, data) in enumerate(changes):
            at = _instant(row["opened_at"], zone) if type_ is EventType.CREATED else updated
            yield (
                at,
                {
                    "specversion": "1.0",
                    "id": f"{number}-{index}-{type_.word}",
                    "source": SOURCE,
                    "type": TYPE_PREFIX + type_.word,
                    "subject": number,
                    "time": format_instant(at),
                    "sequence": f"{index:05}.{place}",
                    "data": data,
                },
            )
        before = row


def _changes(
    before: Row | None, row: Row, zone: ZoneInfo
) -> Iterator[tuple[EventType, dict[str, Any]]]:
    state, was = row["incident_state"], before["incident_state"] if before else "New"
    if before is None:
        yield (
            EventType.CREATED,
            {
                "client_id": _id(row["location"]),
                "communicated_at": format_instant(_instant(row["opened_at"], zone)),
                "kind": "incident",
                "severity": _severity(row),
            },
        )
    elif row["priority"] != before["priority"]:
        yield EventType.SEVERITY_CHANGED, {"severity": _severity(row)}
    agent = row["assigned_to"]
    if agent != _MISSING and (before is None or agent != before["assigned_to"]):
        yield EventType.ASSIGNED, {"analyst_id": _id(agent), "group": _id(row["assignment_group"])}
    if state == was:
        return
    if was in _ENDED and state not in _ENDED:
        yield EventType.REOPENED, {}
    if state == _WAITING:
        yield EventType.WAITING_ON_CLIENT, {"party": "client"}
    elif was == _WAITING and state in _WORKING:
        yield EventType.CLIENT_RESPONDED, {}
    elif state == _RESOLVED:
        yield EventType.RESOLVED, {}


def _severity(row: Row) -> str:
    return _SEVERITIES[row["priority"][:1]]


def _id(name: str) -> str:
    return name.strip().lower().replace(" ", "-") if name != _MISSING else "unknown"


def _instant(text: str, zone: ZoneInfo) -> int:
    return from_datetime(datetime.strptime(text, _TIME).replace(tzinfo=zone))
