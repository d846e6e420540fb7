"""A restored table: the last row of each ticket, as evaluated, unless the policies changed."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest
from support import POLICY, default_book, event, lines_of
from support.simulated_kafka import Broker, Faults, SimulatedClients, SimulatedLoop

from sla_domain.alert import AlertKind
from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.effects import Effects
from sla_engine.frontier import REPLAY
from sla_engine.partition import Partition
from sla_engine.wire.progress import write_progress
from sla_lab.recording import laid_out
from sla_policy.loading import parse_policy
from sla_schemas.topics import EVENTS, TOPICS
from sla_tracker.restore import restore
from sla_tracker.settings import TrackerSettings
from sla_tracker.transaction import TransactionalWriter

#: An hour sooner than the promise of the default policy for a ticket of low severity.
STRICTER = PolicyBook(
    [parse_policy(POLICY.read_text().replace('within = "4h"', 'within = "3h"'), "mine.toml")]
)


def on_a_broker(story: Callable[[SimulatedClients], Awaitable[None]]) -> None:
    """Run ``story`` on a simulated broker where nothing goes wrong."""
    draw = random.Random(1)  # noqa: S311  no secret
    clients = SimulatedClients(Broker(draw, TOPICS, 1), Faults(draw, trouble=0))
    loop = SimulatedLoop()
    try:
        loop.run_until_complete(story(clients))
    finally:
        loop.close()


def half_past_three() -> Partition:
    """Two tickets of low severity, three and a half hours old."""
    partition = Partition(0, EVENTS.name, default_book(), REPLAY)
    created = [
        event("created", "2026-11-23T12:00:00Z", name, severity="low") for name in ("A", "B")
    ]
    for record in laid_out(lines_of(created), EVENTS.name, 1):
        partition.apply(record)
    partition.advance(parse_instant("2026-11-23T15:30:00Z"))
    return partition


async def stored(clients: SimulatedClients, partition: Partition, *units: Effects) -> None:
    """Write ``units`` as a tracker does."""
    writer = TransactionalWriter(0, clients, TrackerSettings())
    await writer.fence()
    for unit in units:
        progress = write_progress(
            2, partition.frontier, partition.tally, len(partition.table), 1, rules=partition.rules
        )
        await writer.write(unit, 2, progress)


@pytest.mark.parametrize("changed", [False, True], ids=["same policy", "stricter policy"])
def test_what_a_changed_policy_owes_is_told_at_once(changed: bool) -> None:  # noqa: FBT001
    async def told(clients: SimulatedClients) -> None:
        partition = half_past_three()
        await stored(clients, partition, partition.drain())
        again = Partition(0, EVENTS.name, STRICTER if changed else default_book(), REPLAY)
        assert await restore(again, clients, TrackerSettings(), 1) == 2
        effects = again.drain()
        owed = [AlertKind.BREACH] * 2 if changed else []
        assert [alert.kind for alert in effects.alerts] == owed
        assert sorted(effects.tickets) == (["A", "B"] if changed else [])
        if not changed:
            assert again.table.next_deadline() == partition.table.next_deadline()
            assert again.census.tickets == partition.census.tickets

    on_a_broker(told)


def test_only_the_last_row_of_a_ticket_counts_and_none_of_one_that_left() -> None:
    async def told(clients: SimulatedClients) -> None:
        partition = half_past_three()
        first = partition.drain()
        moved = [event("assigned", "2026-11-23T15:31:00Z", "A")]
        for record in laid_out(lines_of(moved), EVENTS.name, 1):
            partition.apply(record)
        second = partition.drain()
        partition.table.remove("B")
        await stored(clients, partition, first, second, Effects(tickets={"B": None}))
        again = Partition(0, EVENTS.name, default_book(), REPLAY)
        await restore(again, clients, TrackerSettings(), 1)
        assert again.table.ids() == ["A"]
        assert again.table.deadline("A") == partition.table.deadline("A")
        assert +again.census.tickets == {("open", "low"): 1}
        entry = again.table.get("A")
        assert entry is not None
        assert len(entry.ticket.timeline) == 2

    on_a_broker(told)
