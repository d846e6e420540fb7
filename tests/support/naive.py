"""A second, naive implementation of the default policy's rules, for tests to compare with.

It shares no code with what it checks: it reads raw events, represents a ticket's life as an array
with one cell per minute, and counts cells. It is exact for events on whole minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

Minutes = np.ndarray[Any, np.dtype[np.bool_]]

EPOCH = datetime(2015, 12, 28, tzinfo=UTC)  # a Monday, before all events of the tests
HOUR = 60

#: By severity: (first response, resolution), each (minutes, exclusive, calendar).
TARGETS = {
    "blocker": ((1 * HOUR, True, "all"), (6 * HOUR, False, "all")),
    "high": ((2 * HOUR, True, "business"), (8 * HOUR, False, "business")),
    "medium": ((4 * HOUR, True, "business"), (45 * HOUR, False, "business")),
    "low": ((4 * HOUR, True, "business"), (45 * HOUR, False, "business")),
}
GUARD = (16 * HOUR, False, "all")
TABLE = {
    ("total_outage", "all_clients"): "blocker",
    ("minor_fault", "one_client"): "medium",
    ("minor_fault", None): None,
}
RANK = [
    "created",
    "attributes_changed",
    "reopened",
    "reclassified",
    "severity_changed",
    "queued",
    "assigned",
    "guard_contacted",
    "contact_logged",
    "replied",
    "milestone_reached",
    "waiting",
    "client_responded",
    "resolved",
    "cancelled",
    "feature_subscribed",
    "feature_approved",
]


class World:
    """Which minutes from ``EPOCH`` on are open, for a number of days."""

    def __init__(self, days: int) -> None:
        zone = ZoneInfo("America/Argentina/Buenos_Aires")
        business = np.zeros(days * 24 * HOUR, dtype=bool)
        for hour in range(days * 24):
            local = (EPOCH + timedelta(hours=hour)).astimezone(zone)
            if local.weekday() < 5 and 9 <= local.hour < 18:
                business[hour * HOUR : (hour + 1) * HOUR] = True
        self.open: dict[str, Minutes] = {"business": business, "all": np.ones_like(business)}


def minute_of(text: str) -> int:
    """The cell of an RFC 3339 time on a whole minute."""
    return int((datetime.fromisoformat(text) - EPOCH) / timedelta(minutes=1))


def figures_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The clocks of a ticket's record as ``Ticket.figures`` tells them."""
    return [
        {
            "clock": clock["clock"],
            "cycle": clock["cycle"],
            "severity": clock["severity"],
            "outcome": clock["outcome"],
            "due": None if clock["due"] is None else minute_of(clock["due"]),
            "used": _minutes(clock["used_ms"]),
            "paused": _minutes(clock["paused_ms"]),
        }
        for clock in record["clocks"]
    ]


def _minutes(ms: int | None) -> float | None:
    return None if ms is None else ms / 60_000


def severity_of(data: dict[str, Any]) -> str | None:
    """The severity that an event states or implies."""
    if "severity" in data:
        named = {"Blocker": "blocker", "Alto": "high", "Medio": "medium", "Bajo": "low"}
        return named.get(data["severity"], data["severity"])
    impact, scope = data.get("impact"), data.get("scope")
    if impact is None:
        return None
    if (impact, scope) in TABLE:
        return TABLE[impact, scope]
    return "low" if impact == "question" else "high"


