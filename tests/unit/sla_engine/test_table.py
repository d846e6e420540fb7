"""The tickets in memory: packed ones are restored unchanged, deadlines come in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import POLICY, event, lines_of

from sla_domain.alert import AlertKind
from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_engine import table as table_module
from sla_engine.frontier import REPLAY
from sla_engine.memory import read_stored
from sla_engine.partition import Partition
from sla_engine.table import TicketTable
from sla_lab.recording import laid_out
from sla_policy.loading import parse_policy
from sla_schemas.topics import EVENTS


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.none() | st.integers(0, 50)), max_size=200),
    st.integers(0, 50),
)
def test_deadlines_come_due_in_order_and_each_once(
    book: PolicyBook, changes: list[tuple[str, int | None]], horizon: int
) -> None:
    table = TicketTable(book)
    expected: dict[str, int] = {}
    for ticket, at in changes:
        table.set_deadline(ticket, at)
        if at is None:
            expected.pop(ticket, None)
        else:
            expected[ticket] = at
    due = []
    while (found := table.pop_due(horizon)) is not None:
        due.append(found)
    assert due == sorted((at, ticket) for ticket, at in expected.items() if at <= horizon)
    left = [at for at in expected.values() if at > horizon]
    assert table.next_deadline() == min(left, default=None)


def test_packing_changes_nothing(book: PolicyBook, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        event(type_, f"2026-11-{16 + day:02}T{12 + hour}:00:00Z", f"T-{ticket}")
        for day, type_ in enumerate(["created", "assigned", "waiting_on_client", "resolved"])
        for hour in range(3)
        for ticket in range(10)
    ]
    results = []
    for limit in (10_000, 0):
        monkeypatch.setattr(table_module, "HOT_TICKETS", limit)
        partition = Partition(0, EVENTS.name, book, REPLAY)
        told = []
        for record in laid_out(lines_of(events), EVENTS.name, 1):
            partition.apply(record)
            effects = partition.drain()
            told += [effects.alerts, effects.tickets, effects.stopped]
        partition.advance(2_000_000_000_000)
        told += [partition.drain().alerts, partition.census.tickets, +partition.census.clocks]
        results.append(told)
    assert results[0] == results[1]


def test_a_stricter_policy_of_the_same_version_is_told_at_next_start(
    book: PolicyBook,
) -> None:
    first = Partition(0, EVENTS.name, book, REPLAY)
    created = event("created", "2026-11-23T12:00:00Z", severity="low")
    for record in laid_out(lines_of([created]), EVENTS.name, 1):
        first.apply(record)
    first.advance(parse_instant("2026-11-23T15:30:00Z"))
    stored = first.drain().tickets["T-1"]
    assert stored is not None
    stricter = POLICY.read_text().replace('within = "4h"', 'within = "3h"')
    second = Partition(0, EVENTS.name, PolicyBook([parse_policy(stricter, "mine.toml")]), REPLAY)
    second.resume(first.frontier, first.tally)
    second.restore("T-1", read_stored(stored))
    second.rejudge("T-1")
    effects = second.drain()
    assert [alert.kind for alert in effects.alerts] == [AlertKind.BREACH]
    assert "T-1" in effects.tickets


def test_orphans_are_counted_once(book: PolicyBook) -> None:
    partition = Partition(0, EVENTS.name, book, REPLAY)
    for record in laid_out(lines_of([event("assigned", "2026-11-16T12:00:00Z")]), EVENTS.name, 1):
        partition.apply(record)
    partition.advance(parse_instant("2026-11-23T12:00:00Z"))
    effects = partition.drain()
    assert [letter.reason for letter in effects.dead_letters] == ["orphan"]
    assert sum(effects.results.values()) == partition.tally.events == 1
    assert (partition.tally.applied, partition.tally.dead_letters) == (0, 1)
    assert len(partition.table) == 0


def test_the_heap_does_not_keep_what_is_long_past(book: PolicyBook) -> None:
    table = TicketTable(book)
    for at in range(10_000):
        table.set_deadline("a", at)
    assert len(table._heap) < 2_000
