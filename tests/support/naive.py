"""A second, naive implementation of the default policy's rules, for tests to compare with.

It shares no code with what it checks: it reads raw events, represents a ticket's life as an array
with one cell per minute, and counts cells. It is exact for events on whole minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

Minutes = np.ndarray[Any, np.dtype[np.bool_]]

EPOCH = datetime(2015, 12, 28, tzinfo=UTC)  # a Monday, before all events of the tests
HOUR = 60
#: After all that happens: where a span has no end.
FOREVER = 10**9
#: Milliseconds of a minute.
MS = 60_000
#: Whose pause an exception for a span of time is.
AGREED = "agreed"

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
    "absorbed",
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
    "exception_granted",
    "exception_withdrawn",
    "cancelled",
    "feature_subscribed",
    "feature_approved",
]


class Limit(NamedTuple):
    """How many minutes of a calendar a clock may use from ``start`` on, or less than so many."""

    start: int
    within: int
    less_than: bool
    calendar: str

    @property
    def breaks_at(self) -> int:
        """How many used milliseconds are too many."""
        return self.within * MS + (not self.less_than)

    def breaks(self, used: int) -> bool:
        """Whether so many minutes are too many."""
        return used * MS >= self.breaks_at


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
            "start": minute_of(clock["start"]),
            "counted_from": minute_of(clock["counted_from"]),
            "due": None if clock["due"] is None else minute_of(clock["due"]),
            "breaks": None if clock["breaches_at"] is None else _instant(clock["breaches_at"]),
            "used": _minutes(clock["used_ms"]),
            "paused": _minutes(clock["paused_ms"]),
            "paused_by": {party: _minutes(ms) for party, ms in clock["paused_by"].items() if ms},
        }
        for clock in record["clocks"]
    ]


def _instant(text: str) -> int:
    """Milliseconds from ``EPOCH`` to an RFC 3339 time."""
    return int((datetime.fromisoformat(text) - EPOCH) / timedelta(milliseconds=1))


def _minutes(ms: int | None) -> float | None:
    return None if ms is None else ms / MS


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
        others = [event for event in timeline if event["type"] != "ticket.created"]
        kinds = [event["type"] for event in others]
        if "ticket.cancelled" in kinds:
            others = others[: kinds.index("ticket.cancelled") + 1]
        told = self.facts.get("communicated_at", created["time"])
        self.start = self._communicated(minute_of(told), others)
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

    def _communicated(self, told: int, others: list[dict[str, Any]]) -> int:
        """From when the clocks count that start with the communication."""
        return told

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
                # Spans of time that an exception takes out, and whether one excuses it altogether.
                "agreed": [],
                "excused": False,
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
    _absorbed = _exception_granted = _exception_withdrawn = _contact_logged

    # --- counting cells ---

    def figures(self, now: int) -> list[dict[str, Any]]:
        """Each clock as in the ticket's row at ``now``, in minutes."""
        return [self._figures(clock, now) for clock in self.clocks]

    def _figures(self, clock: dict[str, Any], now: int) -> dict[str, Any]:
        outcome = self.outcome(clock, now)
        undue = outcome in ("paused", "void", "excused")
        limits = self.limits(clock)
        dues = [None if undue else self._due(clock, limit) for limit in limits]
        due = min((each for each in dues if each is not None), default=None)
        shown = limits[0] if due is None else limits[dues.index(due)]
        end = self.end(clock, now)
        over = None if undue else self.broken_first(clock)
        if over is not None:
            shown, due = over.limit, self._due(clock, over.limit)
            end = min(end, over.until)
        unknown = self.kind == "feature_request"
        paused_by = {} if unknown else self._paused_by(clock, shown, end)
        return {
            "clock": clock["clock"],
            "cycle": clock["cycle"],
            "severity": clock["severity"],
            "outcome": outcome,
            "start": clock["start"],
            "counted_from": shown.start,
            "due": due,
            "breaks": None if undue else self._breaks(clock),
            "used": None if unknown else self.used(clock, shown, end),
            "paused": None if unknown else sum(paused_by.values()),
            "paused_by": paused_by,
        }

    def broken_first(self, clock: dict[str, Any]) -> Any:
        """The limit that decided before it ended, if any did."""

    def outcome(self, clock: dict[str, Any], now: int) -> str:
        """What has become of a clock by ``now``."""
        if self.is_void(clock, now):
            return "void"
        if clock["excused"]:
            return "excused"
        if self.broken(clock, now):
            return "breached"
        if clock["stop"] is not None:
            return "met"
        paused = bool(clock["pauses"]) and clock["pauses"][-1][1] is None
        # One that ends is taken into account by the due time.
        agreed = any(begin <= now and end == FOREVER for begin, end in clock["agreed"])
        return "paused" if paused or (agreed and clock["start"] <= now) else "running"

    def is_void(self, clock: dict[str, Any], now: int) -> bool:
        """Whether nothing is owed by it: it is none of ours, or undone before it was decided."""
        if self.kind == "feature_request":
            return True
        if self.cancelled is None or (self.keeps_decided and clock["stop"] is not None):
            return False
        return not (self.keeps_decided and self.broken(clock, now))

    def broken(self, clock: dict[str, Any], now: int) -> bool:
        """Whether too much has been used by ``now`` under one of its limits."""
        end = self.end(clock, now)
        return not clock["excused"] and any(
            limit.breaks(self.used(clock, limit, end)) for limit in self.limits(clock)
        )

    def limits(self, clock: dict[str, Any]) -> list[Limit]:
        """What it has to keep to."""
        which = 0 if clock["clock"] == "first_response" else 1
        limits = [Limit(clock["start"], *TARGETS[clock["severity"]][which])]
        if clock["contact"] is not None and clock["severity"] == "high":
            limits.append(Limit(clock["contact"], *GUARD))
        return limits

    def end(self, clock: dict[str, Any], now: int) -> int:
        """Until when it counts, as seen at ``now``."""
        ends = [each for each in (clock["stop"], self.cancelled) if each is not None]
        return min([now, *ends])

    def used(self, clock: dict[str, Any], limit: Limit, end: int) -> int:
        """How many minutes of a limit are used by ``end``."""
        return int(self.lived(clock, limit, end).sum())

    def lived(self, clock: dict[str, Any], limit: Limit, end: int) -> Minutes:
        """The minutes from the limit's start to ``end`` that were used."""
        end = max(limit.start, end)
        cells = self.world.open[limit.calendar][limit.start : end] & ~_own(clock, limit.start, end)
        return cells & ~_agreed(clock, limit.start, end) if clock["agreed"] else cells

    def _paused_by(self, clock: dict[str, Any], limit: Limit, end: int) -> dict[str, int]:
        """How many minutes were paused by ``end``, by party; those of nobody are left out."""
        end = max(limit.start, end)
        open_ = self.world.open[limit.calendar]
        found: dict[str, int] = {}
        for begin, close, party in clock["pauses"]:
            last = end if close is None else min(close, end)
            paused = int(open_[max(begin, limit.start) : max(last, limit.start)].sum())
            found[party] = found.get(party, 0) + paused
        if clock["agreed"]:
            agreed = _agreed(clock, limit.start, end) & ~_own(clock, limit.start, end)
            found[AGREED] = int((open_[limit.start : end] & agreed).sum())
        return {party: minutes for party, minutes in found.items() if minutes}

    def _due(self, clock: dict[str, Any], limit: Limit) -> int | None:
        """The end of the minute that uses up the target, assuming no further pauses."""
        at = self._reached(clock, limit, limit.within * MS)
        return None if at is None else at // MS

    def _breaks(self, clock: dict[str, Any]) -> int | None:
        """When it is broken under the first limit that breaks, in milliseconds."""
        stop = clock["stop"]
        ats = [self._reached(clock, limit, limit.breaks_at) for limit in self.limits(clock)]
        before = [at for at in ats if at is not None and (stop is None or at <= stop * MS)]
        return min(before, default=None)

    def _reached(self, clock: dict[str, Any], limit: Limit, amount: int) -> int | None:
        """When so many milliseconds are used, assuming no further pauses; stopped or not."""
        days, last = 10, len(self.world.open[limit.calendar])
        while True:
            end = min(limit.start + days * 24 * HOUR, last)
            at = instant(limit, np.flatnonzero(self.lived(clock, limit, end)), amount)
            if at is not None or end == last:
                return at
            days *= 4


def instant(limit: Limit, minutes: np.ndarray[Any, Any], amount: int) -> int | None:
    """When ``amount`` milliseconds are used, if ``minutes`` from its start are those used."""
    whole, rest = divmod(amount, MS)
    cell = whole - 1 + (rest > 0)
    if cell >= len(minutes):
        return None
    return (limit.start + int(minutes[cell])) * MS + (rest or MS)


def _own(clock: dict[str, Any], start: int, end: int) -> Minutes:
    """The minutes of the pauses of its own."""
    return _covered(((b, end if c is None else c) for b, c, _ in clock["pauses"]), start, end)


def _agreed(clock: dict[str, Any], start: int, end: int) -> Minutes:
    """The minutes that exceptions take out, but for those after its stop."""
    stop = end if clock["stop"] is None else clock["stop"]
    return _covered(((begin, min(until, stop)) for begin, until in clock["agreed"]), start, end)


def _covered(spans: Iterable[tuple[int, int]], start: int, end: int) -> Minutes:
    """Which minutes of ``[start, end)`` lie in one of the spans."""
    found = np.zeros(end - start, dtype=bool)
    for begin, close in spans:
        found[max(begin - start, 0) : max(close - start, 0)] = True
    return found
