"""How a partition's task reacts to failures around it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from support import event, lines_of

from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.frontier import DEFAULT_GRACE, REPLAY, TimeRule
from sla_engine.partition import Partition
from sla_kafka.admin import BrokerError, TopicState
from sla_kafka.clients import KafkaClients
from sla_kafka.settings import KafkaSettings
from sla_lab.recording import laid_out
from sla_schemas.topics import EVENTS
from sla_tracker import guards, inbox
from sla_tracker import task as task_module
from sla_tracker import tracker as tracker_module
from sla_tracker.broker_clock import BrokerClock, uptime_ms
from sla_tracker.errors import FatalError
from sla_tracker.health import Health
from sla_tracker.metrics import TrackerMetrics
from sla_tracker.settings import TrackerSettings
from sla_tracker.state import State
from sla_tracker.task import PartitionTask
from sla_tracker.tracker import Tracker


class Consumer:
    """A consumer that owns the partition, or does no longer."""

    def __init__(self, *, owns: bool) -> None:
        self.owns = owns
        self.paused = False
        self.placed_at: int | None = None
        self.at = self.end = self.beginning = 0

    def pause(self, partition: TopicPartition) -> None:
        self._mine(partition)
        self.paused = True

    def resume(self, partition: TopicPartition) -> None:
        self._mine(partition)
        self.paused = False

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._mine(partition)
        self.placed_at = offset

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    async def beginning_offsets(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.beginning)

    def last_poll_timestamp(self, partition: TopicPartition) -> int:
        return uptime_ms()

    def highwater(self, partition: TopicPartition) -> int:
        assert self.owns, "Partition is not assigned"
        return self.end

    async def position(self, partition: TopicPartition) -> int:
        return self.at

    def _mine(self, partition: TopicPartition) -> None:
        if not self.owns:
            raise IllegalStateError(f"No current assignment for partition {partition}")


class Answering(KafkaClients):
    """Clients of a broker that answers: all is well with its topics."""

    def __init__(self) -> None:
        super().__init__(KafkaSettings())
        self.answers = True

    async def topic_states(self) -> Sequence[TopicState]:
        if not self.answers:
            raise BrokerError("nobody is there")
        return []


def task_of(
    consumer: Consumer, book: PolicyBook, clients: KafkaClients | None = None
) -> PartitionTask:
    return PartitionTask(
        TopicPartition(EVENTS.name, 0),
        consumer,
        book,
        clients or Answering(),
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
    monkeypatch.setattr(guards, "_BACKOFF_SECONDS", (0.0,))
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    assert await task._begin_again(KafkaError("one"))
    assert await task._begin_again(KafkaError("two"))
    assert consumer.paused
    with pytest.raises(FatalError, match="failed 3 times without a commit"):
        await task._begin_again(KafkaError("three"))


async def test_failing_without_a_broker_is_waited_out(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "_BACKOFF_SECONDS", (0.0,))
    clients = Answering()
    clients.answers = False
    task = task_of(Consumer(owns=True), book, clients)
    for _ in range(20):
        assert await task._begin_again(KafkaError("away"))
    clients.answers = True
    assert await task._begin_again(KafkaError("one"))
    assert await task._begin_again(KafkaError("two"))
    with pytest.raises(FatalError, match="failed 3 times without a commit"):
        await task._begin_again(KafkaError("three"))


def test_a_scrape_only_reads_since_it_runs_in_another_thread(book: PolicyBook) -> None:
    task = task_of(Consumer(owns=True), book)
    partition = task.partition = Partition(0, EVENTS.name, book, REPLAY)
    for record in laid_out(lines_of([event("created", "2026-11-23T12:00:00Z")]), EVENTS.name, 1):
        partition.apply(record)
    partition.drain()
    task._note()
    earliest = partition.next_deadline
    partition.table.set_deadline(
        "T-1", 4_000_000_000_000
    )  # what was first in the heap is stale now
    before = list(partition.table._heap)
    registry = CollectorRegistry()
    TrackerMetrics(book, registry).watch(
        SimpleNamespace(tasks={0: task}, input_partitions=lambda: 1)
    )
    told = registry.get_sample_value("sla_next_deadline_timestamp_seconds")
    assert earliest is not None
    assert told == earliest / 1000
    assert partition.table._heap == before


async def seeking(task: PartitionTask, offset: int) -> asyncio.Task[int]:
    """A task that waits to be placed at ``offset``."""
    opening = asyncio.create_task(task._begin(offset))
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
    task.seek()
    assert await opening == consumer.placed_at == 3
    task.deliver(further_on[3:])
    assert [record.offset for record in task._inbox.next_batch(task._settings.batch_records)] == [
        3,
        4,
        5,
    ]


async def test_a_partition_that_is_lost_while_it_opens_is_not_placed(book: PolicyBook) -> None:
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    opening = await seeking(task, 3)
    consumer.owns = False
    task.seek()
    assert not opening.done()
    opening.cancel()


async def test_a_poll_moves_nothing_while_records_wait_behind_a_transaction(
    book: PolicyBook,
) -> None:
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    task.partition = Partition(0, EVENTS.name, book, REPLAY)
    task._paused = False
    task._clock = BrokerClock()
    task._clock.observe(1_000)
    task.partition.next_deadline = -DEFAULT_GRACE
    consumer.at, consumer.end = 4, 5
    await task.polled()
    assert task._known_until is None
    consumer.at = 5
    await task.polled()
    assert task._known_until is not None
    assert 990 <= task._known_until < 6_000
    task.partition.next_deadline = None
    await task.polled()
    assert task._known_until is None, "nothing is due, and it was shown a moment ago"
    task.partition.next_deadline = -DEFAULT_GRACE
    consumer.owns = False
    await task.polled()
    assert task._known_until is None


async def test_records_deleted_unread_end_a_tracker_and_a_transactions_end_not(
    book: PolicyBook,
) -> None:
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    task._position.offset = 7
    consumer.beginning = 3
    await task._position.check_gap(9)
    consumer.beginning = 9
    await task._position.check_gap(7)
    with pytest.raises(FatalError, match=r"records 7 to 8 .* were deleted.*SLA_TRACKER_SKIP"):
        await task._position.check_gap(9)
    task._position._settings = TrackerSettings(skip_deleted=True)
    await task._position.check_gap(9)


async def test_a_batch_and_what_waits_are_bounded_by_bytes_too(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = Consumer(owns=True)
    task = task_of(consumer, book)
    records = list(laid_out(lines_of([event("created", "2026-11-23T12:00:00Z")] * 6), "t", 1))
    size = len(records[0].key) + len(records[0].value)
    monkeypatch.setattr(inbox, "BATCH_BYTES", 2 * size)
    monkeypatch.setattr(inbox, "INBOX_BYTES", 5 * size)
    opening = await seeking(task, 0)
    task.seek()
    await opening
    task.deliver(records[:5])
    assert not consumer.paused
    task.deliver(records[5:])
    assert consumer.paused
    partition = Partition(0, EVENTS.name, book, TimeRule(0))
    first = task._inbox.next_batch(task._settings.batch_records)
    assert [record.offset for record in first] == [0, 1]
    task._apply(partition, first)
    assert consumer.paused, "more than half of what may wait is there"
    second = task._inbox.next_batch(task._settings.batch_records)
    assert consumer.paused, "some of it may be put back"
    task._apply(partition, second)
    assert not consumer.paused
    assert task._inbox.bytes == 2 * size


async def test_a_batch_is_cut_where_too_many_deadlines_are_due_before_a_record(
    book: PolicyBook,
) -> None:
    task = task_of(Consumer(owns=True), book)
    task._settings = TrackerSettings(batch_records=5)
    hour = 3_600_000
    created = [
        event("created", "2026-11-23T12:00:00Z", f"T-{number}", severity="blocker")
        for number in range(12)
    ]
    lines = lines_of([*created, event("assigned", "2026-11-23T18:00:00Z", "T-0")])
    partition = Partition(0, EVENTS.name, book, TimeRule(0))
    batch = list(laid_out(lines, EVENTS.name, 1))
    noon = parse_instant("2026-11-23T12:00:00Z")
    batch = [record._replace(timestamp=noon) for record in batch]
    batch[-1] = batch[-1]._replace(timestamp=noon + 6 * hour)
    task._apply(partition, batch)
    alerts = [len(partition.drain().alerts)]
    while task._inbox:
        task._apply(partition, task._inbox.next_batch(task._settings.batch_records))
        alerts.append(len(partition.drain().alerts))
    assert task._position.offset == 13
    assert (task._inbox.bytes, len(task._inbox)) == (0, 0), "what was put back is counted once"
    # Three warnings and the breach of the response, three warnings of the resolution, each once.
    assert sum(alerts) == 12 * 7
    assert max(alerts) <= 12, "those of one instant stay together"
    assert len(alerts) > 2
    assert partition.frontier == batch[-1].timestamp - 1


class Lives:
    """A partition's lives on a broker of which a test says what fails: what a restore or a write
    does next, the last of them again and again.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.restores: list[Callable[[], Awaitable[None]]] = [_nothing]
        self.writes: list[Callable[[], Awaitable[None]]] = [_nothing]
        #: From where it reads on.
        self.offset = 0
        lives = self

        class Writer:
            def __init__(self, *_: object) -> None:
                self.clock = BrokerClock()

            async def fence(self) -> None:
                """Nobody else is there."""

            async def write(self, *_: object) -> None:
                await lives.next_of(lives.writes)
                self.clock.observe(1_000)

            async def close(self) -> None:
                """Nothing is to be let go of."""

        async def restore(*_: object) -> int:
            await lives.next_of(lives.restores)
            return lives.offset

        monkeypatch.setattr(guards, "_BACKOFF_SECONDS", (0.0,))
        monkeypatch.setattr(task_module, "TransactionalWriter", Writer)
        monkeypatch.setattr(task_module, "restore", restore)

    @staticmethod
    async def next_of(steps: list[Callable[[], Awaitable[None]]]) -> None:
        await (steps.pop(0) if len(steps) > 1 else steps[0])()


