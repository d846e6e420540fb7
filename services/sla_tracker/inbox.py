"""Records fetched for a partition but not applied yet, and how much memory they take."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from aiokafka import ConsumerRecord

from sla_engine.wire.records import size_of

#: If more records than this are waiting, the partition is not fetched any more.
INBOX_LIMIT: Final = 10_000
#: The same in bytes, and the bytes of a batch: a compressed record may be a thousand times as large
#: as on the wire.
INBOX_BYTES: Final = 64 * 1024 * 1024
BATCH_BYTES: Final = 16 * 1024 * 1024


class Inbox:
    """Records of one partition in the order of their offsets; ``arrived`` is set by new ones."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.bytes = 0
        self._records: deque[ConsumerRecord] = deque()
        #: The bytes of each, in the same order.
        self._sizes: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._records)

    def put(self, records: Sequence[ConsumerRecord]) -> None:
        """Add fetched records."""
        sizes = [_bytes_of(record) for record in records]
        self._records.extend(records)
        self._sizes.extend(sizes)
        self.bytes += sum(sizes)
        self.arrived.set()

    def next_batch(self, at_most: int) -> list[ConsumerRecord]:
        """Remove and return the first records, as many as one transaction should hold."""
        batch: list[ConsumerRecord] = []
        size = 0
        while self._records and len(batch) < at_most and size < BATCH_BYTES:
            batch.append(self._records.popleft())
            size += self._sizes.popleft()
        self.bytes -= size
        self.arrived.clear()
        return batch

    def put_back(self, records: Sequence[ConsumerRecord]) -> None:
        """Put back the last records of a batch, so that they come first again."""
        for record in reversed(records):
            size = _bytes_of(record)
            self._records.appendleft(record)
            self._sizes.appendleft(size)
            self.bytes += size

    def clear(self) -> None:
        """Drop the waiting records; they will be fetched again."""
        self._records.clear()
        self._sizes.clear()
        self.bytes = 0

    def is_full(self) -> bool:
        """True if fetching the partition must pause."""
        return len(self._records) > INBOX_LIMIT or self.bytes > INBOX_BYTES

    def has_room(self) -> bool:
        """True if fetching can resume."""
        return len(self._records) <= INBOX_LIMIT // 2 and self.bytes <= INBOX_BYTES // 2


def _bytes_of(record: ConsumerRecord) -> int:
    return size_of(record.key, record.value, record.headers)
