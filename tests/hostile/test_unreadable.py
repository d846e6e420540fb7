"""A batch that the client can't read is skipped record by record, and nothing else is lost."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException
from aiokafka.record._crc32c import crc
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from sla_kafka.unreadable import TolerantRecords
from sla_schemas.headers import UNREADABLE_HEADER
from sla_schemas.topics import EVENTS, TICKETS

NO_TEXT = b"\xff\xfe\xfd\xfc"


def batch(first: int, names: Sequence[str], *, spoil: bool = False) -> bytes:
    """A batch of records from offset ``first`` on, each with a header of that name; XXXX becomes
    one that is no text.
    """
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1_000_000,
    )
    for number, name in enumerate(names):
        builder.append(number, 1000, b"k", b"v", [(name, b"h")])
    built = bytearray(bytes(builder.build()).replace(b"XXXX", NO_TEXT))
    built[:8] = struct.pack(">q", first)
    checked = crc(bytes(built[21:]))
    built[17:21] = struct.pack(">I", checked ^ 1 if spoil else checked)
    return bytes(built)


def read(*batches: bytes, topic: str = EVENTS.name, begin: int = 0) -> list[Any]:
    records = TolerantRecords(
        TopicPartition(topic, 0), MemoryRecords(b"".join(batches)), [], begin, None, None, True, 1
    )
    return list(records)


def told(records: Sequence[Any]) -> list[tuple[int, bytes | None, bool]]:
    return [(r.offset, r.value, r.headers[0][0] == UNREADABLE_HEADER) for r in records]


def test_what_is_before_and_behind_is_read() -> None:
    found = read(batch(0, ["a", "b"]), batch(2, ["XXXX", "c"]), batch(4, ["d"]))
    assert told(found) == [
        (0, b"v", False),
        (1, b"v", False),
        (2, None, True),
        (3, None, True),
        (4, b"v", False),
    ]
    assert b"UnicodeDecodeError" in found[2].headers[0][1]


def test_of_the_same_batch_what_comes_first_is_read() -> None:
    assert told(read(batch(0, ["a", "XXXX", "b"]))) == [
        (0, b"v", False),
        (1, None, True),
        (2, None, True),
    ]


def test_what_was_read_before_does_not_come_again() -> None:
    assert told(read(batch(0, ["XXXX"] * 4), begin=2)) == [(2, None, True), (3, None, True)]


def test_a_batch_that_was_spoilt_on_its_way_is_not_skipped() -> None:
    with pytest.raises(CorruptRecordException):
        read(batch(0, ["a"], spoil=True))


def test_our_own_topics_are_read_as_they_are_or_not_at_all() -> None:
    with pytest.raises(UnicodeDecodeError):
        read(batch(0, ["XXXX"]), topic=TICKETS.name)
