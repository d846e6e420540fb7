"""Reading whole topics, outside any consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from sla_kafka.admin import BrokerError
from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings


@asynccontextmanager
async def follower(
    settings: KafkaSettings, topics: Sequence[str], isolation_level: str = "read_committed"
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer outside any group on whole topics, from their beginning.

    Raises ``BrokerError`` if no broker answers, it refuses, or the first topic is missing.
    """
    consumer = AIOKafkaConsumer(
        *topics,
        **settings.client_options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=isolation_level,
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    try:
        await consumer.start()
        if not consumer.assignment():
            raise BrokerError(
                f"topic {topics[0]} is missing at {settings.bootstrap}; "
                "create it with 'sla topics create'"
            )
        yield consumer
    except KafkaConnectionError as error:
        raise BrokerError(
            f"no broker answers at {settings.bootstrap}; start one with 'sla kafka', or name "
            "another with --bootstrap"
        ) from error
    except KafkaError as error:
        raise BrokerError(
            f"{topics[0]} can't be read from the broker at {settings.bootstrap} "
            f"({type(error).__name__}: {error}); 'sla doctor' shows what is missing"
        ) from error
    finally:
        await consumer.stop()


async def end_offsets(settings: KafkaSettings, topic: str) -> dict[TopicPartition, int]:
    """The current end offsets of a topic's partitions, including open transactions.

    A commit that is visible on one partition may not be on another yet, so to get all of it, read
    up to here and not only up to what is committed at the moment.
    """
    async with follower(settings, [topic], isolation_level="read_uncommitted") as consumer:
        return dict(await consumer.end_offsets(consumer.assignment()))


async def read_topic(
    settings: KafkaSettings,
    topic: str,
    starts: dict[TopicPartition, int] | None = None,
    home_of: bytes | None = None,
) -> list[ConsumerRecord]:
    """All committed records of ``topic``, by partition and offset, from ``starts`` on.

    With ``home_of``, only those of the partition that this key belongs to.
    """
    ends = await end_offsets(settings, topic)
    if home_of is not None:
        home = TopicPartition(topic, partition_for(home_of, len(ends)))
        ends = {home: ends[home]}
    async with follower(settings, [topic]) as consumer:
        consumer.pause(*(consumer.assignment() - ends.keys()))
        for partition, start in (starts or dict.fromkeys(ends, 0)).items():
            consumer.seek(partition, start)
        found: dict[TopicPartition, list[ConsumerRecord]] = {partition: [] for partition in ends}
        while True:
            positions = [await consumer.position(partition) for partition in ends]
            if all(at >= end for at, end in zip(positions, ends.values(), strict=True)):
                return [
                    record
                    for partition in sorted(found, key=lambda partition: partition.partition)
                    for record in found[partition]
                ]
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                found[partition] += records
