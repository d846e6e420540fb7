"""The incidents of the BPI Challenge 2013 (Volvo IT's system VINST) turned into ticket events.

The log (DOI 10.4121/uuid:500573e6-accc-4b0c-9576-aa5468b10cee) has a row after each change of a
service request, as CSV or as XES. Waits for the user or the customer are the client's; those for a
vendor or an implementation are not. A request solved in the call that reported it is ``In Call``.
The log names no client: all requests are of one, or a column is taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from sla_domain.instant import format_instant
from sla_import.mapping import (
    Event,
    Finding,
    Mapping,
    RefusedError,
    unusable_id,
)
from sla_import.ranks import by_rank
from sla_import.snapshots import Snapshot, State, events_between
from sla_import.tables import Row, Wanted
from sla_import.times import Times

SOURCE: Final = "/vinst/incidents"
CLIENT: Final = "volvo-it"

_WHY: Final = "which the incident log of the BPI Challenge 2013 has"
_REQUEST: Final = "SR Number"
_CHANGED: Final = "Change Date+Time"
_STATUS: Final = "Status"
_SUB_STATUS: Final = "Sub Status"
_TEAM: Final = "Involved ST"
_IMPACT: Final = "SR Latest Impact"
_OWNER: Final = "Owner First Name"

#: What the attributes of the XES form are called in the CSV form.
XES_NAMES: Final = {
    "concept:name": _STATUS,
    "lifecycle:transition": _SUB_STATUS,
    "time:timestamp": _CHANGED,
    "org:group": _TEAM,
    "org:role": "Involved ST Function Div",
    "organization involved": "Involved Org line 3",
    "organization country": "Country",
    "impact": _IMPACT,
    "product": "Product",
    "resource country": "Owner Country",
    "org:resource": _OWNER,
}
XES_TRACE: Final = {"concept:name": _REQUEST}

#: The impacts, the gravest first.
IMPACTS: Final = ("major", "high", "medium", "low")
STATES: Final[dict[tuple[str, str], State]] = {
    ("accepted", "in progress"): "open",
    ("accepted", "assigned"): "open",
    ("accepted", "wait"): "open",
    ("accepted", "wait - implementation"): "open",
    ("accepted", "wait - vendor"): "open",
    ("accepted", "wait - user"): "waiting_on_client",
    ("accepted", "wait - customer"): "waiting_on_client",
    ("queued", "awaiting assignment"): "open",
    ("completed", "in call"): "resolved",
    ("completed", "resolved"): "resolved",
    ("completed", "closed"): "closed",
    ("completed", "cancelled"): "cancelled",
    ("unmatched", "unmatched"): "open",
}
#: Who owns a request when nobody does: the system itself.
_SYSTEM: Final = "siebel"


class Vinst(Mapping):
    """The incident log; ``client`` is a column of it whose values are taken for clients. Impacts
    are severities by rank, the packaged policy's where ``ranked`` gives none.
    """

    def __init__(
        self,
        client: str | None = None,
        zone: ZoneInfo | None = None,
        ranked: Sequence[str] | None = None,
    ) -> None:
        columns = [_REQUEST, _CHANGED, _STATUS, _SUB_STATUS, _TEAM, _IMPACT, _OWNER]
        wanted = [Wanted(name, _WHY) for name in columns]
        if client is not None and client not in columns:
            wanted.append(Wanted(client, "which --client names"))
        super().__init__(wanted, _REQUEST, Times(zone or ZoneInfo("UTC"), ["iso"]))
        self._client = client
        self._severities = by_rank(IMPACTS, ranked)

    def events(self, ticket: str, rows: Sequence[Row]) -> list[Event]:
        """The events of a request."""
        bad: list[Finding] = []
        snapshots: list[Snapshot] = []
        for row in rows:
            snapshot = self._snapshot(row, bad)
            if snapshot is not None:
                snapshots.append(snapshot)
        client = CLIENT if self._client is None else self.cell(rows[0], self._client)
        why = unusable_id(client)
        if why:
            bad.append(Finding(rows[0].line, str(self._client), client, why))
        if bad:
            raise RefusedError(bad)
        snapshots.sort(key=lambda snapshot: snapshot.at)
        created = {
            "client_id": client,
            "communicated_at": format_instant(snapshots[0].at),
            "kind": "incident",
        }
        return events_between(SOURCE, ticket, snapshots, created, snapshots[0].at)

    def _snapshot(self, row: Row, bad: list[Finding]) -> Snapshot | None:
        known = len(bad)
        status, sub_status = self.cell(row, _STATUS), self.cell(row, _SUB_STATUS)
        state = STATES.get((status.casefold(), sub_status.casefold()))
        if state is None:
            why = f"with {_STATUS} {status[:40]!r}, it is not one of the states of this log"
            bad.append(Finding(row.line, _SUB_STATUS, sub_status, why))
        impact = self.cell(row, _IMPACT)
        if impact and impact.casefold() not in IMPACTS:
            why = f"it is not one of {', '.join(IMPACTS)}"
            bad.append(Finding(row.line, _IMPACT, impact, why))
        owner, team = self.cell(row, _OWNER), self.cell(row, _TEAM)
        for column, name in ((_OWNER, owner), (_TEAM, team)):
            reason = unusable_id(name) if name else None
            if reason:
                bad.append(Finding(row.line, column, name, reason))
        changed = self.cell(row, _CHANGED)
        try:
            reading = self.times.read(changed)
        except ValueError as error:
            bad.append(Finding(row.line, _CHANGED, changed, str(error)))
        if state is None or len(bad) > known:
            return None
        self.log.read_as(reading, row.line, _CHANGED, changed)
        accepted = status.casefold() == "accepted" and owner and owner.casefold() != _SYSTEM
        return Snapshot(
            reading.instants[0],
            state,
            self._severities.get(impact.casefold()),
            owner if accepted else None,
            team or None,
        )
