"""How far a partition's input has been read, and what of it is not there any more."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError

from sla_tracker.errors import FatalError
from sla_tracker.settings import TrackerSettings


class InputPosition:
    """The place of one partition in its input; ``offset`` is that of the next record to apply."""

    def __init__(
        self, partition: TopicPartition, consumer: AIOKafkaConsumer, settings: TrackerSettings
    ) -> None:
        self.offset = 0
        #: The end of the input where it was found to be read to the end, ends of transactions
        #: included; and the same once all of it is committed.
        self.end: int | None = None
        self.done_to = 0
        self._partition = partition
        self._consumer = consumer
        self._settings = settings

    @property
    def reached(self) -> int:
        """The offset before which everything of the input is done."""
        return max(self.offset, self.done_to)

    def unread(self) -> int | None:
        """How many offsets lie from there to the end of the input, as last heard: records, and ends
        of transactions as long as records come behind them. ``None`` while that is not known.
        """
        try:
            end = self._consumer.highwater(self._partition)
        except (IllegalStateError, AssertionError):
            return None
        return None if end is None else max(0, end - self.reached)

    async def start_from(self, offset: int | None) -> int:
        """Where reading really begins that is to begin at ``offset``. Raises ``FatalError`` if what
        lies there was deleted.
        """
        first = await self._beginning()
        if offset is not None:
            self._check_deleted(offset, first)
        return max(first, offset or 0)

    async def check_gap(self, found: int) -> None:
        """Raise ``FatalError`` if records were deleted before they were read. The consumer goes on
        behind a gap by itself, and most gaps are the ends of transactions.
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
                f"{'was' if one else 'were'} deleted before being read; if that is lost for good, "
                "start once with SLA_TRACKER_SKIP_DELETED=1"
            )
