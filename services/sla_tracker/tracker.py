"""The tracker: one consumer for all owned partitions, one task for each."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Collection
from typing import Final, Literal

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from sla_domain.policy import PolicyBook
from sla_kafka.clients import Clients, date_fetches, hold_fetches, let_go
from sla_kafka.waiting import wait_for_broker, wait_for_topics
from sla_runtime.background import Background
from sla_runtime.tracing import Tracing
from sla_schemas.topics import EVENTS
from sla_tracker import broker_clock
from sla_tracker.errors import FatalError
from sla_tracker.metrics import TrackerMetrics
from sla_tracker.settings import TrackerSettings
from sla_tracker.task import PartitionTask
from sla_tracker.topic_check import check_topics

#: Seconds that the open transaction of a revoked partition gets to finish.
REVOKE_SECONDS: Final = 3.0
#: How long the broker holds a fetch that finds nothing, and so how often deadlines are checked: a
#: deadline waits for an answer that shows that no event came before it.
IDLE_MS: Final = 125
#: The same while a deadline is near.
NEAR_MS: Final = 25
#: How old the metadata on topics and brokers may be.
METADATA_MS: Final = 5_000
#: Seconds between checks of whether the partitions make progress.
WATCH_SECONDS: Final = 1.0

#: Seconds between two garbage collections of what the clients leave behind, while idle.
COLLECT_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)


class Tracker(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Runs until it is stopped or must end; ``tasks`` are the partitions it owns."""

    def __init__(
        self,
        book: PolicyBook,
        clients: Clients,
        settings: TrackerSettings,
        metrics: TrackerMetrics,
        tracing: Tracing | None = None,
    ) -> None:
        self.tasks: dict[TopicPartition, PartitionTask] = {}
        self._book = book
        self._clients = clients
        self._settings = settings
        self._metrics = metrics
        self._tracing = tracing
        self._consumer: AIOKafkaConsumer | None = None
        self._stop = asyncio.Event()
        self._fatal: BaseException | None = None
        #: When it was last found that no broker answers, while partitions are stalled.
        self._away_at: float | None = None
        metrics.watch(self)

    def input_partitions(self) -> int:
        """How many partitions the input topic has; 0 while that is not known."""
        consumer = self._consumer
        return 0 if consumer is None else len(consumer.partitions_for_topic(EVENTS.name) or ())

    def stop(self) -> None:
        """Request a clean shutdown; ``run`` returns when it is done."""
        self._stop.set()

    async def run(self) -> None:
        """Process the partitions that the group assigns, until stopped.

        Raises ``FatalError`` if a partition can't continue.
        """
        stopping = asyncio.create_task(self._stop.wait())
        connecting = asyncio.create_task(wait_for_broker(self._connect, self._clients.bootstrap))
        # A tracker that waits for a broker or its topics can be stopped as well.
        stopping.add_done_callback(lambda _: connecting.cancel())
        try:
            consumer = self._consumer = await connecting
        except asyncio.CancelledError:
            if self._stop.is_set():
                return
            raise
        finally:
            if self._consumer is None:
                stopping.cancel()
        watching = Background("watch", self._watch(), lambda why: self._end(FatalError(why)))
        try:
            consumer.subscribe([EVENTS.name], listener=self)
            while not self._stop.is_set():
                await self._dispatch(consumer, stopping)
        finally:
            stopping.cancel()
            watching.cancel()
            await self.on_partitions_revoked(list(self.tasks))
            await let_go(consumer, self._settings.call_seconds)
        if self._fatal is not None:
            raise self._fatal

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Start a task for each; it restores the state, since no heartbeats are sent in here."""
        assert self._consumer is not None
        for partition in sorted(assigned):
            task = self.tasks[partition] = PartitionTask(
                partition,
                self._consumer,
                self._book,
                self._clients,
                self._settings,
                self._metrics,
                self._tracing,
            )
            task.start(self._end)
        log.info("partitions assigned", partitions=sorted(p.partition for p in assigned))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Stop their tasks, letting an open transaction finish."""
        stopping = [self.tasks.pop(owned) for owned in sorted(revoked) if owned in self.tasks]
        await asyncio.gather(*(task.stop(REVOKE_SECONDS) for task in stopping))
        _collect()

    def _end(self, error: BaseException) -> None:
        self._fatal = self._fatal or error
        self._stop.set()

    async def _watch(self) -> None:
        """Log which partitions are stalled, once each time, and finally end the process: a
        supervisor can restart it, and another tracker can take over.
        """
        told: set[TopicPartition] = set()
        restarts, read, collected = 0, 0, time.monotonic()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            tasks = list(self.tasks.values())
            failed, restarts = restarts, sum(task.progress.restarts for task in tasks)
            known, read = read, sum(task.partition.tally.events for task in tasks if task.partition)
            quiet = read == known and not any(task.is_due_within(1_000) for task in tasks)
            if restarts > failed or (quiet and time.monotonic() - collected > COLLECT_SECONDS):
                _collect()
                collected = time.monotonic()
            seconds = {owned: task.progress.stalled() for owned, task in self.tasks.items()}
            standing = {
                owned for owned, still in seconds.items() if still > self._settings.stalled_seconds
            }
            for owned in standing - told:
                log.warning(
                    "partition stalled",
                    partition=owned.partition,
                    seconds=round(seconds[owned], 1),
                    state=self.tasks[owned].progress.state.value,
                )
            told = standing
            hanging = {owned: task.progress.hangs() for owned, task in self.tasks.items()}
            longest = max(hanging, key=lambda owned: hanging[owned], default=None)
            if longest is not None and await self._give_up(longest, hanging[longest]):
                return

    async def _give_up(self, partition: TopicPartition, still: float) -> bool:
        """True if the process must end because ``partition`` has made no progress for ``still``
        seconds. While no broker answers, it waits: restarting would not help.
        """
        limit = self._settings.give_up_seconds
        if still <= limit:
            return False
        try:
            answers = await check_topics(self._clients, self._settings.call_seconds)
        except FatalError as error:
            self._end(error)
            return True
        if not answers:
            if self._away_at is None:
                log.warning("no broker answers; waiting for one", seconds=round(still, 1))
            self._away_at = time.monotonic()
            return False
        if self._away_at is not None:
            if time.monotonic() - self._away_at <= limit:
                return False
            self._away_at = None
        self._end(
            FatalError(
                f"partition {partition.partition} has made no progress for {still:.0f} s; check "
                "the broker and restart the tracker"
            )
        )
        return True

    async def _dispatch(
        self, consumer: AIOKafkaConsumer, stopping: asyncio.Task[Literal[True]]
    ) -> None:
        """Fetch records and hand them to the partitions' tasks."""
        for owned in self.tasks.values():
            owned.seek()
        near = any(owned.is_due_within(2 * IDLE_MS) for owned in self.tasks.values())
        wait = NEAR_MS if near else IDLE_MS
        hold_fetches(consumer, wait)
        fetching = asyncio.ensure_future(consumer.getmany(timeout_ms=wait))
        # ``getmany`` ignores its timeout during a rebalance, so it must not keep us from stopping.
        await asyncio.wait([fetching, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not fetching.done():
            fetching.cancel()
            await asyncio.wait([fetching])
            return
        for partition, records in fetching.result().items():
            if (task := self.tasks.get(partition)) is not None:
                task.deliver(records)
        for owned in list(self.tasks.values()):
            await owned.polled()

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = self._clients.consumer(
            group_id=self._settings.app,
            group_instance_id=self._settings.instance_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Records republished under their right key arrive in transactions.
            isolation_level="read_committed",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=self._settings.session_timeout_ms,
            heartbeat_interval_ms=self._settings.session_timeout_ms // 4,
            fetch_max_wait_ms=IDLE_MS,
            # The group's leader may assign nothing if a broker that has just started does not know
            # the topic yet; it assigns again when the metadata shows the topic.
            metadata_max_age_ms=METADATA_MS,
            max_partition_fetch_bytes=1024 * 1024,
        )
        try:
            await consumer.start()
            date_fetches(consumer, broker_clock.uptime_ms)
            await wait_for_topics(lambda: check_topics(self._clients, self._settings.call_seconds))
        except BaseException:
            await let_go(consumer, self._settings.call_seconds)
            raise
        return consumer


def _collect() -> None:
    """Collect garbage if automatic collection is off: a task that ended, or its error, may keep all
    of a partition's memory in a reference cycle.
    """
    if not gc.isenabled():
        gc.collect()
