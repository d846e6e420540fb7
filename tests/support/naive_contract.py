"""Drawn contracts, and the rules of any contract a second time, as naive as ``naive`` is.

A contract is a plain dictionary here: this module writes it as a policy file and, sharing no code
with what reads that, says what it means minute by minute.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from support.naive import HOUR, Ticket
from support.naive_calendar import Calendars, DrawnWorld, drawn_calendars, written_calendars

REGIONS = ("north", "south", "west")
PLANS = ("gold", "silver", "basic")
CLIENTS = ("acme", "umbrella", "initech")
KINDS = ("incident", "question")
CLOSINGS = ("end of business day", "next business day")
_HEAD = """\
name = "drawn"
version = "1"
effective_from = "2015-01-01T00:00:00Z"
retention = "9000d"
business_calendar = "business"
"""
#: What moves the clocks of the contracts drawn most often.
USUAL = {
    "first_response": {"stops": ["assigned", "resolved"]},
    "resolution": {
        "stops": ["resolved"],
        "pauses": ["waiting_on_client"],
        "resumes": ["client_responded", "assigned", "reopened", "resolved"],
        "on_reopen": "new_cycle",
    },
}

Contract = dict[str, Any]


def drawn(draw: random.Random) -> Contract:
    """A contract: severities, a default perhaps, targets, and agreements."""
    calendars = drawn_calendars(draw)
    clocks = _clocks(draw)
    severities = [f"s{number}" for number in range(draw.randint(1, 6))]
    names = [f"a{number}" for number in range(draw.randint(0, 3))]
    agreements = []
    for place, name in enumerate(names):
        when: dict[str, list[str]] = {}
        for fact, values in (("region", REGIONS), ("plan", PLANS), ("client", CLIENTS),
                             ("kind", KINDS), ("severity", severities)):  # fmt: skip
            if draw.random() < 0.35:
                when[fact] = draw.sample(values, draw.randint(1, len(values)))
        extends = draw.choice([None, "standard", *names[:place]])
        agreements.append(
            {
                "name": name,
                "when": when or {"plan": ["gold"]},
                "extends": extends,
                "targets": _targets(
                    draw, severities, [*clocks], calendars, few=extends is not None
                ),
            }
        )
    return {
        "clocks": clocks,
        "severities": severities,
        "default": draw.choice([None, None, draw.choice(severities)]),
        "standard": _targets(draw, severities, [*clocks], calendars, few=False),
        "agreements": agreements,
        "calendars": calendars,
        "steps": _steps(draw),
    }


def _targets(
    draw: random.Random, severities: list[str], names: list[str], calendars: Calendars, *, few: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for severity in severities:
        if few and draw.random() < 0.5:
            continue
        if draw.random() < 0.1:
            found[severity] = None
            continue
        clocks = [clock for clock in names if draw.random() < 0.85]
        found[severity] = {clock: _target(draw, calendars) for clock in clocks} or None
    return found


def _clocks(draw: random.Random) -> dict[str, Any]:
    """What moves each clock: the usual two, or some that go by replies, waits and milestones."""
    if draw.random() < 0.4:
        return USUAL
    pauses = draw.choice(
        [
            ["waiting_on_client"],
            ["waiting:client"],
            ["waiting"],
            ["waiting:client", "waiting:supplier"],
        ]
    )
    more = ["assigned", "reopened", "resolved", "replied", "queued:level2"]
    resumes = ["client_responded", *draw.sample(more, draw.randint(0, 3))]
    found: dict[str, Any] = {
        "first_response": {
            "stops": draw.choice(
                [["assigned", "resolved"], ["replied:answer", "resolved"], ["replied", "resolved"]]
            )
        },
        "resolution": {
            "stops": ["resolved"],
            "pauses": pauses,
            "resumes": resumes,
            "on_reopen": draw.choice(["new_cycle", "continue", "nothing"]),
        },
    }
    if draw.random() < 0.6:
        found["next_response"] = {
            "starts": draw.choice([["client_responded"], ["client_responded", "reopened"]]),
            "stops": ["replied", "resolved"],
        }
    if draw.random() < 0.6:
        found["update"] = {
            "starts": ["replied"],
            "stops": draw.choice([["replied", "resolved"], ["replied:update", "resolved"]]),
            "repeat": True,
            "pauses": pauses,
            "resumes": resumes,
        }
    if draw.random() < 0.3:
        found["workaround"] = {
            "stops": ["milestone:workaround", "resolved"],
            "pauses": ["waiting:client"],
            "resumes": ["client_responded", "milestone:plan"],
            "on_reopen": draw.choice(["continue", "nothing"]),
        }
    return found


def _written_clocks(clocks: dict[str, Any]) -> list[str]:
    lines = []
    for name, rule in clocks.items():
        starts = rule.get("starts", "communicated")
        lines += [f"[clocks.{name}]", f"starts = {starts!r}"]
        lines += [f"{key} = {rule[key]!r}" for key in ("stops", "pauses", "resumes") if key in rule]
        lines += ["repeat = true"] if rule.get("repeat") else []
        lines += [f'on_reopen = "{rule["on_reopen"]}"'] if "on_reopen" in rule else []
    return lines


def _target(draw: random.Random, calendars: Calendars) -> dict[str, Any]:
    names = [name for name in calendars if name != "all" or draw.random() < 0.7]
    calendar: Any = draw.choice(names)
    if draw.random() < 0.2:
        values = draw.sample(REGIONS, draw.randint(1, 2))
        calendar = {each: draw.choice(names) for each in values} | {"else": draw.choice(names)}
    counted = calendar.values() if isinstance(calendar, dict) else [calendar]
    days = all("day" in calendars[name] for name in counted)

    def amount() -> Any:
        if draw.random() < 0.2:
            return draw.choice(CLOSINGS)
        if days and draw.random() < 0.15:
            return draw.choice(["1 business day", "0.5 business days", "2.5 business days"])
        return draw.choice([15, 30, 60, 240, 480, 960])

    within = amount()
    if draw.random() < 0.2:
        of = draw.choice([name for name in calendars if name != "all"])
        within = {"inside": amount(), "outside": amount(), "of": of}
    own = _steps(draw) if draw.random() < 0.3 else None
    return {
        "within": within,
        "less_than": draw.random() < 0.5,
        "calendar": calendar,
        "steps": own,
    }


def _steps(draw: random.Random) -> list[tuple[Any, ...]]:
    """Warnings by share, one before the end, one past it, and some that repeat."""
    found: list[tuple[Any, ...]] = [
        ("share", share) for share in (25, 50, 75) if draw.random() < 0.4
    ]
    if draw.random() < 0.4:
        found.append(("before", 3))
    if draw.random() < 0.5:
        found.append(("past", draw.choice([1, 10, 60]), 1, draw.choice(["lead", "manager"])))
    if draw.random() < 0.3:
        found.append(("every", draw.choice([7, 30, 120]), draw.randint(1, 3), "manager"))
    return found


def steps_of(promise: dict[str, Any], contract: Contract) -> list[tuple[Any, ...]]:
    """The steps of a target: its own, or the contract's."""
    steps: list[tuple[Any, ...]] = (
        contract["steps"] if promise["steps"] is None else promise["steps"]
    )
    return steps


