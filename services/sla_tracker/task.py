"""The life of one owned partition: fence, restore, seek, then batch after batch in transactions.

After any error, the partition's memory and producer are dropped and it starts again with a new
fence; it never continues from memory if it is unknown what the broker has of it.
"""

from __future__ import annotations

import asyncio
import time
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
from sla_kafka.clients import Clients
from sla_runtime.tracing import Tracing
from sla_schemas.topics import EVENTS
from sla_tracker.broker_clock import BrokerClock
from sla_tracker.errors import FatalError
from sla_tracker.guards import Failures, Progress, is_our_own
from sla_tracker.inbox import Inbox
from sla_tracker.metrics import TrackerMetrics
from sla_tracker.position import InputPosition
from sla_tracker.restore import restore
from sla_tracker.settings import TrackerSettings
from sla_tracker.sources import SourceWatch
from sla_tracker.state import State
from sla_tracker.topic_check import check_topics
from sla_tracker.traces import Traces
from sla_tracker.transaction import TransactionalWriter

#: Seconds between checks of the clock while nothing arrives and no deadline is due.
TICK: Final = 0.5
#: Seconds after which a partition with nothing to do refreshes its frontier.
SHOW_SECONDS: Final = 0.5

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
        self.topic_partition = partition
        self._number = partition.partition
        self.partition: Partition | None = None
        self.progress = Progress()
        #: The frontier and the earliest deadline as last known; kept when the memory is dropped.
        self.frontier: int | None = None
        self.next_deadline: int | None = None
        #: How many of each source's records can't be used.
        self.sources = SourceWatch(settings.max_dead_letter_share)
        #: When the broker last said that nothing is left to read, by the monotonic clock.
        self._polled_at = self.progress.made_at
        self._consumer = consumer
        self._book = book
        self._clients = clients
        self._settings = settings
        self._metrics = metrics
        self._traces = None if tracing is None else Traces(tracing)
        self._inbox = Inbox()
        self._paused = True
        self._position = InputPosition(partition, consumer, settings)
        #: Where the consumer must start reading, and whether it has been positioned there.
        self._begin_at: int | None = None
        self._sought = asyncio.Event()
        #: In UTC milliseconds; once the inbox is empty, everything is known up to here.
        self._known_until: int | None = None
        #: When the frontier was last refreshed, by the event loop's clock.
        self._shown_at = 0.0
        self._clock: BrokerClock | None = None
        self._partitions = 0
        self._failures = Failures(settings.max_failures)
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def broker_time(self) -> int | None:
        """The broker's time in UTC milliseconds, if known."""
        return None if self._clock is None else self._clock.now()

    @property
    def reached(self) -> int | None:
        """The offset before which all input is done; ``None`` while the partition is not open."""
        return self._position.reached if self.partition is not None else None

    def unread(self) -> int | None:
        """How many offsets come after that, if known."""
        return self._position.unread() if self.partition is not None else None

    def is_due_within(self, milliseconds: int) -> bool:
        """Whether its earliest deadline is due within that time, or already was."""
        now, due = self.broker_time(), self.next_deadline
        return (
            now is not None
            and due is not None
            and due + self._settings.grace_ms <= now + milliseconds
        )

    def start(self, on_fatal: Callable[[BaseException], None]) -> None:
        """Start to own the partition; ``on_fatal`` is called if it can't continue."""

        def finished(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                on_fatal(error)

        self._consumer.pause(self.topic_partition)
        self._task = asyncio.create_task(self._live(), name=f"partition-{self._number}")
        self._task.add_done_callback(finished)

    async def stop(self, seconds: float) -> None:
        """Let the open transaction finish, for ``seconds`` at most; the next owner's fence aborts
        it otherwise.
        """
        self._stopping = True
        self._inbox.arrived.set()
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=seconds)
            if not done:
                self._task.cancel()
                await asyncio.wait([self._task])

    def deliver(self, records: Sequence[ConsumerRecord]) -> None:
        """Hand over fetched records; if too many are waiting, the partition is paused.

        Records fetched before the partition was (re)opened may not be the next ones: they are
        dropped, and fetched again from where the consumer seeks.
        """
        if not self._sought.is_set():
            return
        self._inbox.put(records)
        if self._inbox.is_full():
            self._consumer.pause(self.topic_partition)
            self._paused = True

    def seek(self) -> None:
        """Position the consumer where the tables say, if that has not been done yet.

        Called by the dispatcher, between two fetches: a seek during a fetch would accept the
        records which that fetch found further on, and those in between would be lost.
        """
        if self._begin_at is None:
            return
        try:
            self._consumer.seek(self.topic_partition, self._begin_at)
            self._resume()
        except IllegalStateError:
            # No longer ours; the revocation will stop this task.
            return
        self._begin_at = None
        self._sought.set()

    async def polled(self) -> None:
        """Note the broker's time at a fetch whose answer says that there is nothing more to read.

        Called by the dispatcher, when all fetched records are delivered: during a fetch, the
        consumer's position is ahead of the inbox, and the records in between would be missed. The
        end is the high watermark, not the last stable offset: other records may be waiting after a
        transaction that is still open (an event republished under its right key).
        """
        self._known_until = None
        if self._paused or self.partition is None or self._clock is None:
            return
        consumer, partition = self._consumer, self.topic_partition
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
            self._position.end = position
            self._shown_at = asyncio.get_running_loop().time()
            self._polled_at = time.monotonic()
            self._inbox.arrived.set()

    def _matters(self, known: int | None) -> bool:
        """True if advancing to ``known`` fires a deadline, or refreshes the frontier for health and
        metrics.
        """
        if known is None:
            return False
        if asyncio.get_running_loop().time() - self._shown_at >= SHOW_SECONDS:
            return True
        due = None if self.partition is None else self.partition.next_deadline
        return due is not None and due <= known - self._settings.grace_ms

    async def _live(self) -> None:
        while not self._stopping:
            writer = TransactionalWriter(self._number, self._clients, self._settings)
            try:
                await self._open(writer)
                await self._run(writer)
            except FatalError:
                raise
            except asyncio.CancelledError as error:
                # One that comes from a future of the Kafka client is a failure like any other.
                if is_our_own() or not await self._begin_again(error):
                    raise
            except IllegalStateError:
                # The partition is no longer ours; the revocation will stop this task.
                return
            except Exception as error:  # noqa: BLE001  whatever it is, the reaction is the same
                if not await self._begin_again(error):
                    return
            finally:
                self._note()
                self.partition = self._clock = None
                await writer.close()

    def _made_progress(self, at: float) -> None:
        self.progress.made(at)
        self._note()

    def _note(self) -> None:
        """Record how far the partition has got, for health and metrics."""
        if self.partition is not None:
            self.frontier = self.partition.frontier
            self.next_deadline = self.partition.next_deadline

    async def _begin_again(self, error: BaseException) -> bool:
        """Wait a little before a new fence; false if the partition is no longer ours.

        Raises ``FatalError`` if it has failed too often while a broker answers. While none does,
        waiting is all that can be done, and nobody may be there to restart the process.
        """
        self.progress.failed()
        try:
            self._pause()
        except IllegalStateError:
            return False
        answers = await check_topics(self._clients, self._settings.call_seconds)
        self._failures.happened(answers=answers)
        log.warning(
            "partition failed" if answers else "no broker answers",
            partition=self._number,
            failures=self._failures.in_a_row,
            error=type(error).__name__,
            detail=str(error),
        )
        if self._failures.too_many():
            raise FatalError(
                f"partition {self._number} failed {counted(self._failures.in_a_row, 'time')} "
                f"without a commit in between, last with {type(error).__name__} ({error}); check "
                "the broker and the log"
            ) from error
        await asyncio.sleep(self._failures.delay(answers=answers))
        return True

    async def _open(self, writer: TransactionalWriter) -> None:
        """Fence, restore, seek: after this, memory equals the committed state, and we alone own
        it.
        """
        self._pause()
        self.progress.step = State.FENCING
        await writer.fence()
        self.progress.step = State.RESTORING
        started = time.monotonic()
        partition = Partition(
            self._number,
            self.topic_partition.topic,
            self._book,
            self._settings.time,
            refusal_without(self._settings.erase_key),
        )
        self._partitions = len(self._consumer.partitions_for_topic(EVENTS.name) or ())
        offset = await restore(partition, self._clients, self._settings, self._partitions)
        self._position.offset = await self._begin(offset)
        # At once, so that the broker's time is known before any deadline is checked; including the
        # results of evaluating tickets again, since the next start relies on these being written.
        await self._write(writer, partition, partition.drain())
        self._clock = writer.clock
        self.partition = partition
        self.progress.opened()
        self._metrics.restored(time.monotonic() - started)
        log.info(
            "partition running",
            partition=self._number,
            offset=self._position.offset,
            tickets=len(partition.table),
            restore_seconds=round(time.monotonic() - started, 3),
        )

    async def _begin(self, offset: int | None) -> int:
        """Have the consumer read from ``offset``; returns where it really begins."""
        begin = self._begin_at = await self._position.start_from(offset)
        await asyncio.wait_for(self._sought.wait(), self._settings.call_seconds)
        return begin

    async def _run(self, writer: TransactionalWriter) -> None:
        assert self.partition is not None
        partition = self.partition
        while not self._stopping:
            batch = self._inbox.next_batch(self._settings.batch_records)
            doubtful = writer.clock.doubtful()
            if batch:
                await self._position.check_gap(batch[0].offset)
                self._apply(partition, batch)
            elif doubtful:
                writer.clock.tell(self._number)
            elif self._known_until is not None:
                self._position.done_to = self._position.end or 0
                partition.caught_up(self._known_until, self._settings.batch_records)
            effects = partition.drain()
            if batch or effects or doubtful:
                await self._commit(writer, partition, effects)
            else:
                if self._known_until is not None:
                    # Only here, since committing what was read may still fail.
                    self._made_progress(self._polled_at)
                await self._wait()

    def _apply(self, partition: Partition, batch: list[ConsumerRecord]) -> None:
        """Apply a batch, or as much of it as one transaction should hold: before a record that was
        appended late, any number of deadlines may be due.
        """
        taken = partition.apply_batch(batch, self._settings.batch_records)
        self._inbox.put_back(batch[taken:])
        # Only now, since the records put back count again.
        if self._paused and self._inbox.has_room():
            self._resume()
        if taken:
            self._position.offset = batch[taken - 1].offset + 1
        if self._traces is not None:
            for record in batch[:taken]:
                self._traces.observe(record)

    async def _commit(
        self, writer: TransactionalWriter, partition: Partition, effects: Effects
    ) -> None:
        await self._write(writer, partition, effects)
        self.sources.observe(effects.read, effects.refused, self._number)
        self._failures.over()
        self._made_progress(time.monotonic())

    async def _write(
        self, writer: TransactionalWriter, partition: Partition, effects: Effects
    ) -> None:
        started = time.monotonic()
        begun = [] if self._traces is None else self._traces.begin(effects.alerts)
        effects.traceparents = {alert_id: parent for alert_id, _, parent in begun}
        await writer.write(effects, self._position.offset, self._progress(partition))
        for _, span, _ in begun:
            span.end()
        self._metrics.committed(effects, time.monotonic() - started)
        if effects.erased:
            log.warning("tickets erased", partition=self._number, tickets=effects.erased)

    def _progress(self, partition: Partition) -> bytes:
        return write_progress(
            self._position.offset,
            partition.frontier,
            partition.tally,
            len(partition.table),
            self._partitions,
            partition.rules,
        )

    async def _wait(self) -> None:
        """Wait until something arrives or a deadline may be due."""
        try:
            await asyncio.wait_for(self._inbox.arrived.wait(), TICK)
        except TimeoutError:
            return

    def _pause(self) -> None:
        self._consumer.pause(self.topic_partition)
        self._paused = True
        self._inbox.clear()
        self._known_until = self._begin_at = self._position.end = None
        self._sought.clear()

    def _resume(self) -> None:
        self._consumer.resume(self.topic_partition)
        self._paused = False
