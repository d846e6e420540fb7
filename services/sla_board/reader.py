"""Follows the tracker's topics into the table, and knows how fresh the table is."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry, Counter, Gauge

from sla_board.row import read_row
from sla_board.table import BoardTable, Origin
from sla_kafka.admin import NOT_SEEN
from sla_kafka.clients import Clients, let_go
from sla_runtime.background import Background
from sla_runtime.heartbeat import Condition, Heart
from sla_runtime.pulse import PATIENCE_SECONDS, Pulse, Verdict, Watch
from sla_schemas.tables import ProgressRecord
from sla_schemas.topics import EVENTS, PROGRESS, TICKETS

#: Records read before the pages get their turn.
_BATCH: Final = 250
#: Seconds between checks of how far the tracker is behind.
_LOOK_SECONDS: Final = 2.0
_CALL_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05

log = structlog.get_logger("sla_board")


class Freshness(StrEnum):
    """How reliable the table is."""

    #: The table is being read, or it is not known yet whether a tracker is running.
    LOADING = "loading"
    FRESH = "fresh"
    BEHIND = "behind"
    #: A partition has a tracker that makes no progress.
    STALLED = "stalled"
    #: Some partitions have no tracker.
    UNOWNED = "unowned"
    NO_TRACKER = "no_tracker"
    #: Whether a tracker is running can't be determined.
    UNKNOWN = "unknown"
    #: The broker does not respond.
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of the board and the trackers. ``reason`` says why that is unknown, if it is;
    ``unread`` counts the offsets of the input that no tracker has processed; ``all_partitions``
    is how many partitions the input has; ``undelivered`` counts the alerts that the notifiers have
    not finished, if that is known.
    """

    freshness: Freshness
    verdict: Verdict
    unread: int = 0
    all_partitions: int = 0
    reason: str | None = None
    undelivered: int | None = None


#: The freshness that follows from each verdict on the heartbeats.
_FRESHNESS: Final[dict[Watch, Freshness]] = {
    each: Freshness(each.value) for each in Watch if each is not Watch.LISTENING
}


class _NothingToReadError(Exception):
    """The ticket table has no partitions to read."""