def _written_steps(steps: list[tuple[Any, ...]]) -> str:
    lines = []
    for kind, *told in steps:
        if kind == "share":
            lines.append(f'{{ at = "{told[0]}%" }}')
        elif kind == "before":
            lines.append(f'{{ at = "-{told[0]}m" }}')
        elif kind == "past":
            lines.append(f'{{ at = "+{told[0]}m", name = "{told[2]}" }}')
        else:
            lines.append(f'{{ every = "{told[0]}m", times = {told[1]}, name = "{told[2]}" }}')
    return f"[{', '.join(lines)}]"


def _written_target(promise: dict[str, Any]) -> str:
    def amount(within: Any) -> str:
        return f'"{within}m"' if isinstance(within, int) else f'"{within}"'

    within, calendar = promise["within"], promise["calendar"]
    parts = [f'boundary = "{"exclusive" if promise["less_than"] else "inclusive"}"']
    if isinstance(within, dict):
        inner = ", ".join(f"{key} = {amount(within[key])}" for key in ("inside", "outside"))
        parts.append(f'within = {{ {inner}, of = "{within["of"]}" }}')
    else:
        parts.append(f"within = {amount(within)}")
    if isinstance(calendar, dict):
        inner = ", ".join(f'{value} = "{name}"' for value, name in calendar.items())
        parts.append(f'calendar = {{ by = "region", {inner} }}')
    else:
        parts.append(f'calendar = "{calendar}"')
    if promise["steps"] is not None:
        parts.append(f"steps = {_written_steps(promise['steps'])}")
    return f"{{ {', '.join(parts)} }}"


