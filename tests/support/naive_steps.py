"""Which alerts a ticket of a drawn contract gets, from what is known after each of its minutes."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from support.naive import MS, Limit, instant, minute_of
from support.naive_calendar import DrawnWorld
from support.naive_contract import Contract, steps_of
from support.naive_ticket import Clock, ContractTicket, Ended

Key = tuple[str, int]

#: Which reason a retraction has by the type of the event that it goes back to.
REASONS = {
    "severity_changed": {"severity_changed"},
    # It may have changed the severity, too.
    "reclassified": {"reclassified", "severity_changed"},
    "attributes_changed": {"agreement_changed"},
    "cancelled": {"cancelled"},
    "exception_granted": {"excused"},
}


class Reach(NamedTuple):
    """A step of a ladder, and when it is reached, in milliseconds. Only a ``present`` one is sent;
    what an ended limit alone had in its ladder stands if it was.
    """

    what: str
    at: int
    present: bool


class Sent:
    """An alert of a clock, and the reasons that its retraction may have; none while it stands."""

    def __init__(self, key: Key, what: str) -> None:
        self.key = key
        self.what = what
        self.reasons: frozenset[str] = frozenset()


def ladder_of(
    limit: Limit, promise: dict[str, Any], contract: Contract, *, closing: bool
) -> list[tuple[int, str]]:
    """Each step with the used milliseconds at which it is due."""
    whole, breaks = limit.within * MS, limit.breaks_at
    before: list[tuple[int, str]] = []
    after: list[tuple[int, str]] = []
    last = whole
    numbers: Counter[str] = Counter()
    for kind, *told in steps_of(promise, contract):
        if kind == "share":
            before.append((-(-whole * told[0] // 100), str(told[0] / 100)))
        elif kind == "before":
            before.append((whole - told[0] * MS, f"-{told[0]}m"))
        else:
            minutes, times, name = told
            for _ in range(times):
                last = (whole if kind == "past" else last) + minutes * MS
                numbers[name] += 1
                after.append((last, f"{name}#{numbers[name]}"))
    if closing:
        before.sort(key=lambda step: step[0])
    found, reached = [], 1
    for amount, what in before:
        reached = min(max(reached, amount), breaks)
        found.append((reached, what))
    return [*found, (breaks, "breach"), *[(max(amount, breaks), what) for amount, what in after]]


def alerts_of(
    events: list[dict[str, Any]], world: DrawnWorld, contract: Contract, now: int
) -> list[Sent]:
    """Every alert by ``now``, in the order in which they are sent."""
    sent: list[Sent] = []
    minutes = sorted({minute_of(event["time"]) for event in events})
    for minute, until in zip(minutes, [*minutes[1:], None], strict=True):
        known = [event for event in events if minute_of(event["time"]) <= minute]
        if not any(event["type"] == "ticket.created" for event in known):
            continue
        ticket = ContractTicket(known, world, contract)
        # What is due at the instant of an event waits for what follows from the event.
        last = now * MS if until is None else until * MS - 1
        owed = {
            (clock["clock"], clock["cycle"]): (clock, _reaches(ticket, clock, last))
            for clock in ticket.promised()
            if not clock["excused"] and not ticket.is_void(clock, minute)
        }
        why = frozenset[str]().union(
            *(_reasons(event) for event in known if minute_of(event["time"]) == minute)
        )
        for alert in sent:
            _, reaches = owed.get(alert.key, (None, []))
            reached = [each.what for each in reaches if each.at <= minute * MS]
            if not alert.reasons and alert.what not in reached:
                alert.reasons = why
        over = ticket.cancelled is not None
        for key, (clock, reaches) in owed.items():
            later = {each.at for each in reaches if minute * MS < each.at}
            for at in sorted({minute * MS, *later}):
                _judge(sent, key, _by(reaches, at), over=over or clock["stop"] is not None)
    return sent


def _reasons(event: dict[str, Any]) -> set[str]:
    return REASONS.get(event["type"].removeprefix("ticket."), {"late_event"})


def _by(reaches: list[Reach], at: int) -> list[str]:
    return [each.what for each in reaches if each.at <= at and each.present]


def _reaches(ticket: ContractTicket, clock: Clock, last: int) -> list[Reach]:
    """The steps that a clock reaches by ``last``, in the order of its ladder.

    What a limit had reached when it ended broken comes first.
    """
    promise = ticket.promise(clock)
    assert promise is not None, "only what is promised has a ladder"
    end = -(-last // MS)
    present = [Ended(limit, promise, end) for limit in ticket.limits(clock)]
    found: dict[str, int] = {}
    for ended in ticket.broken_limits(clock):
        for what, at in _climbed(ticket, clock, ended).items():
            found[what] = min(at, found.get(what, at))
    order = list(found)
    for each in present:
        for what, at in _climbed(ticket, clock, each).items():
            found[what] = min(at, found.get(what, at))
    ladder = _ladder(ticket, present[0])
    own = [what for _, what in ladder]
    order = [what for what in order if what not in own] + own
    return [
        Reach(what, found[what], what in own) for what in order if found.get(what, last + 1) <= last
    ]


def _ladder(ticket: ContractTicket, each: Ended) -> list[tuple[int, str]]:
    closing = ticket.until_closing(each.promise, each.limit.start)
    return ladder_of(each.limit, each.promise, ticket.contract, closing=closing)


def _climbed(ticket: ContractTicket, clock: Clock, each: Ended) -> dict[str, int]:
    """When each step of a limit is reached, of those that are reached by its end."""
    until = ticket.end(clock, each.until)
    minutes = np.flatnonzero(ticket.lived(clock, each.limit, until))
    ats = {what: instant(each.limit, minutes, amount) for amount, what in _ladder(ticket, each)}
    return {what: at for what, at in ats.items() if at is not None and at <= until * MS}


def _judge(sent: list[Sent], key: Key, reached: list[str], *, over: bool) -> None:
    """Send the highest of what was reached up to the breach, and the highest past it; where the
    clock is over, only the breach.
    """
    standing = [each.what for each in sent if each.key == key and not each.reasons]
    for part in (
        [what for what in reached if "#" not in what],
        [what for what in reached if "#" in what],
    ):
        highest = [what for what in part if what == "breach"] if over else part[-1:]
        above = reached[reached.index(highest[0]) :] if highest else []
        if highest and not any(what in standing for what in above):
            sent.append(Sent(key, highest[0]))