async def _nothing() -> None:
    """All is well."""


async def dispatched(task: PartitionTask, consumer: Consumer, until: Callable[[], bool]) -> None:
    """What the dispatcher does, until it is so: places, hands over the one record, and polls."""
    [record] = laid_out(lines_of([event("created", "2026-11-23T12:00:00Z")]), EVENTS.name, 1)
    async with asyncio.timeout(10):
        while not until():
            task.seek()
            if task._sought.is_set() and consumer.placed_at == 0:
                task.deliver([record])
                consumer.at = consumer.end = 1
                consumer.placed_at = None
            await task.polled()
            # As long as a fetch may take: the task has its turns.
            await asyncio.sleep(0.001)


@asynccontextmanager
async def living(task: PartitionTask) -> AsyncIterator[None]:
    """The task at work."""
    task.start(print)
    try:
        yield
    finally:
        await task.stop(1)


async def test_a_partition_that_failed_is_told_as_failed_until_it_comes_on(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives, consumer = Lives(monkeypatch), Consumer(owns=True)
    task = task_of(consumer, book)
    seen: list[tuple[State, bool]] = []

    async def look() -> None:
        # That everything was read does not say that it will be committed.
        await task.polled()
        seen.append((task.progress.state, task.progress.stalled() > 60))

    async def fail() -> None:
        if not task.progress.restarts:
            task.progress.made_at -= 100
        await look()
        raise KafkaError("one topic takes nothing")

    lives.restores = [look]
    # The first commit of a life says only that it is opened; the second is that of the record.
    lives.writes = [look, fail, look, fail, look, look]
    task.progress.made_at -= 100
    async with living(task):
        await dispatched(
            task, consumer, lambda: len(seen) == 9 and task.progress.state is State.RUNNING
        )
    assert seen[:2] == [(State.RESTORING, False)] * 2, "a first restore has a limit of its own"
    assert seen[2] == (State.RUNNING, True)
    assert seen[3:] == [(State.FAILED, True)] * 6
    assert task.progress.stalled() < 60


async def test_a_partition_that_failed_comes_on_where_nothing_is_left_to_read(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives, consumer = Lives(monkeypatch), Consumer(owns=True)
    task = task_of(consumer, book)

    async def fail() -> None:
        raise KafkaError("away")

    lives.restores = [fail, _nothing]
    lives.offset = consumer.at = consumer.end = 1
    async with living(task):
        await dispatched(task, consumer, lambda: task.progress.restarts == 1)
        assert task.progress.state is State.FAILED
        await dispatched(task, consumer, lambda: task.progress.state is State.RUNNING)


async def test_a_long_restore_of_what_failed_is_told_and_not_given_up(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_module, "WATCH_SECONDS", 0.005)
    lives, consumer = Lives(monkeypatch), Consumer(owns=True)
    task = task_of(consumer, book)
    settings = TrackerSettings()
    tracker = Tracker(book, Answering(), settings, TrackerMetrics(book, CollectorRegistry()))
    tracker.tasks[task.topic_partition] = task
    long = asyncio.Event()

    async def fail() -> None:
        raise KafkaError("away")

    async def wait() -> None:
        await long.wait()

    lives.restores = [fail, wait]
    async with living(task):
        await dispatched(
            task,
            consumer,
            lambda: task.progress.restarts == 1 and task.progress.step is State.RESTORING,
        )
        task.progress.made_at -= 1_000
        task.progress.opened_at -= 1_000
        assert task.progress.stalled() > 900
        with capture_logs() as logs:
            watching = asyncio.create_task(tracker._watch())
            done, _ = await asyncio.wait([watching], timeout=0.3)
        assert not done, tracker._fatal
        assert [line["event"] for line in logs] == ["partition stalled"]
        long.set()
        # Nor is it as soon as the restore is ended.
        await dispatched(task, consumer, lambda: task.partition is not None)
        await dispatched(task, consumer, lambda: task.progress.state is State.RUNNING)
        assert not watching.done(), tracker._fatal
        watching.cancel()


async def test_a_partition_that_stands_still_is_told_once_and_ends_it(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_module, "WATCH_SECONDS", 0.005)
    settings = TrackerSettings(stalled_seconds=0.05, give_up_seconds=0.5)
    registry = CollectorRegistry()
    tracker = Tracker(book, Answering(), settings, TrackerMetrics(book, registry))
    health = Health(settings.stalled_seconds)
    health.tracker = tracker
    task = task_of(Consumer(owns=True), book)
    task.progress.step = State.RUNNING
    tracker.tasks[task.topic_partition] = task
    assert health.unready() is None
    with capture_logs() as logs:
        await asyncio.wait_for(tracker._watch(), 10)
    assert [line["event"] for line in logs] == ["partition stalled"]
    assert health.unready() is not None
    assert health.states() == {"0": "stalled"}
    assert (registry.get_sample_value("sla_stalled_seconds") or 0) >= 0.5
    assert tracker._stop.is_set()
    assert "has made no progress for" in str(tracker._fatal)


async def test_without_a_broker_the_tracker_waits_and_says_so_once(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_module, "WATCH_SECONDS", 0.005)
    settings = TrackerSettings(stalled_seconds=0.05, give_up_seconds=0.2)
    clients = Answering()
    clients.answers = False
    tracker = Tracker(book, clients, settings, TrackerMetrics(book, CollectorRegistry()))
    task = task_of(Consumer(owns=True), book, clients)
    task.progress.step = State.RUNNING
    tracker.tasks[task.topic_partition] = task
    with capture_logs() as logs:
        watching = asyncio.create_task(tracker._watch())
        done, _ = await asyncio.wait([watching], timeout=1)
        assert not done
        assert not tracker._stop.is_set()
        clients.answers = True
        await asyncio.wait_for(watching, 10)
    told = [line["event"] for line in logs]
    assert told == ["partition stalled", "no broker answers; waiting for one"]
    assert "has made no progress for" in str(tracker._fatal)


def test_an_event_loop_that_hangs_ends_the_process_and_says_where() -> None:
    program = """
import asyncio, time
from sla_tracker.health import Health, Watchdog
from sla_runtime.logs import configure_logs

async def main():
    health = Health(30)
    Watchdog(health, looks=5, seconds=0.1).start()
    for _ in range(40):
        health.beat()
        await asyncio.sleep(0.05)
    print("lived", flush=True)
    time.sleep(60)

configure_logs()
asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "lived\n")
    [line] = ended.stderr.splitlines()
    assert json.loads(line)["reason"] == "the event loop hangs"
    assert json.loads(line)["at"].startswith("<string>:")
