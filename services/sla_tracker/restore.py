"""Restoring a partition from its tables: the tickets, and how far the input was processed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from sla_domain.counting import counted
from sla_domain.errors import UnknownPolicyError
from sla_engine.memory import NewerStateError, NotOursError, read_stored
from sla_engine.partition import Partition
from sla_engine.wire.progress import Progress, read_progress
from sla_kafka.clients import Clients, let_go
from sla_schemas.topics import EVENTS, PROGRESS, TICKETS
from sla_tracker.errors import FatalError, OpenTransactionError
from sla_tracker.settings import TrackerSettings

#: Tickets restored before the event loop gets a turn.
_BREATH: Final = 200


async def restore(
    partition: Partition, clients: Clients, settings: TrackerSettings, partitions: int
) -> int | None:
    """Fill ``partition``, one of ``partitions``, with its committed state; returns the next input
    offset, ``None`` for the beginning.

    Tickets that were last evaluated under other policies are evaluated again. Call it only after
    the fence: before it, an older owner may still commit. Raises ``FatalError`` if the tracker
    can't continue from that state (see ``_check`` and ``_check_read``), and
    ``OpenTransactionError``.
    """
    tickets = TopicPartition(TICKETS.name, partition.number)
    progress = TopicPartition(PROGRESS.name, partition.number)
    consumer = clients.consumer(
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        # Each table is fetched at least once, and an empty answer should come quickly.
        fetch_max_wait_ms=10,
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    latest: Progress | None = None
    unread: dict[str, Exception] = {}
    try:
        await asyncio.wait_for(consumer.start(), settings.call_seconds)
        async with asyncio.timeout(settings.restore_seconds):
            async for records in _committed(consumer, progress, settings.call_seconds):
                latest = _latest(records, settings.app) or latest
            if latest is not None:
                partition.resume(latest.frontier, latest.counts)
            async for records in _committed(consumer, tickets, settings.call_seconds):
                await _put_back(partition, records, unread)
    finally:
        await let_go(consumer, settings.call_seconds)
    _check_read(partition, unread)
    _check(partition, latest, partitions, settings.app)
    if latest is None:
        return None
    if latest.rules != partition.rules:
        await _judge_anew(partition)
    return latest.offset


def _check(partition: Partition, latest: Progress | None, partitions: int, app: str) -> None:
    """Raise ``FatalError`` if table and progress do not belong together: continuing would send
    alerts again, or never.
    """
    number, tickets = partition.number, len(partition.table)
    if latest is None:
        if not tickets:
            return
        raise FatalError(
            f"partition {number} has {counted(tickets, 'ticket')} in {TICKETS.name} but no "
            f"progress of {app!r} in {PROGRESS.name}; start the tracker under its previous name "
            "(SLA_TRACKER_APP), or delete and recreate both topics to start over"
        )
    if latest.partitions not in (None, partitions):
        raise FatalError(
            f"{EVENTS.name} has {counted(partitions, 'partition')} and had {latest.partitions}, so "
            "tickets and their events are no longer on the same partition; the number is fixed for "
            "life: copy the events to new topics with the number of partitions you want"
        )
    if latest.tickets not in (None, tickets):
        raise FatalError(
            f"partition {number} has {counted(tickets, 'ticket')} in {TICKETS.name}, but "
            f"{latest.tickets:,} had been written: the topic was deleted, or records were removed "
            "other than by compaction; restore its records, or delete and recreate the tracker's "
            "topics to start over"
        )


async def _put_back(
    partition: Partition, records: list[ConsumerRecord], unread: dict[str, Exception]
) -> None:
    """Restore each ticket; one that can't be read goes to ``unread``, until a later record of the
    same ticket replaces it.
    """
    for number, record in enumerate(records):
        if number % _BREATH == 0:
            # Heartbeats are sent from the same loop; without them, the group expels us.
            await asyncio.sleep(0)
        ticket_id = record.key.decode()
        unread.pop(ticket_id, None)
        try:
            if record.value is None:
                partition.evict(ticket_id)
            else:
                partition.restore(ticket_id, read_stored(record.value))
        except (NewerStateError, NotOursError, ValueError) as error:
            unread[ticket_id] = error


def _check_read(partition: Partition, unread: dict[str, Exception]) -> None:
    """Raise ``FatalError`` for a ticket that a newer version wrote, or that no tracker wrote."""
    for ticket_id, error in unread.items():
        if isinstance(error, NewerStateError):
            raise FatalError(f"ticket {ticket_id} in {TICKETS.name} has {error}")
        raise FatalError(
            f"the record of ticket {ticket_id} in {TICKETS.name} partition {partition.number} was "
            f"not written by a tracker ({error}); only trackers may write there: restore the record"
        )


async def _judge_anew(partition: Partition) -> None:
    """Evaluate all tickets again. Raises ``FatalError`` for one whose policy is missing."""
    for number, ticket_id in enumerate(partition.table.ids()):
        if number % _BREATH == 0:
            await asyncio.sleep(0)
        try:
            partition.rejudge(ticket_id)
        except UnknownPolicyError as error:
            raise FatalError(str(error)) from None


async def _committed(
    consumer: AIOKafkaConsumer, partition: TopicPartition, limit: float
) -> AsyncIterator[list[ConsumerRecord]]:
    """All records of a table, up to its current end. Raises ``OpenTransactionError``."""
    consumer.assign([partition])
    end = (await asyncio.wait_for(consumer.end_offsets([partition]), limit))[partition]
    await asyncio.wait_for(consumer.seek_to_beginning(partition), limit)
    while await consumer.position(partition) < end or consumer.highwater(partition) is None:
        yield (await consumer.getmany(timeout_ms=20)).get(partition, [])
    await _check_ended(consumer, partition)


async def _check_ended(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    """Raise ``OpenTransactionError`` unless everything in a table was committed or aborted. Only we
    write there, and the fence has ended what was open. The broker has lost track of a transaction
    that is still open, and the end of the next transaction would expose its records.
    """
    read, end = await consumer.position(partition), consumer.highwater(partition)
    if read < end:
        raise OpenTransactionError(
            f"{partition.topic} partition {partition.partition} has records up to offset {end} "
            f"after a transaction at {read} that will never end: brokers 4.3.0 to 4.4.0 can lose "
            "the end of a transaction in a crash (docs/reliability.md)"
        )


def _latest(records: list[ConsumerRecord], app: str) -> Progress | None:
    own = [record for record in records if record.key == app.encode() and record.value]
    try:
        return read_progress(own[-1].value) if own else None
    except NewerStateError as error:
        raise FatalError(f"the progress in {PROGRESS.name} has {error}") from None
