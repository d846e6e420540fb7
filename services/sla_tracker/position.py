"""How far a partition's input has been read, and which records of it were deleted unread."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError

from sla_tracker.errors import FatalError
from sla_tracker.settings import TrackerSettings


class InputPosition:
    """The position of one partition in its input; ``offset`` is the next record to apply."""

    def __init__(
        self, partition: TopicPartition, consumer: AIOKafkaConsumer, settings: TrackerSettings
    ) -> None:
        self.offset = 0
        #: The end of the input, including transaction markers, when everything was last found to be
        #: read; and the same once everything is committed.
        self.end: int | None = None
        self.done_to = 0
        self._partition = partition
        self._consumer = consumer
        self._settings = settings

    @property
    def reached(self) -> int:
        """The offset before which all input is done."""
        return max(self.offset, self.done_to)

    def unread(self) -> int | None:
        """How many offsets are between there and the end of the input, as last known: records, and
        transaction markers if records follow them. ``None`` while that is not known.
        """
        try:
            end = self._consumer.highwater(self._partition)
        except (IllegalStateError, AssertionError):
            return None
        return None if end is None else max(0, end - self.reached)

    async def start_from(self, offset: int | None) -> int:
        """Where reading from ``offset`` really begins. Raises ``FatalError`` if the records there
        were deleted.
        """
        first = await self._beginning()
        if offset is not None:
            self._check_deleted(offset, first)
        return max(first, offset or 0)

    async def check_gap(self, found: int) -> None:
        """Raise ``FatalError`` if records were deleted before they were read. The consumer skips a
        gap by itself, and most gaps are transaction markers.
        """
        if found > self.offset:
            self._check_deleted(self.offset, await self._beginning())

    async def _beginning(self) -> int:
        """The first offset that the input still has."""
        asked = self._consumer.beginning_offsets([self._partition])
        beginnings = await asyncio.wait_for(asked, self._settings.call_seconds)
        return int(beginnings[self._partition])

    def _check_deleted(self, offset: int, first: int) -> None:
        if offset < first and not self._settings.skip_deleted:
            one = first - offset == 1
            which = f"record {offset}" if one else f"records {offset} to {first - 1}"
            raise FatalError(
                f"{which} of {self._partition.topic} partition {self._partition.partition} "
                f"{'was' if one else 'were'} deleted before being read; to continue without "
                f"{'it' if one else 'them'}, start once with SLA_TRACKER_SKIP_DELETED=1"
            )
