"""Drawn contracts against a second, naive implementation of the language: clock by clock."""

from __future__ import annotations

import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from support import lines_of
from support.naive import EPOCH, World, figures_of, minute_of
from support.naive_contract import Contract, ContractTicket, drawn, history, written

from sla_domain.policy import PolicyBook
from sla_lab.simulation import Outputs, simulate
from sla_policy.loading import PolicyError, parse_policy

POLICIES = 200
TICKETS = 50


def time_of(minute: int) -> str:
    return (EPOCH + timedelta(days=7, minutes=minute)).isoformat().replace("+00:00", "Z")


def judged(contract: Contract, events: list[dict[str, Any]]) -> Outputs:
    book = PolicyBook([parse_policy(written(contract), "drawn.toml")])
    return simulate(lines_of(events), book, partitions=2)


#: Which agreement it is, and the events that led to it.
NAMES = {"agreement", "follows", "causationid"}


def but_for_the_name(outputs: Outputs) -> list[dict[str, Any]]:
    """All that is told, without which agreement it is."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(inner) for key, inner in value.items() if key not in NAMES}
        return [without(inner) for inner in value] if isinstance(value, list) else value

    lines = [*outputs.warnings, *outputs.breaches, *outputs.tickets]
    return [without(json.loads(line)) for line in lines]


def happenings(draw: random.Random, contract: Contract) -> list[dict[str, Any]]:
    events = [
        event
        for number in range(TICKETS)
        for event in history(draw, f"T-{number}", contract, time_of)
    ]
    draw.shuffle(events)
    events.sort(key=lambda event: str(event["time"]))
    return events


def can_be_meant(contract: Contract) -> bool:
    """Whether nothing in it contradicts itself, as an agreement that another hides."""
    try:
        parse_policy(written(contract), "drawn.toml")
    except PolicyError:
        return False
    return True


def contracts(count: int) -> Iterator[tuple[Contract, random.Random]]:
    """So many drawn contracts that can be meant, and what else of them is drawn by."""
    for seed in itertools.count():
        draw = random.Random(seed)  # noqa: S311  the same every time
        contract = drawn(draw)
        if not can_be_meant(contract):
            continue
        yield contract, draw
        count -= 1
        if not count:
            return


def compared(contract: Contract, draw: random.Random, world: World) -> int:
    """Judge drawn tickets both ways; the number of clocks that were compared."""
    events = happenings(draw, contract)
    by_ticket: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_ticket[event["subject"]].append(event)
    outputs = judged(contract, events)
    assert outputs.dead_letters == []
    count = 0
    for line in outputs.tickets:
        record = json.loads(line)
        own = by_ticket[record["ticket_id"]]
        naive = ContractTicket(own, world, contract)
        found = [
            {**figures, "agreement": clock.get("agreement", "standard")}
            for figures, clock in zip(figures_of(record), record["clocks"], strict=True)
        ]
        assert found == naive.figures(minute_of(record["as_of"])), (written(contract), own)
        count += len(found)
    return count


def test_drawn_tickets_come_out_alike_under_drawn_contracts() -> None:
    world = World(days=60)
    count = sum(compared(contract, draw, world) for contract, draw in contracts(POLICIES))
    assert count > 10_000


def test_an_agreement_that_takes_nobody_changes_nothing() -> None:
    for contract, draw in contracts(20):
        events = happenings(draw, contract)
        nobody = {"name": "nobody", "when": {"client": ["none"]}, "extends": "standard"}
        more = contract | {"agreements": [{**nobody, "targets": {}}, *contract["agreements"]]}
        assert but_for_the_name(judged(more, events)) == but_for_the_name(judged(contract, events))


def test_an_agreement_that_extends_and_says_nothing_changes_nothing() -> None:
    for contract, draw in contracts(20):
        events = happenings(draw, contract)
        same = {"name": "same", "when": {"region": ["north"]}, "extends": "standard", "targets": {}}
        alone = contract | {"agreements": []}
        if not can_be_meant(alone):
            continue
        more = contract | {"agreements": [same]}
        assert but_for_the_name(judged(more, events)) == but_for_the_name(judged(alone, events))
