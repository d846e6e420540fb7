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

CLOCKS = ("first_response", "resolution")
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

[clocks.first_response]
starts = "communicated"
stops = ["assigned", "resolved"]
[clocks.resolution]
starts = "communicated"
stops = ["resolved"]
pauses = ["waiting_on_client"]
resumes = ["client_responded", "assigned", "reopened", "resolved"]
restarts = ["reopened"]
"""

Contract = dict[str, Any]


def drawn(draw: random.Random) -> Contract:
    """A contract: severities, a default perhaps, targets, and agreements."""
    calendars = drawn_calendars(draw)
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
                "targets": _targets(draw, severities, calendars, few=extends is not None),
            }
        )
    return {
        "severities": severities,
        "default": draw.choice([None, None, draw.choice(severities)]),
        "standard": _targets(draw, severities, calendars, few=False),
        "agreements": agreements,
        "calendars": calendars,
        "steps": _steps(draw),
    }


def _targets(
    draw: random.Random, severities: list[str], calendars: Calendars, *, few: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for severity in severities:
        if few and draw.random() < 0.5:
            continue
        if draw.random() < 0.1:
            found[severity] = None
            continue
        clocks = [clock for clock in CLOCKS if draw.random() < 0.85]
        found[severity] = {clock: _target(draw, calendars) for clock in clocks} or None
    return found


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
        super().__init__(events, world)

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
             "severity_changed", "reclassified", "attributes_changed", "attributes_changed")
        )  # fmt: skip
        events.append(event(type_, _said(draw, type_, severities)))
    return events


def _said(draw: random.Random, type_: str, severities: list[str]) -> dict[str, Any]:
    if type_ == "assigned":
        return {"analyst_id": "ana"}
    if type_ == "severity_changed":
        return {"severity": draw.choice(severities)}
    if type_ == "reclassified":
        return {"kind": draw.choice([*KINDS, "feature_request"])}
    said: dict[str, Any] = {}
    if type_ == "attributes_changed":
        if draw.random() < 0.5:
            said["plan"] = draw.choice(PLANS)
        if draw.random() < 0.5:
            said["attributes"] = {"region": draw.choice(REGIONS)}
        if draw.random() < 0.2:
            said["client_id"] = draw.choice(CLIENTS)
    return said
