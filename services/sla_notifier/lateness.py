"""How late retracted alerts were: whoever did not get the alert does not get its retraction.

A retraction does not contain this, but its alert precedes it in the same partition. So nothing is
stored: a partition is read back at its first retraction and followed from there (ADR 26).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import msgspec
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from sla_kafka.clients import Clients, let_go

#: Seconds before reading a partition is tried again.
_PAUSE: Final = 2.0
_STOP_SECONDS: Final = 5.0

log = structlog.get_logger("sla_notifier")


class Place(Protocol):
    """A partition as Faust names it."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


class _Data(msgspec.Struct):
    late_ms: int = 0


class _Late(msgspec.Struct):
    """The fields read from an alert."""

    id: str
    data: _Data


_LATE: Final = msgspec.json.Decoder(_Late)


class Lateness:
    """The alerts that were later than ``least`` milliseconds, by partition."""

    def __init__(self, clients: Clients, least: float) -> None:
        self._clients = clients
        self._least = least
        self._known: dict[Any, dict[str, int]] = {}
        self._forgotten = 0

    def note(self, place: Place, alert_id: str, late: int) -> None:
        """Note that an alert was read there."""
        if late > self._least and place in self._known:
            self._known[place][alert_id] = late

    async def of(self, place: Place, offset: int, alert_id: str) -> int:
        """How many milliseconds late the alert ``alert_id``, found before ``offset``, was; 0 if
        that is within every limit. Keeps trying until the broker responds.
        """
        while (known := self._known.get(place)) is None:
            forgotten = self._forgotten
            try:
                known = await self._read(place, offset)
            except (KafkaError, OSError) as error:
                log.warning("cannot read back", topic=place.topic, reason=type(error).__name__)
                await asyncio.sleep(_PAUSE)
                continue
            if forgotten != self._forgotten:
                # Whoever has the partition now continues from here; we don't follow it.
                break
            self._known[place] = known
        return known.get(alert_id, 0)

    def forget(self, place: Place) -> None:
        """The partition is no longer ours to follow."""
        self._known.pop(place, None)
        self._forgotten += 1

    async def _read(self, place: Place, end: int) -> dict[str, int]:
        partition = TopicPartition(place.topic, place.partition)
        consumer = self._clients.consumer(
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        found: dict[str, int] = {}
        try:
            await consumer.start()
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            while await consumer.position(partition) < end:
                records = (await consumer.getmany(partition, timeout_ms=200)).get(partition, [])
                for record in records:
                    late = _lateness(record.value)
                    if late is not None and late.data.late_ms > self._least:
                        found[late.id] = late.data.late_ms
        finally:
            await let_go(consumer, _STOP_SECONDS)
        return found


def _lateness(value: bytes | None) -> _Late | None:
    """``None`` for a record that is not an alert; it is dead-lettered in its turn."""
    try:
        return _LATE.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
