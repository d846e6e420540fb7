"""Drawn contracts and histories of tickets under them.

A contract is a plain dictionary here: this module writes it as a policy file and, sharing no code
with what reads that, ``naive_ticket`` says what it means minute by minute.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from support.naive import HOUR
from support.naive_calendar import Calendars, drawn_calendars, written_calendars

REGIONS = ("north", "south", "west")
PLANS = ("gold", "silver", "basic")
CLIENTS = ("acme", "umbrella", "initech")
KINDS = ("incident", "question")
GROUPS = ("level1", "level2", "level3")
#: The facts by which a promise may be chosen, and their values that a table names.
FACTS = {"region": REGIONS, "plan": PLANS, "team": GROUPS[:2]}
#: The plan that adds limits after a contact with the guard.
PLAN = "gold"
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
    clocks = _ruled(draw, _clocks(draw))
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
                "targets": _targets(draw, severities, clocks, calendars, few=extends is not None),
            }
        )
    return {
        "clocks": clocks,
        "severities": severities,
        "default": draw.choice([None, None, draw.choice(severities)]),
        "standard": _targets(draw, severities, clocks, calendars, few=False),
        "agreements": agreements,
        "calendars": calendars,
        "steps": _steps(draw),
        "merge": draw.random() < 0.5,
        "sources": ["/drawn"] if draw.random() < 0.8 else [],
        "guard": _guard(draw, severities, [*clocks], calendars) if draw.random() < 0.3 else None,
    }


def _guard(
    draw: random.Random, severities: list[str], names: list[str], calendars: Calendars
) -> dict[str, Any]:
    """What a plan adds after a contact with the guard: a plain amount for some of the clocks."""

    def target() -> dict[str, Any]:
        return {
            "within": draw.choice([15, 60, 240, 960]),
            "less_than": draw.random() < 0.5,
            "calendar": draw.choice([*calendars]),
        }

    covered = draw.sample(severities, draw.randint(1, len(severities)))
    return {
        "severities": covered,
        "outside": draw.choice([name for name in calendars if name != "all"]),
        "targets": {
            severity: {name: target() for name in draw.sample(names, draw.randint(1, len(names)))}
            for severity in covered
        },
    }


def _targets(
    draw: random.Random,
    severities: list[str],
    names: dict[str, Any],
    calendars: Calendars,
    *,
    few: bool,
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for severity in severities:
        if few and draw.random() < 0.5:
            continue
        if draw.random() < 0.1:
            found[severity] = None
            continue
        clocks = [clock for clock in names if draw.random() < 0.85]
        found[severity] = {
            clock: _target(draw, calendars, team=bool(names[clock].get("team"))) for clock in clocks
        } or None
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


def _ruled(draw: random.Random, clocks: dict[str, Any]) -> dict[str, Any]:
    """The clocks, some of which count anew when the severity changes, and perhaps one by team."""
    found = {
        name: rule | {"from_change": True} if draw.random() < 0.5 else rule
        for name, rule in clocks.items()
    }
    if draw.random() < 0.6:
        found["handling"] = {"team": True, "from_change": draw.random() < 0.5}
        if draw.random() < 0.7:
            found["handling"] |= {
                "pauses": draw.choice([["waiting"], ["waiting:client"]]),
                "resumes": ["client_responded", *draw.sample(["assigned", "replied"], 1)],
            }
        if draw.random() < 0.8:
            found["handling"]["on_reopen"] = draw.choice(["new_cycle", "continue", "nothing"])
    return found


def _written_clocks(clocks: dict[str, Any]) -> list[str]:
    lines = []
    for name, rule in clocks.items():
        lines.append(f"[clocks.{name}]")
        if rule.get("team"):
            lines.append('scope = "team"')
        else:
            lines.append(f"starts = {rule.get('starts', 'communicated')!r}")
        if "from_change" in rule:
            lines.append(f'on_severity = "from_{"change" if rule["from_change"] else "start"}"')
        lines += [f"{key} = {rule[key]!r}" for key in ("stops", "pauses", "resumes") if key in rule]
        lines += ["repeat = true"] if rule.get("repeat") else []
        lines += [f'on_reopen = "{rule["on_reopen"]}"'] if "on_reopen" in rule else []
    return lines


def _target(draw: random.Random, calendars: Calendars, *, team: bool) -> dict[str, Any]:
    names = [name for name in calendars if name != "all" or draw.random() < 0.7]
    calendar: Any = draw.choice(names)
    if draw.random() < 0.2:
        calendar = _by_fact(draw, lambda: draw.choice(names), team=team)
    elif draw.random() < 0.3:
        calendar = {hour: draw.choice(names) for hour in ("inside", "outside")}

    def amount(hour: str | None = None) -> Any:
        if draw.random() < 0.2:
            return draw.choice(CLOSINGS)
        days = all("day" in calendars[name] for name in _counted(calendar, hour))
        if days and draw.random() < 0.15:
            return draw.choice(["1 business day", "0.5 business days", "2.5 business days"])
        return draw.choice([15, 30, 60, 240, 480, 960])

    within = amount()
    if draw.random() < (0.6 if team else 0.15):
        within = _by_fact(draw, lambda: "none" if draw.random() < 0.2 else amount(), team=team)
    elif draw.random() < 0.2:
        within = {hour: amount(hour) for hour in ("inside", "outside")}
    of = draw.choice([name for name in calendars if name != "all"])
    for told in (within, calendar):
        if isinstance(told, dict) and "inside" in told:
            told["of"] = of
    own = _steps(draw) if draw.random() < 0.3 else None
    return {
        "within": within,
        "less_than": draw.random() < 0.5,
        "calendar": calendar,
        "steps": own,
    }


def _counted(calendar: Any, hour: str | None) -> list[str]:
    """What an amount may count on that is promised to who comes at this hour, or at any."""
    if not isinstance(calendar, dict):
        return [calendar]
    if hour in calendar:
        return [calendar[hour]]
    return [name for key, name in calendar.items() if key != "by"]


def _by_fact(draw: random.Random, told: Callable[[], Any], *, team: bool) -> dict[str, Any]:
    """A table by a fact: of the team that has it most often, if the clock is a team's."""
    by = "team" if team and draw.random() < 0.7 else draw.choice(["region", "plan"])
    values = draw.sample(FACTS[by], draw.randint(1, 2))
    return {"by": by} | {each: told() for each in values} | {"else": told()}


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
    for key, told in (("within", within), ("calendar", calendar)):
        if isinstance(told, dict):
            inner = ", ".join(f"{word} = {amount(each)}" for word, each in told.items())
            parts.append(f"{key} = {{ {inner} }}")
        else:
            parts.append(f"{key} = {amount(told)}")
    if promise.get("steps") is not None:
        parts.append(f"steps = {_written_steps(promise['steps'])}")
    return f"{{ {', '.join(parts)} }}"


