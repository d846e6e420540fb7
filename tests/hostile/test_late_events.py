"""Late events of a ticket with many events: each causes all of them to be applied again, so other
tickets get their turn after a limited number.
"""

from __future__ import annotations

import json

from support import default_book, event
from support.simulated_kafka import SimulatedRecord

from sla_domain.instant import format_instant
from sla_engine.frontier import TimeRule
from sla_engine.partition import MOST_FOLDED, Partition
from sla_schemas.topics import EVENTS

BEGAN = 1_795_435_200_000
KNOWN = 700
MINUTE = 60_000


def record(number: int, word: str, at: int, appended: int, **data: str) -> SimulatedRecord:
    told = event(word, format_instant(at), "OLD", id=f"e{number}", **data)
    value = json.dumps(told).encode()
    return SimulatedRecord(EVENTS.name, 0, number, appended, b"OLD", value, ())


def grown() -> Partition:
    """The partition of a ticket that was resolved and reopened again and again."""
    partition = Partition(0, EVENTS.name, default_book(), TimeRule())
    partition.apply(record(0, "created", BEGAN, BEGAN, client_id="acme", severity="low"))
    for number in range(1, KNOWN):
        at = BEGAN + number * MINUTE
        partition.apply(record(number, "resolved" if number % 2 else "reopened", at, at))
    partition.drain()
    return partition


def late(count: int) -> list[SimulatedRecord]:
    appended = BEGAN + (KNOWN + 1) * MINUTE
    return [
        record(KNOWN + number, "assigned", BEGAN + 1 + number, appended + number, analyst_id="a")
        for number in range(count)
    ]


def test_only_so_much_is_gone_through_again_in_one_unit() -> None:
    partition, records = grown(), late(200)
    whole = grown()
    for each in records:
        whole.apply(each)
    units = []
    while records:
        taken = partition.apply_batch(records, 5_000)
        assert 0 < taken <= MOST_FOLDED // KNOWN + 1
        units.append(partition.drain())
        records = records[taken:]
    assert len(units) > 5
    assert units[-1].tickets == whole.drain().tickets, "and it comes to the same"


def test_events_in_order_have_nothing_gone_through_again() -> None:
    partition = grown()
    at = BEGAN + (KNOWN + 1) * MINUTE
    records = [
        record(KNOWN + number, "assigned", at + number, at + number, analyst_id="a")
        for number in range(200)
    ]
    assert partition.apply_batch(records, 5_000) == 200
