"""Drawn contracts, and the rules of any contract a second time, as naive as ``naive`` is.

A contract is a plain dictionary here: this module writes it as a policy file and, sharing no code
with what reads that, says what it means minute by minute.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from support.contracts import ALL_DAY
from support.naive import HOUR, Ticket, World

CLOCKS = ("first_response", "resolution")
REGIONS = ("north", "south", "west")
PLANS = ("gold", "silver", "basic")
CLIENTS = ("acme", "umbrella", "initech")
KINDS = ("incident", "question")
_WEEK = ", ".join(f'{day} = [["09:00", "18:00"]]' for day in ("mon", "tue", "wed", "thu", "fri"))
_HEAD = f"""\
name = "drawn"
version = "1"
effective_from = "2015-01-01T00:00:00Z"
retention = "9000d"
business_calendar = "business"

[calendars.business]
zone = "America/Argentina/Buenos_Aires"
day = "9h"
hours = {{ {_WEEK} }}
[calendars.all]
zone = "UTC"
hours = {ALL_DAY}

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
                "targets": _targets(draw, severities, few=extends is not None),
            }
        )
    return {
        "severities": severities,
        "default": draw.choice([None, None, draw.choice(severities)]),
        "standard": _targets(draw, severities, few=False),
        "agreements": agreements,
    }


def _targets(draw: random.Random, severities: list[str], *, few: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for severity in severities:
        if few and draw.random() < 0.5:
            continue
        if draw.random() < 0.1:
            found[severity] = None
            continue
        found[severity] = {
            clock: (draw.choice([15, 30, 60, 240, 480, 960]), draw.random() < 0.5,
                    draw.choice(["business", "all"]))
            for clock in CLOCKS
            if draw.random() < 0.85
        } or None  # fmt: skip
    return found


def written(contract: Contract) -> str:
    """The contract as a policy file."""
    lines = [_HEAD]
    if contract["default"]:
        lines.insert(0, f'default_severity = "{contract["default"]}"')
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
            f'{clock} = {{ within = "{minutes}m", boundary = '
            f'"{"exclusive" if less_than else "inclusive"}", calendar = "{calendar}" }}'
            for clock, (minutes, less_than, calendar) in clocks.items()
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

    def __init__(self, events: Iterable[dict[str, Any]], world: World, contract: Contract) -> None:
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
        self.clocks[-1]["agreement"] = self._agreement()

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
            clock["agreement"] = self._agreement()

    def _attributes_changed(self, event: dict[str, Any], at: int) -> None:
        data = event["data"]
        self.known["client"] = data.get("client_id", self.known["client"])
        self.known["plan"] = data.get("plan", self.known["plan"])
        self.known |= {f"@{name}": value for name, value in data.get("attributes", {}).items()}
        self._move()

    def _promise(self, clock: dict[str, Any]) -> Any:
        return promise_of(self.contract, clock["agreement"], clock["severity"], clock["clock"])

    def _limits(self, clock: dict[str, Any]) -> list[tuple[int, tuple[int, bool, str]]]:
        return [(clock["start"], self._promise(clock))]

    def figures(self, now: int) -> list[dict[str, Any]]:
        """Each clock by which something is promised."""
        promised = [clock for clock in self.clocks if self._promise(clock) is not None]
        return [
            {**self._figures(clock, now), "agreement": clock["agreement"]} for clock in promised
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