def written(contract: Contract) -> str:
    """The contract as a policy file."""
    lines = [_HEAD]
    if contract["default"]:
        lines.insert(0, f'default_severity = "{contract["default"]}"')
    if contract["merge"]:
        lines.insert(0, 'merge = "earliest"')
    lines.insert(0, f"steps = {_written_steps(contract['steps'])}")
    if contract["sources"]:
        lines += ["[exceptions]", f"sources = {contract['sources']!r}"]
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
    if contract["guard"] is not None:
        lines += _written_guard(contract["guard"])
    return "\n".join(lines) + "\n"


def _written_guard(guard: dict[str, Any]) -> list[str]:
    lines = [
        f"[plans.{PLAN}]",
        'built_by = ["aivo"]',
        f"severities = {guard['severities']!r}",
        f'outside = "{guard["outside"]}"',
    ]
    for severity, clocks in guard["targets"].items():
        lines.append(f"[plans.{PLAN}.targets.{severity}]")
        for name, target in clocks.items():
            written_target = _written_target(target)
            lines.append(f'{name} = {written_target[:-2]}, from = "guard_contacted" }}')
    return lines


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


#: What happens to a ticket after its creation; what is here twice happens more often.
HAPPENS = (
    "assigned", "assigned", "waiting_on_client", "client_responded", "client_responded",
    "resolved", "reopened", "severity_changed", "severity_changed", "reclassified",
    "attributes_changed", "attributes_changed", "replied", "replied", "waiting", "queued",
    "queued", "milestone_reached", "absorbed", "exception_granted", "exception_granted",
    "exception_withdrawn", "guard_contacted",
)  # fmt: skip


