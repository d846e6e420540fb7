"""One partition's transactional producer: all effects of a batch, in one transaction.

``transactional_id`` is ``<app>-<partition>``, so starting the producer (InitProducerId) aborts the
open transaction of an older owner of the partition and fences it off (KIP-98). This, and not the
group protocol, keeps two trackers from writing for the same partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, Final, TypeVar

import aiokafka.producer.sender
from aiokafka import TopicPartition

from sla_engine.effects import Effects
from sla_engine.wire.alerts import ALERT_TOPICS, write_alert
from sla_kafka.clients import Clients, abandon
from sla_kafka.partitioning import partition_for
from sla_runtime.tracing import TRACEPARENT
from sla_schemas.topics import (
    DEAD_LETTERS,
    EVENTS,
    MAX_TICKET_BYTES,
    PROGRESS,
    TICKETS,
)
from sla_tracker.broker_clock import BrokerClock
from sla_tracker.settings import TrackerSettings

#: The broker aborts a transaction that is open longer than this, in milliseconds.
TRANSACTION_TIMEOUT_MS: Final = 30_000
#: Bytes of records that are gathered into one batch.
BATCH_BYTES: Final = 512 * 1024

# When a new transaction begins, the broker is often still finishing the last one and asks for a
# retry; aiokafka waits 20 ms before it, which would be most of the latency of an alert.
aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.002

T = TypeVar("T")
#: Key, value, headers.
Row = tuple[bytes | None, bytes | None, Any]


class TransactionalWriter:
    """Writes a partition's effects exactly once. Every call has a time limit, since aiokafka's
    calls never return if the broker hangs.
    """

    def __init__(self, partition: int, clients: Clients, settings: TrackerSettings) -> None:
        self._partition = partition
        self._settings = settings
        #: Updated by every answer of the broker.
        self.clock = BrokerClock()
        self._producer = clients.producer(
            transactional_id=f"{settings.app}-{partition}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_TICKET_BYTES + BATCH_BYTES,
            retry_backoff_ms=5,
        )

    async def fence(self) -> None:
        """Fence off every older owner of this partition. Nothing may be read before."""
        await self._limited(self._producer.start())

    async def write(self, effects: Effects, offset: int, progress: bytes) -> None:
        """Commit ``effects`` together with the next input ``offset``.

        Raises any error, including ``TimeoutError``; it is then unknown whether the transaction was
        committed, and only the progress record can tell.
        """
        producer, own = self._producer, self._partition
        await self._limited(producer.begin_transaction())
        name = self._settings.app.encode()
        [progressed] = await self._send(PROGRESS.name, own, [(name, progress, [])])
        progressed.add_done_callback(self._hear)
        acknowledged = [
            *await self._send(TICKETS.name, own, _tickets(effects)),
            *await self._send_alerts(effects),
            *await self._send(DEAD_LETTERS.name, own, _dead_letters(effects)),
            *await self._send_rekeyed(effects),
            progressed,
        ]
        for future in acknowledged:
            # A timeout below leaves some exceptions unread, which asyncio would complain about.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
        # A commit can succeed although a batch failed; only its own future shows that.
        await self._limited(asyncio.gather(*acknowledged))
        # For lag tools only, and never while sends are in flight: the broker would make us wait.
        await self._limited(
            producer.send_offsets_to_transaction(
                {TopicPartition(EVENTS.name, own): offset}, self._settings.app
            )
        )
        await self._limited(producer.commit_transaction())

    def _hear(self, progressed: asyncio.Future[Any]) -> None:
        """Take the broker's time from the append of a progress record."""
        if not progressed.cancelled() and progressed.exception() is None:
            self.clock.observe(progressed.result().timestamp)

    async def close(self) -> None:
        """Stop the producer; one that does not stop is abandoned."""
        try:
            await asyncio.wait_for(self._producer.stop(), 2.0)
        except Exception:  # noqa: BLE001  whatever it is, the producer must not linger
            await abandon(self._producer)

    async def _send_alerts(self, effects: Effects) -> list[asyncio.Future[Any]]:
        rows: dict[str, list[Row]] = {}
        for alert in effects.alerts:
            topic = ALERT_TOPICS[alert.kind].name
            parent = effects.traceparents.get(alert.id)
            headers = [] if parent is None else [(TRACEPARENT, parent.encode())]
            row = (alert.ticket_id.encode(), write_alert(alert), headers)
            rows.setdefault(topic, []).append(row)
        sent = []
        for topic, of_topic in rows.items():
            sent += await self._send(topic, self._partition, of_topic)
        return sent

    async def _send_rekeyed(self, effects: Effects) -> list[asyncio.Future[Any]]:
        if not effects.rekeyed:
            return []
        count = len(await self._limited(self._producer.partitions_for(EVENTS.name)))
        sent = []
        for record in effects.rekeyed:
            row: Row = (record.key, record.value, record.headers)
            sent += await self._send(EVENTS.name, partition_for(record.key, count), [row])
        return sent

    async def _send(
        self, topic: str, partition: int, rows: Iterable[Row]
    ) -> list[asyncio.Future[Any]]:
        producer = self._producer
        sent, batch = [], producer.create_batch()
        for key, value, headers in rows:
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                sent.append(
                    await self._limited(producer.send_batch(batch, topic, partition=partition))
                )
                batch = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
        if batch.record_count():
            batch.close()
            sent.append(await self._limited(producer.send_batch(batch, topic, partition=partition)))
        return sent

    async def _limited(self, call: Awaitable[T]) -> T:
        return await asyncio.wait_for(call, self._settings.call_seconds)


def _tickets(effects: Effects) -> Iterable[Row]:
    for ticket_id, value in effects.tickets.items():
        key = ticket_id.encode()
        if value is None and (last := effects.left.get(ticket_id)) is not None:
            # Readers of the table see a ticket's final state before it is deleted.
            yield key, last, []
        yield key, value, []


def _dead_letters(effects: Effects) -> Iterable[Row]:
    return ((letter.key, letter.value, letter.headers) for letter in effects.dead_letters)