class Reader:
    """Reads the ticket table and the tracker's progress from the beginning, committed records
    only, in no consumer group: every board has all of it.
    """

    def __init__(
        self,
        clients: Clients,
        table: BoardTable,
        registry: CollectorRegistry,
        stale_seconds: float,
        *,
        replay: bool,
    ) -> None:
        self._clients = clients
        self._table = table
        self._stale_seconds = stale_seconds
        self._replay = replay
        self._progress: dict[int, ProgressRecord] = {}
        self._loaded = False
        #: Why the topics can't be read; ``None`` while they can.
        self._lost: str | None = None
        self._unread = 0
        self._partitions: list[int] = []
        self.heart = Heart("board", clients, self._told)
        self.pulse = Pulse(
            clients,
            lambda: self.heart.silence is None,
            max(PATIENCE_SECONDS, stale_seconds),
        )
        self._listening: Background | None = None
        self._one = asyncio.Lock()
        self._updates = Counter(
            "sla_board_updates", "Ticket table records read.", registry=registry
        )
        self._unreadable = Counter(
            "sla_board_unreadable", "Ticket table records skipped as unreadable.", registry=registry
        )
        Gauge("sla_board_tickets", "Tickets on the board.", registry=registry).set_function(
            lambda: len(table)
        )
        Gauge(
            "sla_board_unread_events",
            "Input offsets that no tracker has processed yet.",
            registry=registry,
        ).set_function(lambda: self._unread)

    def now(self) -> int:
        """The wall clock or, in a replay, how far the tracker has come."""
        if not self._replay:
            return int(time.time() * 1000)
        return max((each.frontier or 0 for each in self._progress.values()), default=0)

    def standing(self) -> Standing:
        """How reliable the table is now, and why it is not more so."""
        verdict = self.pulse.verdict(self._partitions, self._stale_seconds)
        lost = self.lost()
        if lost is not None:
            return Standing(Freshness.UNREACHABLE, verdict, reason=lost)
        found = _FRESHNESS.get(verdict.watch, Freshness.LOADING)
        reason = self.pulse.deaf if found is Freshness.UNKNOWN else None
        if found is Freshness.NO_TRACKER and self.heart.unheard is not None:
            # Nobody can be heard, including ourselves.
            found, reason = Freshness.UNKNOWN, self.heart.unheard
        if not self._loaded:
            found = Freshness.LOADING
        return Standing(
            found,
            verdict,
            self._unread,
            len(self._partitions),
            reason,
            self.pulse.undelivered(),
        )

    def lost(self) -> str | None:
        """Why the broker is unreachable; ``None`` while it is reachable."""
        return self._lost or self.heart.silence

    def unready(self) -> str | None:
        """Why the figures can't be relied on; ``None`` once the table has been read and as long as
        it is followed. A missing tracker does not make the board useless.
        """
        ended = None if self._listening is None else self._listening.ended
        return ended or self.lost() or (None if self._loaded else "the ticket table is being read")

    def _told(self) -> Condition:
        reason = self.unready()
        return Condition(reason is None, [] if reason is None else [reason])

    async def run(self) -> None:
        """Follow the topics until cancelled; an unreachable broker is tried again and again."""
        self.heart.start()
        listening = self._listening = Background("listening to heartbeats", self.pulse.run())
        try:
            while True:
                try:
                    await self._follow()
                except (KafkaError, OSError, TimeoutError, _NothingToReadError) as error:
                    if self._lost is None:
                        name = type(error).__name__
                        log.warning("broker unreachable", error=name, reason=str(error))
                    self._lost = self._reason(error)
                    self._table.announce()
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            listening.cancel()

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, _NothingToReadError):
            return str(error)
        at, name = self._clients.bootstrap, type(error).__name__
        return f"the topics at {at} can't be read ({name})"

    async def stop(self) -> None:
        """Announce an orderly end."""
        await self.heart.stop()

    async def record(self, origin: Origin) -> bytes | None:
        """The whole record at ``origin``; ``None`` if a newer one has taken its place.

        Raises ``KafkaError`` and ``TimeoutError``.
        """
        partition = TopicPartition(TICKETS.name, origin.partition)
        async with self._one, asyncio.timeout(_CALL_SECONDS):
            consumer = self._consumer()
            try:
                await consumer.start()
                consumer.assign([partition])
                consumer.seek(partition, origin.offset)
                while True:
                    for record in (await consumer.getmany(timeout_ms=1000)).get(partition, []):
                        found: bytes | None = record.value
                        return found if record.offset == origin.offset else None
            finally:
                await let_go(consumer, 1)

    def _consumer(self) -> AIOKafkaConsumer:
        return self._clients.consumer(
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=1024 * 1024,
        )

    async def _follow(self) -> None:
        consumer = self._consumer()
        try:
            await consumer.start()
            consumer.subscribe([TICKETS.name, PROGRESS.name])
            await self._seen(consumer)
            async with asyncio.timeout(_CALL_SECONDS):
                ends = await consumer.end_offsets(consumer.assignment())
            self._lost = None
            self._partitions = self._numbers(consumer)
            looking = asyncio.create_task(self._look(consumer))
            try:
                await self._read(consumer, dict(ends), looking)
            finally:
                looking.cancel()
        finally:
            await let_go(consumer, 2)

    async def _seen(self, consumer: AIOKafkaConsumer) -> None:
        """Wait until there are partitions to read. Raises ``_NothingToReadError``."""
        deadline = time.monotonic() + _CALL_SECONDS
        while not self._numbers(consumer):
            if time.monotonic() > deadline:
                raise _NothingToReadError(f"topic {TICKETS.name} {NOT_SEEN}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _read(
        self,
        consumer: AIOKafkaConsumer,
        ends: dict[TopicPartition, int],
        looking: asyncio.Task[None],
    ) -> None:
        # Tickets that vanished while the broker was lost would otherwise stay for ever.
        seen: set[str] | None = set()
        while True:
            if looking.cancelled():
                raise OSError("nobody looks at the input")
            if looking.done():
                looking.result()
            records = await consumer.getmany(timeout_ms=200, max_records=_BATCH)
            for partition, batch in records.items():
                for record in batch:
                    self._take(partition, record, seen)
            if records:
                self._table.announce()
                await asyncio.sleep(0)
            if seen is not None and len(records) < len(ends):
                positions = {partition: await consumer.position(partition) for partition in ends}
                if all(positions[partition] >= end for partition, end in ends.items()):
                    for ticket_id in self._table.ids() - seen:
                        self._table.remove(ticket_id)
                    seen = None
                    self._loaded = True
                    self._table.announce()
                    log.info("board loaded", tickets=len(self._table))

    def _take(
        self, partition: TopicPartition, record: ConsumerRecord, seen: set[str] | None
    ) -> None:
        if partition.topic == PROGRESS.name:
            self._take_progress(partition, record.value)
            return
        self._updates.inc()
        ticket_id = (record.key or b"").decode(errors="replace")
        if record.value is None:
            self._table.remove(ticket_id)
            if seen is not None:
                seen.discard(ticket_id)
            return
        try:
            self._table.put(read_row(record.value), Origin(record.partition, record.offset))
        except ValueError as error:
            # The tracker wrote it, so this is a format we don't know; the others are still valid.
            self._unreadable.inc()
            log.warning("record skipped", ticket=ticket_id, reason=str(error))
        if seen is not None:
            seen.add(ticket_id)

    def _take_progress(self, partition: TopicPartition, value: bytes | None) -> None:
        if value is None:
            return
        self._progress[partition.partition] = ProgressRecord.model_validate_json(value)

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        """Keep checking how much of the input has not been processed."""
        while True:
            partitions = [TopicPartition(EVENTS.name, number) for number in self._numbers(consumer)]
            async with asyncio.timeout(_CALL_SECONDS):
                ends = await consumer.end_offsets(partitions)
            self._unread = sum(end - self._done(each.partition, end) for each, end in ends.items())
            await asyncio.sleep(_LOOK_SECONDS)

    def _done(self, partition: int, end: int) -> int:
        """The offset before which all input has been processed. A tracker's latest heartbeat goes
        further than its progress record if the input ends with a transaction marker.
        """
        progress = self._progress.get(partition)
        done = 0 if progress is None else progress.offset
        said = self.pulse.reached().get(partition, 0)
        # An offset beyond the end belongs to topics that have been deleted since.
        return min(end, max(done, said if said <= end else 0))

    def _numbers(self, consumer: AIOKafkaConsumer) -> list[int]:
        return sorted(
            partition.partition
            for partition in consumer.assignment()
            if partition.topic == TICKETS.name
        )