def history(draw: random.Random, ticket: str, contract: Contract, begin: Any) -> list[Any]:
    """The events of a ticket on whole minutes, as a function of ``draw`` alone.

    ``begin`` writes the time of a minute after the start of all.
    """
    at = draw.randrange(0, 14 * 24 * HOUR)
    types = [draw.choice(HAPPENS) for _ in range(draw.randrange(9))]
    if draw.random() < 0.05:
        types.append("cancelled")
    events = []
    for type_ in ["created", *types]:
        says = _Says(draw, contract, begin, at)
        elsewhere = type_.startswith("exception_") and draw.random() < 0.15
        events.append(
            {
                "specversion": "1.0",
                "id": f"{ticket}-{draw.randrange(10**9)}",
                "source": "/elsewhere" if elsewhere else "/drawn",
                "type": f"ticket.{type_}",
                "subject": ticket,
                "time": begin(at),
                "data": getattr(says, type_, dict)(),
            }
        )
        # What comes next may have happened before the ticket was created, or before its end.
        at += draw.choice([0, 1, 10, 60, 300, 1500] * 5 + [-20])
    return events


class _Says:
    """What an event at a minute says, drawn by its type."""

    def __init__(self, draw: random.Random, contract: Contract, begin: Any, at: int) -> None:
        self._draw = draw
        self._contract = contract
        self._begin = begin
        self._at = at

    def _after(self, minutes: int) -> str:
        return str(self._begin(self._at + minutes))

    def _perhaps(self, share: float, said: dict[str, Any]) -> dict[str, Any]:
        return said if self._draw.random() < share else {}

    def _severity(self) -> dict[str, Any]:
        return {"severity": self._draw.choice(self._contract["severities"])}

    def _plan(self) -> dict[str, Any]:
        return {"plan": self._draw.choice(PLANS)}

    def _region(self) -> dict[str, Any]:
        return {"attributes": {"region": self._draw.choice(REGIONS)}}

    def _client(self) -> dict[str, Any]:
        return {"client_id": self._draw.choice(CLIENTS)}

    def created(self) -> dict[str, Any]:
        told = self._after(-self._draw.choice([-4, 10, 300, 1500]))
        return {
            **self._client(),
            "kind": self._draw.choice(KINDS),
            **self._perhaps(0.8, self._severity()),
            **self._perhaps(0.6, self._plan()),
            **self._perhaps(0.6, self._region()),
            **self._perhaps(0.6, {"integration": {"built_by": "aivo"}}),
            **self._perhaps(0.2, {"communicated_at": told}),
        }

    def absorbed(self) -> dict[str, Any]:
        told = self._after(-self._draw.choice([-4, 0, 30, 300, 1500, 4000]))
        return {"ticket_id": "T-other", "communicated_at": told}

    def assigned(self) -> dict[str, Any]:
        return {"analyst_id": "ana", **self._perhaps(0.4, self.queued())}

    def queued(self) -> dict[str, Any]:
        return {"group": self._draw.choice(GROUPS)}

    def replied(self) -> dict[str, Any]:
        return self._draw.choice([{}, {"kind": "answer"}, {"kind": "update"}])

    def waiting(self) -> dict[str, Any]:
        return {"party": self._draw.choice(["client", "supplier"])}

    def milestone_reached(self) -> dict[str, Any]:
        return {"name": self._draw.choice(["workaround", "plan"])}

    severity_changed = _severity

    def reclassified(self) -> dict[str, Any]:
        kind = self._draw.choice([*KINDS, "feature_request"])
        return {"kind": kind, **self._perhaps(0.4, self._severity())}

    def attributes_changed(self) -> dict[str, Any]:
        return {
            **self._perhaps(0.5, self._plan()),
            **self._perhaps(0.5, self._region()),
            **self._perhaps(0.2, self._client()),
        }

    def exception_withdrawn(self) -> dict[str, Any]:
        return {"exception_id": self._draw.choice(["x1", "x2"])}

    def exception_granted(self) -> dict[str, Any]:
        begin = self._draw.choice([-1500, -300, -60, 0, 60, 300, 1500])
        end = begin + self._draw.choice([15, 30, 60, 300, 1500, 4000])
        return {
            **self.exception_withdrawn(),
            "reason": "agreed with the client",
            "approved_by": "lead",
            **self._perhaps(0.6, {"clock": self._draw.choice([*self._contract["clocks"]])}),
            **self._perhaps(0.7, {"from": self._after(begin)}),
            **self._perhaps(0.7, {"until": self._after(end)}),
        }

    def cancelled(self) -> dict[str, Any]:
        return self._draw.choice([{}, {"reason": "spam"}, {"reason": "merged"}])
