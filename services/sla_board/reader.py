"""Following the tracker's topics into the table, and what can be said about how fresh it is."""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry, Counter, Gauge

from sla_board.row import NEVER, read_row
from sla_board.table import Origin, TicketTable
from sla_domain.instant import format_instant
from sla_kafka.admin import NOT_SEEN
from sla_kafka.clients import Clients, let_go
from sla_kafka.topics import EVENTS, PROGRESS, TICKETS
from sla_schemas.tables import ProgressRecord

#: Records taken in before the pages get their turn.
_BATCH: Final = 250
#: Seconds between looks at how far the tracker is behind.
_LOOK_SECONDS: Final = 2.0
_CALL_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05

log = structlog.get_logger("sla_board")


class Freshness(StrEnum):
    """How far the table can be relied on."""

    LOADING = "loading"
    FRESH = "fresh"
    BEHIND = "behind"
    UNREACHABLE = "unreachable"


class _NothingToReadError(Exception):
    """The ticket table has no partitions for us."""


class Reader:
    """Reads the ticket table and the tracker's progress from their beginning, committed records
    only, in no group: every board has all of it.
    """

    def __init__(
        self,
        clients: Clients,
        table: TicketTable,
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
        self._reachable = True
        self._unread = 0
        self._reached = -1
        self._caught_up = time.monotonic()
        self._one = asyncio.Lock()
        self._updates = Counter(
            "sla_board_updates", "Records of the ticket table taken in.", registry=registry
        )
        self._unreadable = Counter(
            "sla_board_unreadable", "Records of the ticket table left out.", registry=registry
        )
        Gauge("sla_board_tickets", "Tickets on the board.", registry=registry).set_function(
            lambda: len(table)
        )
        Gauge(
            "sla_board_unread_events", "Events the tracker has not processed.", registry=registry
        ).set_function(lambda: self._unread)

    def now(self) -> int:
        """The wall clock or, of a replay, how far the tracker has come."""
        if not self._replay:
            return int(time.time() * 1000)
        return max((each.frontier or 0 for each in self._progress.values()), default=0)

    @property
    def unread(self) -> int:
        """Events that the tracker has not processed."""
        return self._unread

    def freshness(self) -> Freshness:
        """How far the table can be relied on now."""
        if not self._reachable:
            return Freshness.UNREACHABLE
        if not self._loaded:
            return Freshness.LOADING
        behind = time.monotonic() - self._caught_up > self._stale_seconds
        due = self._table.first_due()
        overdue = format_instant(max(0, self.now() - int(self._stale_seconds * 1000)))
        if behind or (due is not None and due != NEVER and due < overdue):
            return Freshness.BEHIND
        return Freshness.FRESH

    async def run(self) -> None:
        """Follow the topics; a broker that can't be reached is tried again."""
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError, TimeoutError, _NothingToReadError) as error:
                if self._reachable:
                    log.warning("broker unreachable", error=type(error).__name__, reason=str(error))
                self._reachable = False
                self._table.announce()
                await asyncio.sleep(_RETRY_SECONDS)

    async def record(self, origin: Origin) -> bytes | None:
        """The whole record at ``origin``; ``None`` where a newer one has taken its place.

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
            self._reachable = True
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
        # What was read before the broker was lost and is gone since would otherwise stay for ever.
        seen: set[str] | None = set()
        while True:
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
                    self._caught_up = time.monotonic()
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
            # The tracker wrote it, so this is a form we don't know; the others still stand.
            self._unreadable.inc()
            log.warning("record left out", ticket=ticket_id, reason=str(error))
        if seen is not None:
            seen.add(ticket_id)

    def _take_progress(self, partition: TopicPartition, value: bytes | None) -> None:
        if value is None:
            return
        self._progress[partition.partition] = ProgressRecord.model_validate_json(value)

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        """See how far the tracker is behind its input, again and again."""
        while True:
            partitions = [TopicPartition(EVENTS.name, number) for number in self._numbers(consumer)]
            async with asyncio.timeout(_CALL_SECONDS):
                ends = await consumer.end_offsets(partitions)
            offsets = {number: told.offset for number, told in self._progress.items()}
            self._unread = sum(
                max(0, end - offsets.get(partition.partition, 0)) for partition, end in ends.items()
            )
            # Some input is always on its way while there is traffic; what counts is whether the
            # tracker comes on.
            reached = sum(offsets.values())
            if self._unread == 0 or reached != self._reached:
                self._caught_up = time.monotonic()
            self._reached = reached
            await asyncio.sleep(_LOOK_SECONDS)

    def _numbers(self, consumer: AIOKafkaConsumer) -> list[int]:
        return sorted(
            partition.partition
            for partition in consumer.assignment()
            if partition.topic == TICKETS.name
        )
