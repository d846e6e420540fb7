"""A broker that forgets to end a transaction, like Apache Kafka 4.3.0 to 4.4.0 when killed between
the decision and the transaction markers: the tracker stops instead of continuing without it.
"""

from __future__ import annotations

import random

import pytest
from aiokafka import TopicPartition
from support import default_book
from support.simulated_kafka import (
    Broker,
    Faults,
    SimulatedClients,
    SimulatedLoop,
    Stored,
    Transaction,
)

from sla_engine.effects import Effects
from sla_engine.partition import Partition
from sla_engine.wire.progress import Counts, write_progress
from sla_schemas.topics import EVENTS, PROGRESS, TICKETS, TOPICS
from sla_tracker.errors import OpenTransactionError
from sla_tracker.restore import restore
from sla_tracker.settings import TrackerSettings
from sla_tracker.transaction import TransactionalWriter


@pytest.mark.parametrize("kept", [[], [PROGRESS.name]], ids=["no marker", "one marker"])
def test_what_is_behind_a_transaction_that_nobody_ends_is_not_forgotten(kept: list[str]) -> None:
    draw = random.Random(1)  # noqa: S311  no secret
    broker = Broker(draw, TOPICS, 1)
    clients = SimulatedClients(broker, Faults(draw, trouble=0))
    settings = TrackerSettings()

    async def told() -> None:
        writer = TransactionalWriter(0, clients, settings)
        await writer.fence()
        tickets: dict[str, bytes | None] = {"T-1": b'{"timeline": []}'}
        await writer.write(Effects(tickets=tickets), 1, write_progress(1, 0, Counts(), 1, 1))
        lose_markers(broker, kept)
        successor = TransactionalWriter(0, clients, settings)
        await successor.fence()
        world = Partition(0, EVENTS.name, default_book())
        with pytest.raises(OpenTransactionError, match="after a transaction at 0"):
            await restore(world, clients, settings, 1)

    loop = SimulatedLoop()
    try:
        loop.run_until_complete(told())
    finally:
        loop.close()


def lose_markers(broker: Broker, kept: list[str]) -> None:
    """Take the end of the only transaction away, but on the topics ``kept``."""
    for topic in (TICKETS.name, PROGRESS.name):
        if topic in kept:
            continue
        log = broker.logs[TopicPartition(topic, 0)]
        stays_open = Transaction()
        log.stored = [
            Stored(each.offset, each.record, stays_open)
            for each in log.stored
            if each.record is not None
        ]
        log.end -= 1
