"""The life of one owned partition: fence, restore, seek, then batch after batch in transactions.

Any error drops the partition's memory and producer and begins again with a new fence; nothing goes
on from memory whose fate on the broker is unknown.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError

from sla_domain.counting import counted
from sla_domain.policy import PolicyBook
from sla_engine.effects import Effects
from sla_engine.erasure import refusal_without
from sla_engine.partition import Partition
from sla_engine.wire.progress import write_progress
from sla_engine.wire.records import size_of
from sla_kafka.clients import Clients
from sla_runtime.tracing import Tracing
from sla_schemas.topics import EVENTS
from sla_tracker.broker_clock import BrokerClock
from sla_tracker.errors import FatalError
from sla_tracker.metrics import TrackerMetrics
from sla_tracker.restore import restore
from sla_tracker.settings import TrackerSettings
from sla_tracker.sources import Heard, SourceWatch
from sla_tracker.state import State
from sla_tracker.topic_check import check_topics
from sla_tracker.traces import Traces
from sla_tracker.transaction import TransactionalWriter

#: Seconds between looks at the clock while nothing arrives and no deadline is due.
TICK: Final = 0.5
#: Seconds after which a partition with nothing to do shows that it is alive.
SHOW_SECONDS: Final = 0.5
#: Records waiting for a partition beyond which it isn't fetched any more.
INBOX_LIMIT: Final = 10_000
#: The same in bytes, and those of a batch: a record that came compressed may be a thousand times as
#: large as on the wire.
INBOX_BYTES: Final = 64 * 1024 * 1024
BATCH_BYTES: Final = 16 * 1024 * 1024

_BACKOFF_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)

log = structlog.get_logger(__name__)


class PartitionTask:
    """Owns one input partition until it is stopped. The dispatcher fills its inbox."""

    def __init__(
        self,
        partition: TopicPartition,
        consumer: AIOKafkaConsumer,
        book: PolicyBook,
        clients: Clients,
        settings: TrackerSettings,
        metrics: TrackerMetrics,
        tracing: Tracing | None = None,
    ) -> None:
        self.partition = partition
        self.world: Partition | None = None
        #: When it last came on, by the monotonic clock: a batch committed, or nothing left to read.
        self.alive_at = time.monotonic()
        #: The frontier and the earliest deadline as last known; they outlive the memory.
        self.frontier: int | None = None
        self.next_deadline: int | None = None
        #: How much of what each source sends can't be used.
        self.sources = SourceWatch(settings.max_dead_letter_share)
        self._step = State.FENCING
        #: Whether it has failed and not come on since.
        self._failed = False
        #: When it was opened last, and when the broker said last that nothing is left to read; by
        #: the monotonic clock.
        self._opened_at = self._polled_at = self.alive_at
        self._consumer = consumer
        self._book = book
        self._clients = clients
        self._settings = settings
        self._metrics = metrics
        self._traces = None if tracing is None else Traces(tracing)
        self._inbox: deque[ConsumerRecord] = deque()
        #: The bytes of each record of the inbox, in its order, and of all of them.
        self._sizes: deque[int] = deque()
        self._inbox_bytes = 0
        self._arrived = asyncio.Event()
        self._paused = True
        self._offset = 0
        #: Where the consumer is to be placed, and whether it was.
        self._begin_at: int | None = None
        self._placed = asyncio.Event()
        #: In UTC milliseconds; once the inbox is empty, the world is known up to here.
        self._known_until: int | None = None
        #: By the event loop's clock, when the world was known up to an instant last.
        self._shown_at = 0.0
        #: The end of the input where it was found to be read to the end, ends of transactions
        #: included; and the same once all of it is committed.
        self._end: int | None = None
        self._done_to = 0
        self._clock: BrokerClock | None = None
        self._partitions = 0
        #: How often it began again.
        self.restarts = 0
        self._failures = 0
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """Where it is in its life, as everybody is told. What has failed stays so until it comes
        on: that it begins again, and is opened, says nothing of whether it will get any further.
        """
        return State.FAILED if self._failed else self._step

    def stalled(self) -> float:
        """For how many seconds it has not come on. A restore has a limit of its own, unless it is
        there since the partition failed.
        """
        if self.state is State.RESTORING:
            return 0.0
        return time.monotonic() - self.alive_at

    def hangs(self) -> float:
        """For how many seconds it has neither come on nor been opened. A restore has a limit of its
        own here, whenever it is, so that a long one can be ended.
        """
        if self._step is State.RESTORING:
            return 0.0
        return time.monotonic() - max(self.alive_at, self._opened_at)

    def broker_time(self) -> int | None:
        """The broker's time, UTC milliseconds, where it is known."""
        clock = self._clock
        return None if clock is None else clock.now()

    @property
    def reached(self) -> int | None:
        """The offset before which everything of the input is done; ``None`` before the first."""
        return max(self._offset, self._done_to) if self.world is not None else None

    def unread(self) -> int | None:
        """How many offsets lie from there to the end of the input, as last heard: records, and ends
        of transactions as long as records come behind them. ``None`` while that is not known.
        """
        reached = self.reached
        try:
            end = self._consumer.highwater(self.partition)
        except (IllegalStateError, AssertionError):
            return None
        return None if reached is None or end is None else max(0, end - reached)

    def is_due_within(self, milliseconds: int) -> bool:
        """Whether its earliest deadline is due by then, or was already."""
        now, due = self.broker_time(), self.next_deadline
        return (
            now is not None
            and due is not None
            and due + self._settings.grace_ms <= now + milliseconds
        )

    def start(self, on_fatal: Callable[[BaseException], None]) -> None:
        """Begin to own the partition; ``on_fatal`` is told when that can't go on."""

        def finished(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                on_fatal(error)

        self._consumer.pause(self.partition)
        self._task = asyncio.create_task(self._live(), name=f"partition-{self.partition.partition}")
        self._task.add_done_callback(finished)

    async def stop(self, seconds: float) -> None:
        """Let the transaction in flight finish, for ``seconds`` at most; the next owner's fence
        ends what is left.
        """
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=seconds)
            if not done:
                self._task.cancel()
                await asyncio.wait([self._task])

    def deliver(self, records: Sequence[ConsumerRecord]) -> None:
        """Hand over what was fetched; too much of it pauses the partition.

        What was fetched before the partition was (re)opened is not what comes next: it is dropped,
        and fetched again from where the consumer is placed.
        """
        if not self._placed.is_set():
            return
        sizes = [_bytes_of(record) for record in records]
        self._inbox.extend(records)
        self._sizes.extend(sizes)
        self._inbox_bytes += sum(sizes)
        self._arrived.set()
        if len(self._inbox) > INBOX_LIMIT or self._inbox_bytes > INBOX_BYTES:
            self._consumer.pause(self.partition)
            self._paused = True

    def place(self) -> None:
        """Have the consumer read from where the tables say, if that is still to be done.

        For the dispatcher, between two fetches: a seek while one is on its way would let through
        what that one found further on, and what lies between would be lost.
        """
        if self._begin_at is None:
            return
        try:
            self._consumer.seek(self.partition, self._begin_at)
            self._resume()
        except IllegalStateError:
            # No longer ours; whoever revokes it will stop this task.
            return
        self._begin_at = None
        self._placed.set()

    async def polled(self) -> None:
        """Note the broker's time when it was asked, and said that there is nothing more to read.

        For the dispatcher, when all that was fetched is delivered: while a fetch is on its way the
        consumer's position is ahead of the inbox, and what lies between would be overlooked. The
        end is the high watermark, not the last stable offset: behind a transaction that is still
        open (an event sent on under its right key) others may wait.
        """
        self._known_until = None
        if self._paused or self.world is None or self._clock is None:
            return
        consumer, partition = self._consumer, self.partition
        try:
            asked = consumer.last_poll_timestamp(partition)
            end = consumer.highwater(partition)
            if asked is None or end is None:
                return
            known = self._clock.at(int(asked))
            if not self._matters(known):
                return
            limit = self._settings.call_seconds
            position = await asyncio.wait_for(consumer.position(partition), limit)
        except (IllegalStateError, AssertionError, TimeoutError):
            # The partition is no longer ours, or has no position at the moment.
            return
        if position >= end and self._clock is not None:
            self._known_until = known
            self._end = position
            self._shown_at = asyncio.get_running_loop().time()
            self._polled_at = time.monotonic()
            self._arrived.set()

    def _matters(self, known: int | None) -> bool:
        """Whether anything comes of the world's being known up to an instant: a deadline, or after
        a while the frontier that health and metrics tell.
        """
        if known is None:
            return False
        if asyncio.get_running_loop().time() - self._shown_at >= SHOW_SECONDS:
            return True
        due = None if self.world is None else self.world.next_deadline
        return due is not None and due <= known - self._settings.grace_ms

    async def _live(self) -> None:
        while not self._stopping:
            writer = TransactionalWriter(self.partition.partition, self._clients, self._settings)
            try:
                await self._open(writer)
                await self._run(writer)
            except FatalError:
                raise
            except asyncio.CancelledError as error:
                # A client's own, let through by a future of its, is a failure like any other.
                if _is_ours() or not await self._begin_again(error):
                    raise
            except IllegalStateError:
                # The partition is no longer ours; whoever revokes it will stop this task.
                return
            except Exception as error:  # noqa: BLE001  whatever it is, the answer is the same
                if not await self._begin_again(error):
                    return
            finally:
                self._note()
                self.world = self._clock = None
                await writer.close()

    def _come_on(self, at: float) -> None:
        self.alive_at = max(self.alive_at, at)
        self._failed = False
        self._note()

    def _note(self) -> None:
        """Keep for health and metrics how far the partition has come."""
        if self.world is not None:
            self.frontier, self.next_deadline = self.world.frontier, self.world.next_deadline

    async def _begin_again(self, error: BaseException) -> bool:
        """Wait a little before a new fence; false if the partition is no longer ours.

        Raises ``FatalError`` when it has failed too often while a broker answers: without one there
        is nothing to do but wait, and nobody may be there to start the process anew.
        """
        self._failed = True
        self.restarts += 1
        try:
            self._pause()
        except IllegalStateError:
            return False
        answers = await check_topics(self._clients, self._settings.call_seconds)
        self._failures += answers
        log.warning(
            "partition failed" if answers else "no broker answers",
            partition=self.partition.partition,
            failures=self._failures,
            error=type(error).__name__,
            detail=str(error),
        )
        if self._failures >= self._settings.max_failures:
            raise FatalError(
                f"partition {self.partition.partition} failed {counted(self._failures, 'time')} "
                f"without a commit between, last with {type(error).__name__} ({error}); look at "
                "the broker and the log"
            ) from error
        tried = self._failures if answers else len(_BACKOFF_SECONDS)
        await asyncio.sleep(_BACKOFF_SECONDS[min(tried, len(_BACKOFF_SECONDS)) - 1])
        return True

    async def _open(self, writer: TransactionalWriter) -> None:
        """Fence, restore, seek: after this the memory is what is committed, and ours alone."""
        self._pause()
        self._step = State.FENCING
        await writer.fence()
        self._step = State.RESTORING
        started = time.monotonic()
        world = Partition(
            self.partition.partition,
            self.partition.topic,
            self._book,
            self._settings.time,
            refusal_without(self._settings.erase_key),
        )
        self._partitions = len(self._consumer.partitions_for_topic(EVENTS.name) or ())
        offset = await restore(world, self._clients, self._settings, self._partitions)
        self._offset = await self._seek(offset)
        # At once, so that the broker's time is known before any deadline is looked at; with what
        # judging anew came to, since the next start trusts that it was written.
        await self._write(writer, world, world.take())
        self._clock = writer.clock
        self.world = world
        self._opened_at = time.monotonic()
        if not self._failed:
            self.alive_at = self._opened_at
        self._step = State.RUNNING
        self._metrics.restored(time.monotonic() - started)
        log.info(
            "partition running",
            partition=self.partition.partition,
            offset=self._offset,
            tickets=len(world.table),
            restore_seconds=round(time.monotonic() - started, 3),
        )

    async def _seek(self, offset: int | None) -> int:
        """Have the consumer read from ``offset``; answers where it really begins."""
        first = await self._beginning()
        if offset is not None:
            self._check_deleted(offset, first)
        begin = self._begin_at = max(first, offset or 0)
        await asyncio.wait_for(self._placed.wait(), self._settings.call_seconds)
        return begin

    async def _beginning(self) -> int:
        """The first offset that the input still has."""
        asked = self._consumer.beginning_offsets([self.partition])
        beginnings = await asyncio.wait_for(asked, self._settings.call_seconds)
        return int(beginnings[self.partition])

    def _check_deleted(self, offset: int, first: int) -> None:
        if offset < first and not self._settings.skip_deleted:
            one = first - offset == 1
            which = f"record {offset}" if one else f"records {offset} to {first - 1}"
            raise FatalError(
                f"{which} of {self.partition.topic} partition {self.partition.partition} "
                f"{'was' if one else 'were'} deleted before being read; if that is lost for good, "
                "start once with SLA_TRACKER_SKIP_DELETED=1"
            )

    async def _run(self, writer: TransactionalWriter) -> None:
        assert self.world is not None
        world = self.world
        while not self._stopping:
            batch = self._next_batch()
            doubtful = writer.clock.doubtful()
            if batch:
                await self._check_gap(batch[0].offset)
                self._apply(world, batch)
            elif doubtful:
                self._tell_of_the_clock(writer.clock)
            elif self._known_until is not None:
                self._done_to = self._end or 0
                world.caught_up(self._known_until, self._settings.batch_records)
            effects = world.take()
            if batch or effects or doubtful:
                await self._commit(writer, world, effects)
            else:
                if self._known_until is not None:
                    # Only here: what was read to the end may still fail to be committed.
                    self._come_on(self._polled_at)
                await self._wait()

    def _apply(self, world: Partition, batch: list[ConsumerRecord]) -> None:
        """Take in a batch, or as much of it as one transaction should hold: before a record that
        was appended late any number of deadlines may be due.
        """
        taken = world.take_in(batch, self._settings.batch_records)
        for record in reversed(batch[taken:]):
            size = _bytes_of(record)
            self._inbox.appendleft(record)
            self._sizes.appendleft(size)
            self._inbox_bytes += size
        # Only now: what was put back takes its room again.
        room = len(self._inbox) <= INBOX_LIMIT // 2 and self._inbox_bytes <= INBOX_BYTES // 2
        if self._paused and room:
            self._resume()
        if taken:
            self._offset = batch[taken - 1].offset + 1
        if self._traces is not None:
            for record in batch[:taken]:
                self._traces.heard(record)

    async def _check_gap(self, found: int) -> None:
        """Raise ``FatalError`` if records were deleted before they were read. The consumer goes on
        behind a gap by itself, and most gaps are the ends of transactions.
        """
        if found > self._offset:
            self._check_deleted(self._offset, await self._beginning())

    def _tell_of_the_clock(self, clock: BrokerClock) -> None:
        log.warning(
            "this machine's clock was moved; the broker is asked for the time",
            partition=self.partition.partition,
            milliseconds=clock.moved(),
        )

    def _next_batch(self) -> list[ConsumerRecord]:
        inbox = self._inbox
        batch: list[ConsumerRecord] = []
        size = 0
        while inbox and len(batch) < self._settings.batch_records and size < BATCH_BYTES:
            batch.append(inbox.popleft())
            size += self._sizes.popleft()
        self._inbox_bytes -= size
        self._arrived.clear()
        return batch

    async def _commit(
        self, writer: TransactionalWriter, world: Partition, effects: Effects
    ) -> None:
        await self._write(writer, world, effects)
        self._watch_sources(effects)
        self._failures = 0
        self._come_on(time.monotonic())

    async def _write(self, writer: TransactionalWriter, world: Partition, effects: Effects) -> None:
        started = time.monotonic()
        begun = [] if self._traces is None else self._traces.begin(effects.alerts)
        effects.traceparents = {alert_id: parent for alert_id, _, parent in begun}
        await writer.write(effects, self._offset, self._progress(world))
        for _, span, _ in begun:
            span.end()
        self._metrics.committed(effects, time.monotonic() - started)
        if effects.erased:
            log.warning(
                "tickets erased", partition=self.partition.partition, tickets=effects.erased
            )

    def _progress(self, world: Partition) -> bytes:
        return write_progress(
            self._offset,
            world.frontier,
            world.tally,
            len(world.table),
            self._partitions,
            world.rules,
        )

    async def _wait(self) -> None:
        """Until something arrives or the clock may have reached a deadline."""
        try:
            await asyncio.wait_for(self._arrived.wait(), TICK)
        except TimeoutError:
            return

    def _watch_sources(self, effects: Effects) -> None:
        """Tell of a source of which most can't be used."""
        counted = {
            name: Heard(count, effects.refused[name]) for name, count in effects.read.items()
        }
        for source, heard in self.sources.heard(counted):
            log.warning(
                "most of what a source sends can't be used",
                partition=self.partition.partition,
                source=source[:200] or "unknown",
                records=heard.records,
                refused=heard.refused,
                remedy="look with 'sla dlq list', fix what publishes them, then 'sla dlq retry'",
            )

    def _pause(self) -> None:
        self._consumer.pause(self.partition)
        self._paused = True
        self._inbox.clear()
        self._sizes.clear()
        self._inbox_bytes = 0
        self._known_until = self._begin_at = self._end = None
        self._placed.clear()

    def _resume(self) -> None:
        self._consumer.resume(self.partition)
        self._paused = False


def _bytes_of(record: ConsumerRecord) -> int:
    return size_of(record.key, record.value, record.headers)


def _is_ours() -> bool:
    """Whether somebody asked this very task to end."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
