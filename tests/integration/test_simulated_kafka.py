"""The simulated Kafka behaves like the real one: both pass one test suite."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from support.simulated_kafka import Broker, Faults, SimulatedClients, SimulatedLoop

from sla_kafka.admin import create_topics
from sla_kafka.clients import Clients, KafkaClients, date_fetches
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_schemas.topics import TICKETS, TOPICS

pytestmark = pytest.mark.kafka
Story = Callable[[Clients, int], Awaitable[None]]


#: How often the real one looks for transactions that are open for too long; by itself every 10 s.
LOOKS = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "200"}


@pytest.fixture(scope="module")
def kafka() -> Iterator[EmbeddedKafka]:
    """A real Kafka that ends what is open for too long at once."""
    with EmbeddedKafka(overrides=LOOKS) as running:
        yield running


async def written(
    clients: Clients, name: str, partition: int, *values: bytes, **options: Any
) -> Any:
    """A producer with an open transaction that holds ``values``."""
    producer = clients.producer(transactional_id=name, **options)
    await producer.start()
    await producer.begin_transaction()
    await send(producer, partition, *values)
    return producer


async def send(producer: Any, partition: int, *values: bytes) -> None:
    batch = producer.create_batch()
    for value in values:
        batch.append(timestamp=None, key=b"k" + value, value=value, headers=[])
    batch.close()
    await (await producer.send_batch(batch, TICKETS.name, partition=partition))


async def reading(clients: Clients, partition: int) -> tuple[Any, TopicPartition]:
    """A consumer at the beginning of a partition."""
    consumer = clients.consumer(
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    place = TopicPartition(TICKETS.name, partition)
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    return consumer, place


async def read(consumer: Any, place: TopicPartition, until: int) -> list[bytes]:
    """What is seen on the way to the offset ``until``."""
    found: list[bytes] = []
    for _ in range(200):
        if await consumer.position(place) >= until:
            break
        for records in (await consumer.getmany(timeout_ms=50)).values():
            found += [record.value for record in records]
    assert await consumer.position(place) >= until
    return found


async def a_committed_transaction_is_read_whole_and_its_end_takes_an_offset(
    clients: Clients, partition: int
) -> None:
    producer = await written(clients, f"a-{partition}", partition, b"1", b"2")
    await producer.commit_transaction()
    await producer.stop()
    consumer, place = await reading(clients, partition)
    assert await read(consumer, place, 3) == [b"1", b"2"]
    assert (await consumer.end_offsets([place]))[place] == 3
    await consumer.stop()


async def behind_an_open_transaction_nothing_is_read_and_the_high_watermark_says_so(
    clients: Clients, partition: int
) -> None:
    first = await written(clients, f"b-{partition}", partition, b"1")
    await first.commit_transaction()
    waiting = await written(clients, f"c-{partition}", partition, b"2")
    await first.begin_transaction()
    await send(first, partition, b"3")
    await first.commit_transaction()
    consumer, place = await reading(clients, partition)
    assert await read(consumer, place, 2) == [b"1"]
    for _ in range(5):
        assert await consumer.getmany(timeout_ms=50) == {}
    assert (await consumer.end_offsets([place]))[place] == 2
    assert await consumer.position(place) == 2
    assert consumer.highwater(place) == 5
    await waiting.commit_transaction()
    assert await read(consumer, place, 6) == [b"2", b"3"]
    for client in (first, waiting, consumer):
        await client.stop()


async def a_newer_producer_shuts_the_older_out_and_ends_what_it_left_open(
    clients: Clients, partition: int
) -> None:
    older = await written(clients, f"d-{partition}", partition, b"lost")
    newer = await written(clients, f"d-{partition}", partition, b"kept")

    async def go_on() -> None:
        await send(older, partition, b"too late")
        await older.commit_transaction()

    with pytest.raises(KafkaError):
        await go_on()
    await newer.commit_transaction()
    consumer, place = await reading(clients, partition)
    assert await read(consumer, place, 4) == [b"kept"]
    for client in (older, newer, consumer):
        await client.stop()


async def what_is_open_for_too_long_is_ended_and_its_producer_shut_out(
    clients: Clients, partition: int
) -> None:
    left = await written(clients, f"f-{partition}", partition, b"lost", transaction_timeout_ms=500)
    other = await written(clients, f"g-{partition}", partition, b"kept")
    await other.commit_transaction()
    consumer, place = await reading(clients, partition)
    # Nobody does anything: what is behind it can be read once its time is over.
    assert await read(consumer, place, 4) == [b"kept"]
    with pytest.raises(KafkaError):
        await left.commit_transaction()
    for client in (left, other, consumer):
        await client.stop()


async def a_paused_partition_is_not_fetched_and_a_seek_goes_back(
    clients: Clients, partition: int
) -> None:
    producer = await written(clients, f"e-{partition}", partition, b"1", b"2")
    await producer.commit_transaction()
    await producer.stop()
    consumer, place = await reading(clients, partition)
    assert await read(consumer, place, 3) == [b"1", b"2"]
    consumer.seek(place, 1)
    consumer.pause(place)
    assert await consumer.getmany(timeout_ms=100) == {}
    assert await consumer.position(place) == 1
    consumer.resume(place)
    assert await read(consumer, place, 3) == [b"2"]
    await consumer.stop()


async def what_is_not_assigned_is_refused(clients: Clients, partition: int) -> None:
    consumer, _ = await reading(clients, partition)
    other = TopicPartition(TICKETS.name, partition + 1)
    for refused in (consumer.pause, consumer.resume):
        with pytest.raises(IllegalStateError):
            refused(other)
    with pytest.raises(IllegalStateError):
        consumer.seek(other, 0)
    with pytest.raises(IllegalStateError):
        await consumer.position(other)
    for asked in (consumer.highwater, consumer.last_poll_timestamp):
        with pytest.raises(AssertionError):
            asked(other)
    await consumer.stop()


async def a_poll_is_dated_by_when_it_was_asked_for(clients: Clients, partition: int) -> None:
    producer = await written(clients, f"dated-{partition}", partition, b"1")
    await producer.commit_transaction()
    await producer.stop()
    consumer, place = await reading(clients, partition)
    date_fetches(consumer, lambda: 5)
    assert await read(consumer, place, 2) == [b"1"]
    for _ in range(200):  # a fetch may have been under way before
        if consumer.last_poll_timestamp(place) == 5:
            break
        await consumer.getmany(timeout_ms=50)
    assert consumer.last_poll_timestamp(place) == 5
    await consumer.stop()


STORIES: list[Story] = [
    a_committed_transaction_is_read_whole_and_its_end_takes_an_offset,
    behind_an_open_transaction_nothing_is_read_and_the_high_watermark_says_so,
    a_newer_producer_shuts_the_older_out_and_ends_what_it_left_open,
    what_is_open_for_too_long_is_ended_and_its_producer_shut_out,
    a_paused_partition_is_not_fetched_and_a_seek_goes_back,
    what_is_not_assigned_is_refused,
    a_poll_is_dated_by_when_it_was_asked_for,
]
PARTITIONS = len(STORIES) + 1


def name_of(story: Story) -> str:
    return story.__name__  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("story", STORIES, ids=name_of)
def test_on_the_real_one(kafka: EmbeddedKafka, story: Story) -> None:
    settings = KafkaSettings(bootstrap=kafka.bootstrap)

    async def told() -> None:
        await create_topics(settings, PARTITIONS)
        await asyncio.wait_for(story(KafkaClients(settings), STORIES.index(story)), 30)

    asyncio.run(told())


@pytest.mark.parametrize("story", STORIES, ids=name_of)
@pytest.mark.parametrize("seed", range(5))
def test_on_the_simulated_one(story: Story, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  no secret: a seed that repeats
    broker = Broker(draw, TOPICS, PARTITIONS)
    clients = SimulatedClients(broker, Faults(draw, trouble=0))
    loop = SimulatedLoop()
    try:
        loop.run_until_complete(story(clients, STORIES.index(story)))
    finally:
        loop.close()
