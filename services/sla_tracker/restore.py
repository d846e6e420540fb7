"""Reading a partition's tables back: the tickets, and how far they had come."""

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

#: Tickets put back between two looks at what else the event loop has to do.
_BREATH: Final = 200


async def restore(
    partition: Partition, clients: Clients, settings: TrackerSettings, partitions: int
) -> int | None:
    """Fill ``partition``, one of ``partitions``, with what is committed for it; answers the next
    input offset, ``None`` for the beginning.

    Tickets that were last judged under other policies are judged anew. Call it only after the
    fence: before it an older owner may still commit. Raises ``FatalError`` where what is found
    can't be gone on from: see ``_check`` and ``_check_read``; and ``OpenTransactionError``.
    """
    tickets = TopicPartition(TICKETS.name, partition.number)
    progress = TopicPartition(PROGRESS.name, partition.number)
    consumer = clients.consumer(
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        # Each table is fetched at least once, and an empty answer is not to be waited for long.
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
    """Raise ``FatalError`` where table and progress are not those of one uninterrupted run: going
    on would send alerts again, or never.
    """
    number, tickets = partition.number, len(partition.table)
    if latest is None:
        if not tickets:
            return
        raise FatalError(
            f"partition {number} has {counted(tickets, 'ticket')} in {TICKETS.name} but no "
            f"progress of {app!r} in {PROGRESS.name}; start the tracker under the "
            "name it ran by (SLA_TRACKER_APP), or delete and create both topics to begin anew"
        )
    if latest.partitions not in (None, partitions):
        raise FatalError(
            f"{EVENTS.name} has {counted(partitions, 'partition')} and had {latest.partitions}, so "
            "that tickets and their events no longer meet; the number is fixed for life: copy the "
            "events to new topics with the number wanted"
        )
    if latest.tickets not in (None, tickets):
        raise FatalError(
            f"partition {number} has {counted(tickets, 'ticket')} in {TICKETS.name} of the "
            f"{latest.tickets:,} that were written: the topic was deleted, or cleaned otherwise "
            "than by compaction; bring its records back, or delete and create the tracker's topics "
            "to begin anew"
        )


async def _put_back(
    partition: Partition, records: list[ConsumerRecord], unread: dict[str, Exception]
) -> None:
    """Restore each ticket; what can't be read goes to ``unread``, until a later record of its
    ticket takes its place.
    """
    for number, record in enumerate(records):
        if number % _BREATH == 0:
            # Heartbeats go out from the same loop; without them the group gives us up.
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
            f"the record of ticket {ticket_id} in {TICKETS.name} partition {partition.number} is "
            f"not a tracker's ({error}); only trackers may write there: bring the record back"
        )


async def _judge_anew(partition: Partition) -> None:
    """Raises ``FatalError`` for a ticket whose policy is missing."""
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
    """All records of a table, up to the end that it has now. Raises ``OpenTransactionError``."""
    consumer.assign([partition])
    end = (await asyncio.wait_for(consumer.end_offsets([partition]), limit))[partition]
    await asyncio.wait_for(consumer.seek_to_beginning(partition), limit)
    while await consumer.position(partition) < end or consumer.highwater(partition) is None:
        yield (await consumer.getmany(timeout_ms=20)).get(partition, [])
    await _check_ended(consumer, partition)


async def _check_ended(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    """Raise ``OpenTransactionError`` unless everything in a table was committed or aborted. We
    alone write there, and the fence has ended what was under way; what is still open was lost
    sight of, and the end of the next transaction would let it through.
    """
    read, end = await consumer.position(partition), consumer.highwater(partition)
    if read < end:
        raise OpenTransactionError(
            f"{partition.topic} partition {partition.partition} goes on to {end} behind a "
            f"transaction at {read} that nobody will end: brokers 4.3.0 to 4.4.0 lose the end of "
            "one in a crash (docs/reliability.md)"
        )


def _latest(records: list[ConsumerRecord], app: str) -> Progress | None:
    own = [record for record in records if record.key == app.encode() and record.value]
    try:
        return read_progress(own[-1].value) if own else None
    except NewerStateError as error:
        raise FatalError(f"the progress in {PROGRESS.name} has {error}") from None
