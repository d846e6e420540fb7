"""Properties that hold for any input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support import clocks, decoded, event, lines_of, run, standing_breaches
from support.histories import BEGIN, END, MOVES, SPAN, histories

from sla_domain.alert import Notice
from sla_domain.event import EventType
from sla_domain.explanation import Ledger, SpanKind, due_steps, ledger
from sla_domain.policy import PolicyBook
from sla_engine.frontier import REPLAY
from sla_engine.memory import read_stored
from sla_engine.partition import Partition
from sla_engine.wire.alerts import write_alert
from sla_lab.recording import Recorded, laid_out
from sla_schemas.topics import EVENTS


def figures(outputs: Any) -> dict[str, Any]:
    return {
        record["ticket_id"]: [
            (
                c["clock"],
                c["cycle"],
                c["outcome"],
                c["due"],
                c["used_ms"],
                c["paused_by"],
                c["limits"],
                c["origin"],
            )
            for c in record["clocks"]
        ]
        + [record["client_delay"], record["obligations"], record["subscribers"]]
        for record in decoded(outputs.tickets)
    }


@settings(max_examples=200)
@given(histories(), st.data())
def test_1_order_and_repetition_of_arrival_change_nothing(
    history: list[dict[str, Any]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(history))
    repeated = shuffled + data.draw(st.lists(st.sampled_from(history), max_size=4))
    straight, other = run(history, END), run(repeated, END)
    assert figures(other) == figures(straight)
    assert standing_breaches(other) == standing_breaches(straight)
    assert other.summary.duplicates == len(repeated) - len(history)


@settings(max_examples=200)
@given(histories(), st.data())
def test_2_a_breached_clock_has_one_standing_breach_and_no_other_any(
    history: list[dict[str, Any]], data: st.DataObject
) -> None:
    outputs = run(data.draw(st.permutations(history)), END)
    breached = [
        (record["ticket_id"], clock["clock"], clock["cycle"])
        for record in decoded(outputs.tickets)
        for clock in record["clocks"]
        if clock["outcome"] == "breached"
    ]
    assert standing_breaches(outputs) == sorted(breached)


@given(histories(), st.integers(0, SPAN))
def test_3_the_figures_add_up_to_the_millisecond(
    book: PolicyBook, history: list[dict[str, Any]], after: int
) -> None:
    at = BEGIN + after
    partition = Partition(0, EVENTS.name, book, REPLAY)
    for record in laid_out(lines_of(history), EVENTS.name, 1):
        partition.apply(record)
    for entry in partition.table.entries():
        for clock in entry.ticket.clocks:
            for limit in clock.limits:
                check_ledger(ledger(entry.ticket, clock, limit, at))


def check_ledger(told: Ledger) -> None:
    clock, limit = told.clock, told.limit
    counted, paused = told.total(SpanKind.COUNTED), told.total(SpanKind.PAUSED)
    stopped = told.total(SpanKind.STOPPED)
    end = told.until - stopped
    assert limit.used(end) == counted
    assert limit.paused_time(end) == paused
    assert counted + paused == limit.target.calendar.between(limit.start, end)
    assert all(one.end == other.start for one, other in pairwise(told.spans))
    assert sum(span.length for span in told.spans) == told.until - clock.start
    steps = list(due_steps(limit))
    if limit.due is None:
        assert clock.paused
        assert not steps
    else:
        assert steps[-1].end == limit.due
        assert steps[-1].total == limit.target.within


@given(histories(), st.data())
def test_4_no_alert_lies_beyond_the_frontier_and_none_is_left_behind_it(
    book: PolicyBook, history: list[dict[str, Any]], data: st.DataObject
) -> None:
    partition = Partition(0, EVENTS.name, book, REPLAY)
    lines = lines_of(data.draw(st.permutations(history)))
    for record in laid_out(lines, EVENTS.name, 1):
        before = partition.frontier
        partition.apply(record)
        assert before is None or partition.frontier >= before
        check_frontier(partition)
    partition.advance(END)
    check_frontier(partition)


def check_frontier(partition: Partition) -> None:
    assert partition.frontier is not None
    for alert in partition.drain().alerts:
        if isinstance(alert, Notice) or alert.retracts is None:
            assert alert.at <= partition.frontier
    earliest = partition.table.next_deadline()
    assert earliest is None or earliest > partition.frontier


@settings(max_examples=200)
@given(histories(), st.data())
def test_5_stored_and_restored_anywhere_it_goes_on_with_the_same_alerts(
    book: PolicyBook, history: list[dict[str, Any]], data: st.DataObject
) -> None:
    records = list(laid_out(lines_of(data.draw(st.permutations(history))), EVENTS.name, 1))
    cut = data.draw(st.integers(0, len(records)))
    whole = Partition(0, EVENTS.name, book, REPLAY)
    table: dict[str, bytes | None] = {}
    first = Partition(0, EVENTS.name, book, REPLAY)
    told = go_on(first, records[:cut], None, table)
    second = Partition(0, EVENTS.name, book, REPLAY)
    second.resume(first.frontier, first.tally)
    for ticket_id, value in table.items():
        if value is not None:
            second.restore(ticket_id, read_stored(value))
    assert second.census.tickets == first.census.tickets
    assert +second.census.clocks == +first.census.clocks
    assert second.table.next_deadline() == first.table.next_deadline()
    told += go_on(second, records[cut:], END, table)
    unbroken: dict[str, bytes | None] = {}
    assert told == go_on(whole, records, END, unbroken)
    assert table == unbroken


def go_on(
    partition: Partition,
    records: Sequence[Recorded],
    end: int | None,
    table: dict[str, bytes | None],
) -> list[bytes]:
    told = []
    for record in records:
        partition.apply(record)
    if end is not None:
        partition.advance(end)
    effects = partition.drain()
    table.update(effects.tickets)
    told += [write_alert(alert) for alert in effects.alerts]
    return told


BAD = (
    b"{",
    b'{"specversion": "1.0"}',
    json.dumps(event("teleported", "2026-11-20T12:00:00Z", "A")).encode(),
    json.dumps(event("assigned", "2026-11-20T12:00:00", "A")).encode(),
    json.dumps(event("assigned", "2026-11-20T12:00:00Z", "A", analyst_id=7)).encode(),
)
REASONS = ("not_json", "not_cloudevents", "unknown_type", "naive_time", "invalid_data")


@given(histories(), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=6))
def test_6_an_invalid_record_changes_no_ticket_and_tells_its_reason(
    history: list[dict[str, Any]], bad: list[tuple[int, int]]
) -> None:
    mixed: list[Any] = list(history)
    for place, kind in bad:
        mixed.insert(min(place, len(mixed)), BAD[kind])
    clean, dirty = run(history, END), run(mixed, END)
    assert dirty.tickets == clean.tickets
    assert dirty.warnings == clean.warnings
    assert dirty.breaches == clean.breaches
    letters = decoded(dirty.dead_letters)
    assert sorted(letter["reason"] for letter in letters) == sorted(
        REASONS[kind] for _, kind in bad
    )
    # Topic positions are those of the records: as the simulator lays them out.
    laid = laid_out(lines_of(mixed), EVENTS.name, 3)
    origin = {(r.partition, r.offset): r.value.decode() for r in laid if r.value is not None}
    for letter in letters:
        assert origin[letter["partition"], letter["offset"]] == letter["value"]


def test_every_kind_of_event_is_drawn() -> None:
    assert {type_.word for type_ in EventType} == {*MOVES, "created"}


def test_every_alert_is_counted() -> None:
    outputs = run([event("created", "2026-11-19T12:00:00Z", severity="blocker")], END)
    assert outputs.summary.warnings == len(outputs.warnings) == 6
    assert outputs.summary.breaches == len(outputs.breaches) == 2
    assert clocks(outputs)["resolution", 1]["outcome"] == "breached"
