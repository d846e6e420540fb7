"""Writing recorded events to the input topic, quickly and in order."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_lab.errors import CommandError
from sla_lab.recording import Line
from sla_schemas.headers import REPLAY_FRONTIER_HEADER
from sla_schemas.topics import EVENTS, MAX_INPUT_BYTES

_BATCH_BYTES: Final = 256 * 1024
#: Batches on their way before the feed waits for some to arrive.
_IN_FLIGHT: Final = 32


async def connect(producer: AIOKafkaProducer, settings: KafkaSettings) -> int:
    """Start ``producer``; answers how many partitions the input topic has. Raises ``CommandError``
    where no broker answers or the topic is missing.
    """
    try:
        await producer.start()
        return len(await producer.partitions_for(EVENTS.name))
    except (KafkaError, OSError) as error:
        await producer.stop()
        raise CommandError(
            f"nothing can be published at {settings.bootstrap} ({type(error).__name__}); "
            "'sla doctor' shows what is missing"
        ) from error


class Feed:
    """An idempotent producer on the input topic. Each partition's records keep their order."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.sent = 0
        self.partitions = 0
        self._settings = settings
        self._producer = AIOKafkaProducer(
            **settings.client_options(),
            enable_idempotence=True,
            acks="all",
            max_batch_size=_BATCH_BYTES,
            max_request_size=MAX_INPUT_BYTES + _BATCH_BYTES,
        )
        self._batches: dict[int, BatchBuilder] = {}
        self._waiting: list[asyncio.Future[Any]] = []

    async def __aenter__(self) -> Self:
        """Connect. Raises ``CommandError`` where no broker answers or the topic is missing."""
        self.partitions = await connect(self._producer, self._settings)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._producer.stop()

    async def add(self, line: Line) -> None:
        """Send ``line`` with the next batch of its partition."""
        partition = partition_for(line.key, self.partitions)
        await self._append(partition, line.key, line.value, [])
        self.sent += 1

    async def move_frontier(self, instant: int) -> None:
        """Tell replaying trackers on all partitions that nothing from before ``instant`` comes."""
        for partition in range(self.partitions):
            header = (REPLAY_FRONTIER_HEADER, str(instant).encode())
            await self._append(partition, None, b"", [header])
        await self.flush()

    async def flush(self) -> None:
        """Send what is gathered and wait until the broker has it."""
        for partition in list(self._batches):
            await self._send(partition)
        await asyncio.gather(*self._waiting)
        self._waiting = []

    async def _append(
        self, partition: int, key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        batch = self._batches.get(partition)
        if batch is None:
            batch = self._batches[partition] = self._producer.create_batch()
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            await self._send(partition)
            batch = self._batches[partition] = self._producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=headers)

    async def _send(self, partition: int) -> None:
        batch = self._batches.pop(partition)
        batch.close()
        self._waiting.append(
            await self._producer.send_batch(batch, EVENTS.name, partition=partition)
        )
        if len(self._waiting) >= _IN_FLIGHT:
            await self._waiting.pop(0)