def written(contract: Contract) -> str:
    """The contract as a policy file."""
    lines = [_HEAD]
    if contract["default"]:
        lines.insert(0, f'default_severity = "{contract["default"]}"')
    lines.insert(0, f"steps = {_written_steps(contract['steps'])}")
    lines += written_calendars(contract["calendars"])
    lines += _written_clocks(contract["clocks"])
    lines.append("[severities]")
    lines += [f'{severity} = "Severity {severity}"' for severity in contract["severities"]]
    lines += _table("targets", contract["standard"])
    for each in contract["agreements"]:
        when = ", ".join(f"{fact} = {values!r}" for fact, values in each["when"].items())
        lines += ["[[agreements]]", f'name = "{each["name"]}"', f"when = {{ {when} }}"]
        if each["extends"]:
            lines.append(f'extends = "{each["extends"]}"')
        lines += _table("agreements.targets", each["targets"])
    return "\n".join(lines) + "\n"


def _table(path: str, targets: dict[str, Any]) -> list[str]:
    lines = [f"[{path}]"]
    for severity, clocks in targets.items():
        if clocks is None:
            lines.append(f'{severity} = "none"')
            continue
        inner = ", ".join(
            f"{clock} = {_written_target(promise)}" for clock, promise in clocks.items()
        )
        lines.append(f"{severity} = {{ {inner} }}")
    return lines


def promise_of(contract: Contract, name: str, severity: str, clock: str) -> Any:
    """The target under an agreement, those it extends included; ``None`` for none."""
    while True:
        if name == "standard":
            return (contract["standard"].get(severity) or {}).get(clock)
        (own,) = [each for each in contract["agreements"] if each["name"] == name]
        if severity in own["targets"]:
            if own["targets"][severity] is None:
                return None
            if clock in own["targets"][severity]:
                return own["targets"][severity][clock]
        if own["extends"] is None:
            return None
        name = own["extends"]


def _any_means(selectors: list[str], event: dict[str, Any]) -> bool:
    """Whether some selector means the event."""
    type_, data = event["type"].removeprefix("ticket."), event["data"]
    for selector in selectors:
        name, _, word = selector.partition(":")
        if name in ("waiting", "waiting_on_client"):
            if type_ not in ("waiting", "waiting_on_client"):
                continue
            party = data.get("party", "client")
            if name == "waiting_on_client":
                found = type_ == name or party == "client"
            else:
                found = word in ("", party)
        elif name == "milestone":
            found = type_ == "milestone_reached" and data["name"] == word
        else:
            said = data.get("kind", "answer") if name == "replied" else data.get("group")
            found = type_ == name and word in ("", said)
        if found:
            return True
    return False


def _party(wait: dict[str, Any] | None) -> str | None:
    return None if wait is None else wait["data"].get("party", "client")


