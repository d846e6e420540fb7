"""A ServiceNow incident log (a row after each update) turned into ticket events.

Its columns are those of the ServiceNow incident table, as in the "Incident management process
enriched event log" of the UCI Machine Learning Repository (DOI 10.24432/C57S4H).

Columns that are written back on all rows (``resolved_at``, ``closed_at``) are never read: at the
time of a row nobody could have known them. How an incident was reported there (``contact_type``)
is no channel of a policy here, so it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping as Words
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from sla_domain.instant import format_instant
from sla_import.mapping import (
    Event,
    Finding,
    Mapping,
    RefusedError,
    in_turn,
    unusable_id,
)
from sla_import.ranks import by_rank
from sla_import.snapshots import ENDED, Snapshot, State, events_between
from sla_import.tables import Row, Wanted
from sla_import.times import Reading, Times

SOURCE: Final = "/servicenow/incidents"
#: As the web service and as the public log write times.
TIME_FORMS: Final = ("iso", "%d/%m/%Y %H:%M")

_WHY: Final = "which a ServiceNow incident log has"
_NUMBER: Final = "number"
_STATE: Final = "incident_state"
_OPENED: Final = "opened_at"
_UPDATED: Final = "sys_updated_at"
_PRIORITY: Final = "priority"
_AGENT: Final = "assigned_to"
_GROUP: Final = "assignment_group"
_CLIENT: Final = "location"
_HOLD: Final = "hold_reason"

_MISSING: Final = frozenset({"", "?"})
#: The numbers of priorities, the gravest first; words may follow after a dash. 5 (Planning) is none
#: that promises anything.
PRIORITIES: Final = ("1", "2", "3", "4")
#: By name and, as the web service tells them, by number.
STATES: Final[dict[str, State]] = {
    "new": "open",
    "1": "open",
    "active": "open",
    "in progress": "open",
    "2": "open",
    "on hold": "waiting_on_client",
    "3": "waiting_on_client",
    "awaiting user info": "waiting_on_client",
    "awaiting problem": "open",
    "awaiting vendor": "open",
    "awaiting evidence": "open",
    "resolved": "resolved",
    "6": "resolved",
    "closed": "closed",
    "7": "closed",
    "canceled": "cancelled",
    "cancelled": "cancelled",
    "8": "cancelled",
}
#: Why an incident is on hold, where the log says so and it is the client who is waited for.
_CLIENT_HOLDS: Final = frozenset({"awaiting caller", "1", *_MISSING})


class ServiceNow(Mapping):
    """An incident log. Priorities are severities by rank, the packaged policy's where
    ``ranked`` gives none; ``severities`` and ``states`` go before.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        forms: Sequence[str] = TIME_FORMS,
        severities: Words[str, str] | None = None,
        states: Words[str, State] | None = None,
        ranked: Sequence[str] | None = None,
    ) -> None:
        wanted = [
            Wanted(_NUMBER, _WHY),
            Wanted(_STATE, _WHY, also=("state",)),
            *(
                Wanted(name, _WHY)
                for name in (_OPENED, _UPDATED, _PRIORITY, _AGENT, _GROUP, _CLIENT)
            ),
            Wanted(_HOLD, _WHY, optional=True),
        ]
        super().__init__(wanted, _NUMBER, Times(zone, forms))
        self._severities = {**by_rank(PRIORITIES, ranked), **(severities or {})}
        self._states = {**STATES, **(states or {})}
        self._names: dict[str, str] = {}

    def events(self, ticket: str, rows: Sequence[Row]) -> list[Event]:
        """The events of an incident."""
        bad: list[Finding] = []
        told: list[tuple[tuple[Row, str | None], Reading]] = []
        for row in rows:
            updated = self._time(row, _UPDATED, bad)
            severity = self._severity(row, bad)
            self._check_names(row, bad)
            if updated is not None:
                told.append(((row, severity), updated))
        timed = in_turn(told)
        opened = self._time(timed[0][0][0], _OPENED, bad) if not bad else None
        if opened is None:
            raise RefusedError(bad)
        start = opened.choose(0)
        snapshots = []
        for (row, severity), at in timed:
            snapshots.append(self._snapshot(row, at, severity))
            if snapshots[-1].state in ENDED and at < start:
                shown = f"{_OPENED} {self.cell(row, _OPENED)!r}"
                why = f"the incident would end before it begins, at {shown}"
                raise RefusedError([Finding(row.line, _UPDATED, self.cell(row, _UPDATED), why)])
        created = {
            "client_id": self._id(self.cell(timed[0][0][0], _CLIENT)),
            "communicated_at": format_instant(start),
            "kind": "incident",
        }
        return events_between(SOURCE, ticket, snapshots, created, start)

    def _time(self, row: Row, column: str, bad: list[Finding]) -> Reading | None:
        text = self.cell(row, column)
        try:
            reading = self.times.read(text)
        except ValueError as error:
            bad.append(Finding(row.line, column, text, str(error)))
            return None
        self.log.read_as(reading, row.line, column, text)
        return reading

    def _severity(self, row: Row, bad: list[Finding]) -> str | None:
        text = self.cell(row, _PRIORITY)
        if text in _MISSING:
            return None
        for word in (text, text.partition("-")[0].strip()):
            severity = self._severities.get(word)
            if severity is not None:
                return severity
        why = f'no severity is known for it; set one, such as --severity "{text[:40]}=low"'
        bad.append(Finding(row.line, _PRIORITY, text, why))
        return None

    def _check_names(self, row: Row, bad: list[Finding]) -> None:
        for column in (_AGENT, _GROUP, _CLIENT):
            text = self.cell(row, column)
            why = unusable_id(text) if text else None
            if why:
                bad.append(Finding(row.line, column, text, why))

    def _snapshot(self, row: Row, at: int, severity: str | None) -> Snapshot:
        word = self.cell(row, _STATE)
        state = self._states.get(word.casefold())
        if state is None:
            self.log.notes[f"states {word[:40]!r}, taken as open (set another with --state)"] += 1
        elif word.casefold() in {"on hold", "3"}:
            held = self.cell(row, _HOLD).casefold() in _CLIENT_HOLDS
            state = state if held else "open"
        agent = self.cell(row, _AGENT)
        return Snapshot(
            at,
            state or "open",
            severity,
            None if agent in _MISSING else self._id(agent),
            self._id(self.cell(row, _GROUP)),
        )

    def _id(self, name: str) -> str:
        if name in _MISSING:
            return "unknown"
        made = name.lower().replace(" ", "-")
        other = self._names.setdefault(made, name)
        if other != name:
            self.log.notes[
                f"names with the same id, {made!r}: {other[:40]!r} and {name[:40]!r}"
            ] += 1
        return made
