"""Publishes events to Kafka and waits until all replicas have acknowledged them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from sla_intake.reading import Letter
from sla_kafka.clients import Clients
from sla_kafka.partitioning import partition_for
from sla_schemas.topics import DEAD_LETTERS, EVENTS, MAX_DEAD_LETTER_BYTES


class NotAcknowledgedError(Exception):
    """Kafka did not acknowledge in time. It may have the record anyway: then the sender repeats it
    with the same id, and the tracker drops the copy.
    """


class Publisher:
    """An idempotent producer whose every record is waited for."""

    def __init__(self, clients: Clients, seconds: float, linger_ms: int) -> None:
        self._seconds = seconds
        self._clients = clients
        self._linger_ms = linger_ms
        self._producer: AIOKafkaProducer | None = None
        self._partitions = 0
        #: Why the last records were not acknowledged; ``None`` where they were.
        self.refused: str | None = None

    async def start(self) -> None:
        """Connect. Raises ``KafkaError`` where no broker answers."""
        self._producer = self._clients.producer(
            enable_idempotence=True,
            acks="all",
            linger_ms=self._linger_ms,
            max_batch_size=256 * 1024,
            max_request_size=MAX_DEAD_LETTER_BYTES,
            request_timeout_ms=int(self._seconds * 1000),
        )
        await self._producer.start()
        self._partitions = len(await self._producer.partitions_for(EVENTS.name))

    async def stop(self) -> None:
        """Send what is under way and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def publish(self, events: Sequence[dict[str, Any]], letters: Sequence[Letter]) -> None:
        """Return when Kafka has all of it. Raises ``NotAcknowledgedError``."""
        assert self._producer is not None, "requests come after the start"
        try:
            async with asyncio.timeout(self._seconds):
                waiting = [await self._send_event(event) for event in events]
                waiting += [await self._send_letter(letter) for letter in letters]
                for each in waiting:
                    await each
        except (KafkaError, TimeoutError, OSError) as error:
            self.refused = type(error).__name__
            raise NotAcknowledgedError(self.refused) from error
        self.refused = None

    async def _send_event(self, event: dict[str, Any]) -> asyncio.Future[Any]:
        assert self._producer is not None
        key = event["subject"].encode()
        return await self._producer.send(  # type: ignore[no-any-return]  # aiokafka ships no types
            EVENTS.name,
            msgspec.json.encode(event),
            key=key,
            partition=partition_for(key, self._partitions),
        )

    async def _send_letter(self, letter: Letter) -> asyncio.Future[Any]:
        assert self._producer is not None
        return await self._producer.send(  # type: ignore[no-any-return]  # aiokafka ships no types
            DEAD_LETTERS.name,
            letter.body,
            headers=letter.headers(),
        )
