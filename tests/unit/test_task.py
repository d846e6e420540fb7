"""What a partition's task does when things go wrong around it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from prometheus_client import CollectorRegistry
from support import event, lines_of

from sla_cli.recording import laid_out
from sla_domain.policy import PolicyBook
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

    def pause(self, partition: TopicPartition) -> None:
        if not self.owns:
            raise IllegalStateError(f"No current assignment for partition {partition}")
        self.paused = True


def task_of(consumer: Consumer, book: PolicyBook) -> PartitionTask:
    return PartitionTask(
        TopicPartition(EVENTS.name, 0),
        consumer,
        book,
        KafkaSettings(),
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
