"""Drawn contracts against a second, naive implementation of the language: clock by clock."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from support import lines_of
from support.naive import EPOCH, figures_of, minute_of
from support.naive_calendar import DrawnWorld
from support.naive_contract import Contract, drawn, history, written
from support.naive_steps import Sent, alerts_of
from support.naive_ticket import ContractTicket

from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_lab.simulation import Outputs, simulate
from sla_policy.loading import PolicyError, parse_policy

POLICIES = 200
TICKETS = 50
#: For how long calendars are kept.
DAYS = 200


def time_of(minute: int) -> str:
    return (EPOCH + timedelta(days=7, minutes=minute)).isoformat().replace("+00:00", "Z")


def judged(contract: Contract, events: list[dict[str, Any]], until: int | None = None) -> Outputs:
    book = PolicyBook([parse_policy(written(contract), "drawn.toml")])
    return simulate(lines_of(events), book, partitions=2, until=until)


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


def compare_alerts(found: list[Any], expected: list[Sent], story: Any) -> None:
    """The same alerts were sent and taken back, for a reason that there was."""
    sent = sorted(
        ((clock, cycle), what, number, why) for clock, cycle, what, number, _, why, *_ in found
    )
    numbers: Counter[Any] = Counter()
    ours = []
    for alert in expected:
        numbers[alert.key, alert.what] += 1
        ours.append((alert.key, alert.what, numbers[alert.key, alert.what], alert.reasons))
    ours.sort(key=lambda alert: alert[:3])
    assert [each[:3] for each in sent] == [each[:3] for each in ours], story
    for (*_, reason), (*_, reasons) in zip(sent, ours, strict=True):
        assert reason in reasons if reasons else reason is None, story


def compared(contract: Contract, draw: random.Random) -> int:
    """Judge drawn tickets both ways; the number of clocks that were compared."""
    world = DrawnWorld(contract["calendars"], DAYS)
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
        waiting = [each["clock"] for each in record["clocks"] if each["outcome"] == "not_started"]
        assert waiting == naive.not_started(), (written(contract), own)
        record["clocks"] = record["clocks"][: len(record["clocks"]) - len(waiting)]
        now = minute_of(record["as_of"])
        assert [
            {
                **figures,
                "agreement": clock.get("agreement", "standard"),
                "team": clock.get("team"),
                "without_exceptions": clock.get("without_exceptions"),
            }
            for figures, clock in zip(figures_of(record), record["clocks"], strict=True)
        ] == naive.figures(now), (written(contract), own)
        compare_alerts(record["sent"], alerts_of(own, world, contract, now), (contract, own))
        told = [about for kind, about, *_ in record["said"] if kind == "exception_not_allowed"]
        assert sorted(told) == sorted(naive.exceptions.not_allowed), (written(contract), own)
        count += len(record["clocks"])
    return count


def test_drawn_tickets_come_out_alike_under_drawn_contracts() -> None:
    count = sum(compared(contract, draw) for contract, draw in contracts(POLICIES))
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


def figures(outputs: Outputs) -> dict[tuple[str, str, int], dict[str, Any]]:
    """What is told of each clock, by ticket, name and cycle."""
    return {
        (ticket["ticket_id"], clock["clock"], clock["cycle"]): clock
        for ticket in map(json.loads, outputs.tickets)
        for clock in ticket["clocks"]
    }


def test_order_and_repetition_of_arrival_change_no_clock() -> None:
    for contract, draw in contracts(20):
        events = happenings(draw, contract)
        # Up to three days late: an event that is a week ahead of its ticket's creation is lost.
        late = {id(each): draw.randrange(3 * 24 * 60) for each in events}
        mixed = sorted(events, key=lambda each: minute_of(each["time"]) + late[id(each)])
        for again in draw.sample(events, len(events) // 3):
            mixed.insert(draw.randrange(mixed.index(again), len(mixed)), again)
        until = parse_instant(time_of(DAYS // 2 * 24 * 60))
        assert figures(judged(contract, mixed, until)) == figures(judged(contract, events, until))


def longer(contract: Contract, more: int) -> Contract:
    """The contract with every plain amount longer by ``more`` minutes."""

    def grown(within: Any) -> Any:
        if isinstance(within, dict):
            return {key: grown(each) for key, each in within.items()}
        return within + more if isinstance(within, int) else within

    def table(targets: dict[str, Any]) -> dict[str, Any]:
        return {
            severity: clocks
            and {name: each | {"within": grown(each["within"])} for name, each in clocks.items()}
            for severity, clocks in targets.items()
        }

    agreements = [each | {"targets": table(each["targets"])} for each in contract["agreements"]]
    return contract | {"standard": table(contract["standard"]), "agreements": agreements}


def from_start(contract: Contract) -> Contract:
    """The contract, with clocks that no change of severity has count anew: if a target was missed
    before such a change may decide whether the clock goes on.
    """
    clocks = contract["clocks"].items()
    return contract | {"clocks": {name: rule | {"from_change": False} for name, rule in clocks}}


def test_a_longer_target_never_moves_a_due_earlier() -> None:
    moved = 0
    for drawn_contract, draw in contracts(30):
        contract = from_start(drawn_contract)
        events = happenings(draw, contract)
        more = longer(contract, draw.choice([1, 10, 600]))
        if not can_be_meant(more):
            continue
        before, after = figures(judged(contract, events)), figures(judged(more, events))
        assert before.keys() == after.keys()
        for key, clock in after.items():
            sooner = before[key]["due"]
            # A wait hides the due time of a clock that is not broken yet.
            if clock["due"] is not None and sooner is not None:
                assert clock["due"] >= sooner, key
                moved += clock["due"] > sooner
    assert moved > 500
