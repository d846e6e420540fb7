"""Cycles that ended long ago: a row sums them up, and nothing is counted otherwise by it."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from support import event, lines_of
from support.contracts import escalating_book

from sla_domain.earlier import SHOWN_CYCLES, ranges
from sla_domain.instant import MINUTE, format_instant, parse_instant
from sla_engine.census import labels_of, labels_of_row
from sla_engine.frontier import REPLAY
from sla_engine.memory import read_stored, restored_ticket
from sla_engine.partition import Partition
from sla_lab.recording import laid_out
from sla_schemas.tables import TicketRecord
from sla_schemas.topics import EVENTS
from sla_text.drawing import draw
from sla_text.explanation import explain
from sla_text.language import Texts
from sla_text.presentation import Presenter

BEGIN = parse_instant("2026-11-23T12:00:00Z")
BOOK = escalating_book()


def replied_often(times: int, *, late: int = 0) -> Partition:
    """A partition with a ticket that got a reply every half hour, one of them an hour late."""
    at = [BEGIN + number * 30 * MINUTE for number in range(times)]
    if late:
        at[late:] = [each + 60 * MINUTE for each in at[late:]]
    events = [event("created", format_instant(BEGIN), severity="high")]
    events += [event("replied", format_instant(each), id=f"r{each}") for each in at]
    partition = Partition(0, EVENTS.name, BOOK, REPLAY)
    for record in laid_out(lines_of(events), EVENTS.name, 1):
        partition.apply(record)
    partition.advance(at[-1])
    return partition


def row_of(partition: Partition) -> tuple[bytes, dict[str, Any]]:
    (value,) = partition.drain().tickets.values()
    assert value is not None
    return value, json.loads(value)


def test_the_latest_cycles_are_told_and_the_earlier_ones_summed_up_by_outcome_and_date() -> None:
    value, row = row_of(replied_often(100, late=10))
    TicketRecord.model_validate_json(value)
    shown = [clock["cycle"] for clock in row["clocks"] if clock["clock"] == "update"]
    # Each reply but the first ends a cycle and begins another.
    assert shown == list(range(100 - SHOWN_CYCLES, 101))
    assert [
        (each["clock"], each["outcome"], each["date"], each["cycles"])
        for each in row["earlier_cycles"]
    ] == [
        ("update", "met", "2026-11-23", [[1, 9], [11, 27]]),
        ("update", "breached", "2026-11-23", [[10, 10]]),
        ("update", "met", "2026-11-24", [[28, 75]]),
        ("update", "met", "2026-11-25", [[76, 79]]),
    ]


def test_a_row_grows_no_more_by_cycles_of_a_day() -> None:
    def told(times: int) -> int:
        row = row_of(replied_often(times))[1]
        return len(json.dumps([row["clocks"], row.get("earlier_cycles", [])]))

    assert "earlier_cycles" not in row_of(replied_often(SHOWN_CYCLES))[1]
    assert told(44) - told(40) < 10


def test_a_restored_ticket_is_counted_as_before() -> None:
    partition = replied_often(60, late=10)
    entry = partition.table.get("T-1")
    assert entry is not None
    value, row = row_of(partition)
    as_of = parse_instant(row["as_of"])
    restored = labels_of_row(read_stored(value))
    before = labels_of(entry.ticket, as_of)
    assert restored.ticket == before.ticket
    assert sorted(restored.clocks) == sorted(before.clocks)
    ticket = restored_ticket("T-1", read_stored(value), BOOK)
    assert sorted(labels_of(ticket, as_of).clocks) == sorted(before.clocks)


def test_an_explanation_says_what_it_does_not_show_one_by_one() -> None:
    entry = replied_often(60).table.get("T-1")
    assert entry is not None
    document = explain(entry.ticket, BEGIN + 60 * 30 * MINUTE)
    shown = [clock["cycle"] for clock in document["clocks"] if clock["clock"] == "update"]
    summed = [
        number
        for each in document["earlier_cycles"]
        for first, last in each["cycles"]
        for number in range(first, last + 1)
    ]
    assert summed + shown == list(range(1, 61))


def test_numbers_as_runs() -> None:
    assert ranges([1, 2, 3, 7, 9, 10]) == [(1, 3), (7, 7), (9, 10)]
    assert ranges([]) == []


def test_many_cycles_are_drawn_in_one_lane_one_after_the_other() -> None:
    entry = replied_often(60).table.get("T-1")
    assert entry is not None
    document = explain(entry.ticket, BEGIN + 60 * 30 * MINUTE)
    texts = Texts("en")
    drawing = draw(document, Presenter(texts, ZoneInfo("UTC"), {}))
    assert drawing is not None
    (lane,) = [lane for lane in drawing.lanes if lane.label.startswith("update")]
    assert lane.label == "update, cycles 40 to 60"
    ends = [bar.x + bar.width for bar in lane.bars]
    assert all(abs(bar.x - end) < 0.1 for bar, end in zip(lane.bars[1:], ends, strict=False))
