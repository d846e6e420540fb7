"""Records of the input topic that the client can't read.

aiokafka raises if a header's name is not text, or a batch can't be decompressed. It raises again at
every fetch, so one such record would stop the consumer, with all its partitions, for good; and the
records that it had read before in the same fetch would be skipped. Here, each record of such a
batch is returned without its content but with the reason: it becomes a dead letter, and the records
after it are read as usual.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import aiokafka.consumer.fetcher
from aiokafka import ConsumerRecord
from aiokafka.consumer.fetcher import PartitionRecords

from sla_schemas.headers import UNREADABLE_HEADER
from sla_schemas.topics import EVENTS

_LOG_APPEND_TIME: Final = 1


class _Remembering:
    """Batches; remembers the last one returned, and whether its checksum was right."""

    def __init__(self, records: Any) -> None:
        self._records = records
        self.last: Any = None
        self.sound = True

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def next_batch(self) -> Any:
        self.last = self._records.next_batch()
        # This can only be checked before its records are read.
        self.sound = self.last.validate_crc()
        return self.last


class TolerantRecords(PartitionRecords):  # type: ignore[misc]  # aiokafka ships no types
    """The records of one partition in a fetch."""

    _records: Any
    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[ConsumerRecord]:
        if self._tp.topic != EVENTS.name:
            # Only our own programs write there, so an unreadable record is an error.
            yield from super()._unpack_records()
            return
        batches = self._records = _Remembering(self._records)
        while True:
            try:
                yield from super()._unpack_records()
            except Exception as error:
                if not batches.sound:
                    # Damaged in transit or on the broker's disk; it must not be skipped.
                    raise
                yield from self._without_content(batches.last, error)
            else:
                return

    def _without_content(self, batch: Any, error: Exception) -> Iterator[ConsumerRecord]:
        why = f"{type(error).__name__}: {error}"[:200].encode(errors="replace")
        for offset in range(max(batch.base_offset, self.next_fetch_offset), batch.next_offset):
            self.next_fetch_offset = offset + 1
            yield ConsumerRecord(
                topic=self._tp.topic,
                partition=self._tp.partition,
                offset=offset,
                timestamp=batch.max_timestamp,
                timestamp_type=_LOG_APPEND_TIME,
                key=None,
                value=None,
                checksum=None,
                serialized_key_size=-1,
                serialized_value_size=-1,
                headers=((UNREADABLE_HEADER, why),),
            )


def read_past_what_is_unreadable() -> None:
    """Make all consumers of this process read this way."""
    aiokafka.consumer.fetcher.PartitionRecords = TolerantRecords
