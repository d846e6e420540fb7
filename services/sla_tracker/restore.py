"""Reading a partition's tables back: the tickets, and how far they had come."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from sla_domain.ticket import UnknownPolicyError
from sla_kafka.clients import Clients
from sla_kafka.topics import PROGRESS, TICKETS
from sla_tracker.errors import FatalError
from sla_tracker.partition import Partition
from sla_tracker.settings import TrackerSettings
from sla_tracker.wire.tables import Progress, read_progress, read_stored


async def restore(world: Partition, clients: Clients, settings: TrackerSettings) -> int | None:
    """Fill ``world`` with what is committed for its partition; answers the next input offset,
    ``None`` for the beginning.

    Call it only after the fence: before it an older owner may still commit. Raises ``FatalError``
    where there are tickets but no progress, since going on from the beginning would send every
    alert again, and where a ticket's policy is missing.
    """
    tickets = TopicPartition(TICKETS.name, world.number)
    progress = TopicPartition(PROGRESS.name, world.number)
    values: dict[str, bytes] = {}
    latest: Progress | None = None
    consumer = clients.consumer(
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    limit = settings.call_seconds
    try:
        await asyncio.wait_for(consumer.start(), limit)
        consumer.assign([tickets, progress])
        ends = await asyncio.wait_for(consumer.end_offsets([tickets, progress]), limit)
        await asyncio.wait_for(consumer.seek_to_beginning(tickets, progress), limit)
        async with asyncio.timeout(settings.restore_seconds):
            while not await _reached(consumer, ends):
                for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                    if partition == tickets:
                        _take_in(values, records)
                    else:
                        latest = _latest(records, settings.app) or latest
    finally:
        await asyncio.wait_for(consumer.stop(), limit)
    if latest is None and values:
        raise FatalError(
            f"partition {world.number} has {len(values)} tickets in {TICKETS.name} but no "
            f"progress of {settings.app!r} in {PROGRESS.name}; start the tracker under the "
            "name it ran by (SLA_TRACKER_APP), or delete and create both topics to begin anew"
        )
    if latest is None:
        return None
    world.resume(latest.frontier, latest.counts)
    try:
        for ticket_id, value in values.items():
            world.restore(ticket_id, read_stored(value))
    except UnknownPolicyError as error:
        raise FatalError(str(error)) from None
    return latest.offset


async def _reached(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def _take_in(values: dict[str, bytes], records: list[ConsumerRecord]) -> None:
    for record in records:
        ticket_id = record.key.decode()
        if record.value is None:
            values.pop(ticket_id, None)
        else:
            values[ticket_id] = record.value


def _latest(records: list[ConsumerRecord], app: str) -> Progress | None:
    own = [record for record in records if record.key == app.encode() and record.value]
    return read_progress(own[-1].value) if own else None
