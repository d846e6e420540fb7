"""What a partition's task does when things go wrong around it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from prometheus_client import CollectorRegistry
from support import event, lines_of

from sla_cli.recording import laid_out
from sla_domain.policy import PolicyBook
from sla_kafka.clients import KafkaClients
from sla_kafka.settings import KafkaSettings
from sla_kafka.topics import EVENTS
from sla_tracker import task as task_module
from sla_tracker.errors import FatalError
from sla_tracker.metrics import TrackerMetrics
from sla_tracker.partition import REPLAY, Partition
from sla_tracker.settings import TrackerSettings
from sla_tracker.task import PartitionTask


class Consumer:
    """A consumer that owns the partition, or does no longer."""

    def __init__(self, *, owns: bool) -> None:
        self.owns = owns
        self.paused = False
        self.placed_at: int | None = None
        self.at = self.end = 0

    def pause(self, partition: TopicPartition) -> None:
        self._mine(partition)
        self.paused = True

    def resume(self, partition: TopicPartition) -> None:
        self._mine(partition)
        self.paused = False

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._mine(partition)
        self.placed_at = offset

    async def beginning_offsets(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    def last_poll_timestamp(self, partition: TopicPartition) -> int:
        return 1_000

    def highwater(self, partition: TopicPartition) -> int:
        assert self.owns, "Partition is not assigned"
        return self.end

    async def position(self, partition: TopicPartition) -> int:
        return self.at

    def _mine(self, partition: TopicPartition) -> None:
        if not self.owns:
            raise IllegalStateError(f"No current assignment for partition {partition}")


def task_of(consumer: Consumer, book: PolicyBook) -> PartitionTask:
    return PartitionTask(
        TopicPartition(EVENTS.name, 0),
        consumer,
        book,
        KafkaClients(KafkaSettings()),
        TrackerSettings(max_failures=3),
        TrackerMetrics(book, CollectorRegistry()),
    )


async def test_a_partition_lost_while_failing_ends_its_task_and_nothing_else(
    book: PolicyBook,
) -> None:
    assert not await task_of(Consumer(owns=False), book)._begin_again(KafkaError())


async def test_failing_again_and_again_without_a_commit_is_fatal(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_module, "_BACKOFF_SECONDS", (0.0,))
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    assert await task._begin_again(KafkaError("one"))
    assert await task._begin_again(KafkaError("two"))
    assert consumer.paused
    with pytest.raises(FatalError, match="failed 3 times without a commit"):
        await task._begin_again(KafkaError("three"))


def test_a_scrape_only_reads_since_it_runs_in_another_thread(book: PolicyBook) -> None:
    task = task_of(Consumer(owns=True), book)
    world = task.world = Partition(0, EVENTS.name, book, REPLAY)
    for record in laid_out(lines_of([event("created", "2026-11-23T12:00:00Z")]), EVENTS.name, 1):
        world.apply(record)
    world.take()
    earliest = world.next_deadline
    world.table.set_deadline("T-1", 4_000_000_000_000)  # what was first in the heap is stale now
    before = list(world.table._heap)
    registry = CollectorRegistry()
    TrackerMetrics(book, registry).watch(SimpleNamespace(tasks={0: task}))
    told = registry.get_sample_value("sla_next_deadline_timestamp_seconds")
    assert earliest is not None
    assert told == earliest / 1000
    assert world.table._heap == before


async def seeking(task: PartitionTask, offset: int) -> asyncio.Task[int]:
    """A task that waits to be placed at ``offset``."""
    opening = asyncio.create_task(task._seek(offset))
    for _ in range(20):
        await asyncio.sleep(0)
    assert task._begin_at == offset
    return opening


async def test_what_was_fetched_before_the_partition_was_placed_is_dropped(
    book: PolicyBook,
) -> None:
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    opening = await seeking(task, 3)
    further_on = list(laid_out(lines_of([event("created", "2026-11-23T12:00:00Z")] * 6), "t", 1))
    task.deliver(further_on[5:])
    task.place()
    assert await opening == consumer.placed_at == 3
    task.deliver(further_on[3:])
    assert [record.offset for record in task._next_batch()] == [3, 4, 5]


async def test_a_partition_that_is_lost_while_it_opens_is_not_placed(book: PolicyBook) -> None:
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    opening = await seeking(task, 3)
    consumer.owns = False
    task.place()
    assert not opening.done()
    opening.cancel()


async def test_the_world_is_known_up_to_the_poll_only_where_nothing_waits_behind_a_transaction(
    book: PolicyBook,
) -> None:
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    task.world = Partition(0, EVENTS.name, book, REPLAY)
    task._paused = False
    consumer.at, consumer.end = 4, 5
    await task.polled()
    assert task._known_until is None
    consumer.at = 5
    await task.polled()
    assert task._known_until == 1_000
    consumer.owns = False
    await task.polled()
    assert task._known_until is None
