"""Drawn contracts and histories of tickets under them.

A contract is a plain dictionary here: this module writes it as a policy file and, sharing no code
with what reads that, ``naive_ticket`` says what it means minute by minute.
"""

from __future__ import annotations

import random
from typing import Any

from support.naive import HOUR
from support.naive_calendar import Calendars, drawn_calendars, written_calendars

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
