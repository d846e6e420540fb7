"""Which alerts a ticket of a drawn contract gets, from what is known after each of its minutes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from support.naive import minute_of
from support.naive_calendar import DrawnWorld
from support.naive_contract import Contract, steps_of
from support.naive_ticket import ContractTicket

_MS = 60_000
Key = tuple[str, int]


def ladder_of(
    within: int, promise: dict[str, Any], contract: Contract, *, closing: bool
) -> list[tuple[int, str]]:
    """Each step with the used milliseconds at which it is due."""
    whole = within * _MS
    breaks = whole + (not promise["less_than"])
    before: list[tuple[int, str]] = []
    after: list[tuple[int, str]] = []
    last = whole
    numbers: Counter[str] = Counter()
    for kind, *told in steps_of(promise, contract):
        if kind == "share":
            before.append((-(-whole * told[0] // 100), str(told[0] / 100)))
        elif kind == "before":
            before.append((whole - told[0] * _MS, f"-{told[0]}m"))
        else:
            minutes, times, name = told
            for _ in range(times):
                last = (whole if kind == "past" else last) + minutes * _MS
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
) -> list[tuple[str, int, str, bool]]:
    """Clock, cycle and step of every alert by ``now``, and whether it still stands."""
    sent: list[list[Any]] = []
    minutes = sorted({minute_of(event["time"]) for event in events})
    for minute, until in zip(minutes, [*minutes[1:], now], strict=True):
        known = [event for event in events if minute_of(event["time"]) <= minute]
        if not any(event["type"] == "ticket.created" for event in known):
            continue
        ticket = ContractTicket(known, world, contract)
        clocks = {(clock["clock"], clock["cycle"]): clock for clock in ticket.promised()}
        void = ticket.kind == "feature_request"
        for entry in sent:
            clock = clocks.get((entry[0], entry[1]))
            used = None if clock is None or void else _used(ticket, clock, minute)
            amounts = {} if clock is None else {w: a for a, w in _ladder(ticket, clock)}
            if entry[3] and (used is None or entry[2] not in amounts or amounts[entry[2]] > used):
                entry[3] = False
        if void:
            continue
        for key, clock in clocks.items():
            ladder = _ladder(ticket, clock)
            at = _used(ticket, clock, minute)
            _judge(sent, key, clock, [step for step in ladder if step[0] <= at])
            # What is reached later, each at its own instant, until the next event.
            end, earlier = _used(ticket, clock, until), _used(ticket, clock, until - 1)
            due = {each for each, _ in ladder if at < each and (each < end or each <= earlier)}
            for amount in sorted(due):
                _judge(sent, key, clock, [step for step in ladder if step[0] <= amount])
            if minute == minutes[-1]:
                _judge(sent, key, clock, [step for step in ladder if step[0] <= end])
    return [tuple(entry) for entry in sent]


def _ladder(ticket: ContractTicket, clock: dict[str, Any]) -> list[tuple[int, str]]:
    within, _, _ = ticket.amount(clock)
    closing = ticket.until_closing(clock)
    return ladder_of(within, ticket.promise(clock), ticket.contract, closing=closing)


def _used(ticket: ContractTicket, clock: dict[str, Any], minute: int) -> int:
    used: int = ticket.used(clock, minute)
    return used * _MS


def _judge(
    sent: list[list[Any]], key: Key, clock: dict[str, Any], reached: list[tuple[int, str]]
) -> None:
    """Send the highest of what was reached up to the breach, and the highest past it."""
    whats = [what for _, what in reached]
    standing = [entry[2] for entry in sent if (entry[0], entry[1]) == key and entry[3]]
    for part in (
        [what for what in whats if "#" not in what],
        [what for what in whats if "#" in what],
    ):
        highest = part[-1:] if clock["stop"] is None else [w for w in part if w == "breach"]
        above = whats[whats.index(highest[0]) :] if highest else []
        if highest and not any(what in standing for what in above):
            sent.append([*key, highest[0], True])
