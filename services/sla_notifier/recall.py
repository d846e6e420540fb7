"""Reads alerts that did not fit in memory again when their turn comes."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from sla_engine.memory import values_of
from sla_kafka.clients import Clients, let_go
from sla_notifier.alert import Origin, ReceivedAlert
from sla_schemas.topics import ALERT_DEAD_LETTERS

_PAUSE: Final = 2.0
_STOP_SECONDS: Final = 5.0
#: Records of a partition kept at once, since the ones after the record needed are needed next; and
#: the most bytes fetched, or a single record if it is larger.
_KEPT: Final = 200
_FETCH_BYTES: Final = 256 * 1024

log = structlog.get_logger("sla_notifier")


class GoneError(Exception):
    """The record no longer exists."""


class Recall:
    """Reads one partition at a time. Used from one event loop."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._consumer: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()
        self._kept: dict[TopicPartition, dict[int, Any]] = {}

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await let_go(self._consumer, _STOP_SECONDS)

    async def alert(self, origin: Origin) -> ReceivedAlert:
        """The alert that was read at ``origin`` before. Keeps trying until the broker responds;
        raises ``GoneError`` if the record no longer exists.
        """
        place = TopicPartition(origin.topic, origin.partition)
        async with self._turn:
            while origin.offset not in self._kept.get(place, {}):
                try:
                    await self._read(place, origin.offset)
                except (KafkaError, OSError) as error:
                    log.warning("cannot read again", topic=place.topic, reason=repr(error))
                    await asyncio.sleep(_PAUSE)
            record = self._kept[place].pop(origin.offset)
        # A dead letter is delivered without the trace it was once part of.
        headers = {} if origin.topic == ALERT_DEAD_LETTERS.name else values_of(record.headers)
        return ReceivedAlert.read(record.value, headers, origin)

    async def _read(self, place: TopicPartition, offset: int) -> None:
        """Keep the record at ``offset``, and those after it that come with it."""
        consumer = await self._connected()
        if consumer.assignment() != {place}:
            consumer.assign([place])
        consumer.seek(place, offset)
        found = await consumer.getmany(place, timeout_ms=1000, max_records=_KEPT)
        records = found.get(place, [])
        if records and records[0].offset != offset:
            raise GoneError(
                f"offset {offset} of {place.topic}, partition {place.partition}, has been deleted"
            )
        self._kept[place] = {record.offset: record for record in records}

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = self._clients.consumer(
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                max_partition_fetch_bytes=_FETCH_BYTES,
                fetch_max_wait_ms=100,
            )
            try:
                await consumer.start()
            except BaseException:
                await let_go(consumer, _STOP_SECONDS)
                raise
            self._consumer = consumer
        return self._consumer