class ContractTicket(Ticket):
    """A ticket judged by a drawn contract."""

    world: DrawnWorld

    def __init__(
        self, events: Iterable[dict[str, Any]], world: DrawnWorld, contract: Contract
    ) -> None:
        self.contract = contract
        events = list(events)
        created = next(event for event in events if event["type"] == "ticket.created")
        data = created["data"]
        self.known = {
            "client": data["client_id"],
            "plan": data.get("plan"),
            **{f"@{name}": value for name, value in data.get("attributes", {}).items()},
        }
        #: What began the wait that lasts, and which clocks' ends of it are still to come.
        self.wait: dict[str, Any] | None = None
        self.awaited: list[list[str]] = []
        self.repeated: set[str] = set()
        self.continued: list[dict[str, Any]] = []
        super().__init__(events, world)

    def _at_once(self) -> list[str]:
        return [name for name, rule in self.contract["clocks"].items() if "starts" not in rule]

    def _begin(self, name: str, cycle: int, start: int) -> None:
        super()._begin(name, cycle, start)
        self.clocks[-1] |= {"agreement": self._agreement(), "region": self.known.get("@region")}

    def _default(self) -> str | None:
        default: str | None = self.contract["default"]
        return default

    def _agreement(self) -> str | None:
        known = {**self.known, "kind": self.kind, "severity": self.severity or self.first_severity}
        for each in self.contract["agreements"]:
            if all(
                known.get("@" + fact if fact == "region" else fact) in values
                for fact, values in each["when"].items()
            ):
                return str(each["name"])
        return "standard"

    def _tell(self, event: dict[str, Any]) -> None:
        super()._tell(event)
        self._move()

    def _moved(self, event: dict[str, Any], at: int) -> None:
        """Whatever is no change of what the promise follows from."""
        if event["type"] == "ticket.reopened":
            for clock in self.continued:
                clock["pauses"].append([clock["stop"], at, "nobody"])
                clock["stop"] = None
            self.continued = []
        stopped, again = [], []
        for name, rule in self.contract["clocks"].items():
            last = self._last(name)
            if last is None:
                continue
            if last["stop"] is None:
                if self._ran(last, rule, event, at):
                    stopped.append(name)
            elif rule.get("on_reopen") == "new_cycle" and event["type"] == "ticket.reopened":
                again.append((name, last["cycle"] + 1))
        for name, cycle in again:
            self._begin(name, cycle, at)
        self._course(event)
        if self.ever:
            self._later(event, at, stopped)

    _assigned = _waiting = _waiting_on_client = _client_responded = _moved
    _resolved = _reopened = _replied = _milestone_reached = _queued = _moved

    def _last(self, name: str) -> dict[str, Any] | None:
        cycles = [clock for clock in self.clocks if clock["clock"] == name]
        return cycles[-1] if cycles else None

    def _ran(
        self, clock: dict[str, Any], rule: dict[str, Any], event: dict[str, Any], at: int
    ) -> bool:
        """Stop, pause or resume a running clock; whether it has stopped."""
        pauses = clock["pauses"]
        paused = bool(pauses) and pauses[-1][1] is None
        if _any_means(rule["stops"], event):
            if paused:
                pauses[-1][1] = at
            clock["stop"] = at
            if rule.get("repeat"):
                self.repeated.add(clock["clock"])
            if rule.get("on_reopen") == "continue" and event["type"] == "ticket.resolved":
                self.continued.append(clock)
            return True
        if paused:
            other = event["type"] == "ticket.waiting" and event["data"]["party"] != pauses[-1][2]
            if _any_means(rule["resumes"], event):
                pauses[-1][1] = at
                return False
            if not other:
                return False
            pauses[-1][1] = at
        if _any_means(rule.get("pauses", []), event):
            pauses.append([at, None, event["data"].get("party", "client")])
        return False

    def _course(self, event: dict[str, Any]) -> None:
        """Whether the ticket waits or is resolved after ``event``."""
        type_ = event["type"]
        if self.resolved:
            self.resolved = type_ != "ticket.reopened"
        elif type_ == "ticket.resolved":
            self.resolved, self.waiting, self.wait = True, False, None
        elif self.waiting:
            self.awaited = [ends for ends in self.awaited if not _any_means(ends, event)]
            if not self.awaited:
                self.waiting, self.wait = False, None
            elif type_ == "ticket.waiting" and event["data"]["party"] != _party(self.wait):
                self.wait = event
        elif type_ in ("ticket.waiting", "ticket.waiting_on_client"):
            self.waiting, self.wait = True, event
            pausing = [r["resumes"] for r in self.contract["clocks"].values() if r.get("pauses")]
            self.awaited = pausing or [["client_responded"]]

    def _later(self, event: dict[str, Any], at: int, stopped: list[str]) -> None:
        """Begin the cycles that begin with an event, or because the last was to be repeated."""
        if self.resolved:
            self.repeated = set()
            return
        repeated, self.repeated = self.repeated, set()
        for name, rule in self.contract["clocks"].items():
            if "starts" not in rule and not rule.get("repeat"):
                continue
            last = self._last(name)
            if last is not None and last["stop"] is None:
                continue
            starts = _any_means(rule.get("starts", []), event) and name not in stopped
            if name in repeated and self.waiting:
                self.repeated.add(name)
            elif name in repeated or starts:
                self._begin(name, 1 if last is None else last["cycle"] + 1, at)
                if self.wait is not None and _any_means(rule.get("pauses", []), self.wait):
                    party = self.wait["data"].get("party", "client")
                    self.clocks[-1]["pauses"].append([at, None, party])

    def not_started(self) -> list[str]:
        """The clocks that are promised something but have had no cycle."""
        severity = self.severity or self.first_severity
        if severity is None or self.kind == "feature_request" or self.resolved:
            return []
        agreement = str(self._agreement())
        return [
            name
            for name, rule in self.contract["clocks"].items()
            if "starts" in rule
            and self._last(name) is None
            and promise_of(self.contract, agreement, severity, name) is not None
        ]

    def _move(self) -> None:
        for clock in self._running():
            clock |= {"agreement": self._agreement(), "region": self.known.get("@region")}

    def _attributes_changed(self, event: dict[str, Any], at: int) -> None:
        data = event["data"]
        self.known["client"] = data.get("client_id", self.known["client"])
        self.known["plan"] = data.get("plan", self.known["plan"])
        self.known |= {f"@{name}": value for name, value in data.get("attributes", {}).items()}
        self._move()

    def promise(self, clock: dict[str, Any]) -> Any:
        """What is promised for a clock; ``None`` for nothing."""
        return promise_of(self.contract, clock["agreement"], clock["severity"], clock["clock"])

    def _limits(self, clock: dict[str, Any]) -> list[tuple[int, tuple[int, bool, str]]]:
        return [(clock["start"], self.amount(clock))]

    def amount(self, clock: dict[str, Any]) -> tuple[int, bool, str]:
        """How many minutes a clock may use, whether that is less than so many, and on what."""
        promise, start = self.promise(clock), clock["start"]
        calendar, within = promise["calendar"], promise["within"]
        if isinstance(calendar, dict):
            calendar = calendar.get(clock["region"], calendar["else"])
        if isinstance(within, dict):
            within = within["inside" if self.world.open[within["of"]][start] else "outside"]
        if within in CLOSINGS:
            following = within == "next business day"
            closing = self.world.closing(calendar, start, following=following)
            within = int(self.world.open[calendar][start:closing].sum())
        elif isinstance(within, str):
            within = int(float(within.split()[0]) * self.contract["calendars"][calendar]["day"])
        return within, promise["less_than"], calendar

    def used(self, clock: dict[str, Any], now: int) -> int:
        """How many minutes it has used."""
        used: int = self._count(clock, clock["start"], self.amount(clock), now)["used"]
        return used

    def promised(self) -> list[dict[str, Any]]:
        """The clocks by which something is promised."""
        return [clock for clock in self.clocks if self.promise(clock) is not None]

    def figures(self, now: int) -> list[dict[str, Any]]:
        """Each clock by which something is promised."""
        return [
            {**self._figures(clock, now), "agreement": clock["agreement"]}
            for clock in self.promised()
        ]