def timeline_of(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The distinct events of one ticket, in order."""
    distinct: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        distinct.setdefault((event["source"], event["id"]), event)
    by_minute: dict[int, list[dict[str, Any]]] = {}
    for event in distinct.values():
        by_minute.setdefault(minute_of(event["time"]), []).append(event)

    def rank(event: dict[str, Any]) -> tuple[Any, ...]:
        word = event["type"][7:].removesuffix("_on_client")
        return RANK.index(word), event["source"], event["id"]

    ordered = []
    for minute in sorted(by_minute):
        group = by_minute[minute]
        sequenced = all("sequence" in event for event in group)
        if sequenced and len({event["source"] for event in group}) == 1:
            group.sort(key=lambda event: (event["sequence"], *rank(event)))
        else:
            group.sort(key=rank)
        ordered += group
    return ordered


class Ticket:
    """Applies a timeline and records when the clocks ran, paused and stopped."""

    def __init__(self, events: Iterable[dict[str, Any]], world: World) -> None:
        self.world = world
        timeline = timeline_of(events)
        created = next(event for event in timeline if event["type"] == "ticket.created")
        self.facts = created.get("data", {})
        told = self.facts.get("communicated_at", created["time"])
        self.start = minute_of(told)
        others = [event for event in timeline if event["type"] != "ticket.created"]
        kinds = [event["type"] for event in others]
        if "ticket.cancelled" in kinds:
            others = others[: kinds.index("ticket.cancelled") + 1]
        self.kind = self.facts.get("kind", "incident")
        self.severity = severity_of(self.facts) or self._default()
        known = [
            severity_of(event.get("data", {}))
            for event in others
            if event["type"] in ("ticket.severity_changed", "ticket.reclassified")
        ]
        self.first_severity = next((each for each in [self.severity, *known] if each), None)
        ever = self.kind != "feature_request" or any(
            event["type"] == "ticket.reclassified" and event["data"]["kind"] != "feature_request"
            for event in others
        )
        self.clocks: list[dict[str, Any]] = []
        self.waiting = self.resolved = False
        self.cancelled: int | None = None
        self.keeps_decided = False
        self.ever = bool(ever and self.first_severity)
        if self.ever:
            for name in self._at_once():
                self._begin(name, 1, self.start)
        for event in others:
            getattr(self, "_" + event["type"][7:])(event, minute_of(event["time"]))

    def _at_once(self) -> Iterable[str]:
        """The clocks that start with the communication."""
        return "first_response", "resolution"

    def _default(self) -> str | None:
        """By which severity it is judged while none is known."""
        return None

    def _begin(self, name: str, cycle: int, start: int) -> None:
        self.clocks.append(
            {
                "clock": name,
                "cycle": cycle,
                "start": start,
                "stop": None,
                "pauses": [],
                "contact": None,
                "severity": self.severity or self.first_severity,
            }
        )

    def _running(self, name: str | None = None) -> list[dict[str, Any]]:
        return [c for c in self.clocks if c["stop"] is None and name in (None, c["clock"])]

    def _tell(self, event: dict[str, Any]) -> None:
        severity = severity_of(event["data"])
        if severity:
            self.severity = severity
            for clock in self._running():
                clock["severity"] = severity

    def _stop(self, name: str, at: int) -> None:
        for clock in self._running(name):
            self._resume(at)
            clock["stop"] = at

    def _resume(self, at: int) -> None:
        for clock in self._running("resolution"):
            if clock["pauses"] and clock["pauses"][-1][1] is None:
                clock["pauses"][-1][1] = at

    def _end_wait(self, at: int) -> None:
        if self.waiting:
            self.waiting = False
            self._resume(at)

    def _severity_changed(self, event: dict[str, Any], at: int) -> None:
        self._tell(event)

    def _reclassified(self, event: dict[str, Any], at: int) -> None:
        self.kind = event["data"]["kind"]
        self._tell(event)

    def _assigned(self, event: dict[str, Any], at: int) -> None:
        self._end_wait(at)
        self._stop("first_response", at)

    def _waiting_on_client(self, event: dict[str, Any], at: int) -> None:
        if not self.waiting and not self.resolved:
            self.waiting = True
            party = event.get("data", {}).get("party", "client")
            for clock in self._running("resolution"):
                clock["pauses"].append([at, None, party])

    def _client_responded(self, event: dict[str, Any], at: int) -> None:
        self._end_wait(at)

    def _resolved(self, event: dict[str, Any], at: int) -> None:
        if not self.resolved:
            self._end_wait(at)
            self._stop("first_response", at)
            self._stop("resolution", at)
            self.resolved = True

    def _reopened(self, event: dict[str, Any], at: int) -> None:
        self._end_wait(at)
        if self.resolved:
            self.resolved = False
            cycles = [c["cycle"] for c in self.clocks if c["clock"] == "resolution"]
            if cycles:
                self._begin("resolution", max(cycles) + 1, at)

    def _guard_contacted(self, event: dict[str, Any], at: int) -> None:
        covered = self.facts.get("plan") == "integrations_24x7" and (
            self.facts.get("integration", {}).get("built_by") == "aivo"
        )
        if covered and not self.world.open["business"][at]:
            for clock in self._running("resolution"):
                if clock["contact"] is None and at >= clock["start"]:
                    clock["contact"] = at

    def _cancelled(self, event: dict[str, Any], at: int) -> None:
        self.cancelled = at
        self.keeps_decided = event.get("data", {}).get("reason") in ("deleted", "merged")

    def _contact_logged(self, event: dict[str, Any], at: int) -> None:
        pass

    _feature_subscribed = _feature_approved = _contact_logged

    # --- counting cells ---

    def figures(self, now: int) -> list[dict[str, Any]]:
        """Each clock as in the ticket's row at ``now``, in minutes."""
        return [self._figures(clock, now) for clock in self.clocks]

    def _figures(self, clock: dict[str, Any], now: int) -> dict[str, Any]:
        counted = [self._count(clock, start, target, now) for start, target in self._limits(clock)]
        breached = any(each["broken"] for each in counted)
        decided = clock["stop"] is not None or breached
        undone = self.cancelled is not None and not (self.keeps_decided and decided)
        void = undone or self.kind == "feature_request"
        paused = bool(clock["pauses"]) and clock["pauses"][-1][1] is None
        if void:
            outcome = "void"
        elif breached:
            outcome = "breached"
        elif clock["stop"] is not None:
            outcome = "met"
        else:
            outcome = "paused" if paused else "running"
        shown = counted[0]
        if outcome in ("paused", "void"):
            due = None
        else:
            dues = [each["due"] for each in counted if each["due"] is not None]
            due = min(dues, default=None)
            shown = next((each for each in counted if each["due"] == due), shown)
        unknown = self.kind == "feature_request"
        return {
            "clock": clock["clock"],
            "cycle": clock["cycle"],
            "severity": clock["severity"],
            "outcome": outcome,
            "due": due,
            "used": None if unknown else shown["used"],
            "paused": None if unknown else shown["paused"],
        }

    def _limits(self, clock: dict[str, Any]) -> list[tuple[int, tuple[int, bool, str]]]:
        """From when each of its limits counts, and how much it is."""
        which = 0 if clock["clock"] == "first_response" else 1
        limits = [(clock["start"], TARGETS[clock["severity"]][which])]
        if clock["contact"] is not None and clock["severity"] == "high":
            limits.append((clock["contact"], GUARD))
        return limits

    def _count(
        self, clock: dict[str, Any], start: int, target: tuple[int, bool, str], now: int
    ) -> dict[str, Any]:
        within, less_than, calendar = target
        open_ = self.world.open[calendar]
        end = now if clock["stop"] is None else min(now, clock["stop"])
        if self.cancelled is not None:
            end = min(end, self.cancelled)
        lived, paused = self._cells(clock, open_, start, max(start, end))
        used = int(lived.sum())
        return {
            "used": used,
            "paused": int(paused.sum()),
            "broken": used >= within if less_than else used > within,
            "due": self._due(clock, open_, start, within),
        }

    def _cells(
        self, clock: dict[str, Any], open_: Minutes, start: int, end: int
    ) -> tuple[Minutes, Minutes]:
        """The open minutes of ``[start, end)`` that were used, and those that were paused."""
        waited = np.zeros(end - start, dtype=bool)
        for begin, close, _ in clock["pauses"]:
            last = end if close is None else close
            waited[max(begin - start, 0) : max(last - start, 0)] = True
        cells = open_[start:end]
        return cells & ~waited, cells & waited

    def _due(self, clock: dict[str, Any], open_: Minutes, start: int, within: int) -> int | None:
        """The end of the minute that uses up the target, assuming no further pauses."""
        days = 10
        while True:
            end = min(start + days * 24 * HOUR, len(open_))
            used, _ = self._cells(clock, open_, start, end)
            minutes = np.flatnonzero(used)
            if len(minutes) >= within:
                return start + int(minutes[within - 1]) + 1
            if end == len(open_):
                return None
            days *= 4