def history(draw: random.Random, ticket: str, contract: Contract, begin: Any) -> list[Any]:
    """The events of a ticket on whole minutes, as a function of ``draw`` alone.

    ``begin`` writes the time of a minute after the start of all.
    """
    severities = contract["severities"]
    at = draw.randrange(0, 14 * 24 * HOUR)

    def event(type_: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": f"{ticket}-{draw.randrange(10**9)}",
            "source": "/drawn",
            "type": f"ticket.{type_}",
            "subject": ticket,
            "time": begin(at),
            "data": data,
        }

    data: dict[str, Any] = {"client_id": draw.choice(CLIENTS), "kind": draw.choice(KINDS)}
    if draw.random() < 0.8:
        data["severity"] = draw.choice(severities)
    if draw.random() < 0.6:
        data["plan"] = draw.choice(PLANS)
    if draw.random() < 0.6:
        data["attributes"] = {"region": draw.choice(REGIONS)}
    events = [event("created", data)]
    for _ in range(draw.randrange(8)):
        at += draw.choice([0, 1, 10, 60, 300, 1500])
        type_ = draw.choice(
            ("assigned", "waiting_on_client", "client_responded", "resolved", "reopened",
             "severity_changed", "reclassified", "attributes_changed", "attributes_changed",
             "replied", "replied", "waiting", "client_responded", "queued", "milestone_reached")
        )  # fmt: skip
        events.append(event(type_, _said(draw, type_, severities)))
    return events


def _said(draw: random.Random, type_: str, severities: list[str]) -> dict[str, Any]:
    says: dict[str, Any] = {
        "assigned": lambda: {"analyst_id": "ana"},
        "replied": lambda: draw.choice([{}, {"kind": "answer"}, {"kind": "update"}]),
        "waiting": lambda: {"party": draw.choice(["client", "supplier"])},
        "queued": lambda: {"group": draw.choice(["level1", "level2"])},
        "milestone_reached": lambda: {"name": draw.choice(["workaround", "plan"])},
        "severity_changed": lambda: {"severity": draw.choice(severities)},
        "reclassified": lambda: {"kind": draw.choice([*KINDS, "feature_request"])},
        "attributes_changed": lambda: _changed(draw),
    }
    said: dict[str, Any] = says.get(type_, dict)()
    return said


def _changed(draw: random.Random) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if draw.random() < 0.5:
        said["plan"] = draw.choice(PLANS)
    if draw.random() < 0.5:
        said["attributes"] = {"region": draw.choice(REGIONS)}
    if draw.random() < 0.2:
        said["client_id"] = draw.choice(CLIENTS)
    return said
