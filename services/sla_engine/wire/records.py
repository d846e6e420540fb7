"""Input records, rekeyed records and dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, Self

from sla_engine.memory import Headers, KeptRecord
from sla_schemas.cutting import cut
from sla_schemas.headers import (
    DETAIL_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    REASON_HEADER,
    REKEYED_HEADER,
    TOPIC_HEADER,
)
from sla_schemas.topics import MAX_INPUT_BYTES
from sla_schemas.words import DeadLetterReason

#: The maximum size of the headers kept from an oversized record, in bytes.
KEPT_HEADERS: Final = 16 * 1024
#: The maximum length of a detail, in characters.
MAX_DETAIL: Final = 1000


class Record(KeptRecord, Protocol):
    """A consumed record; ``timestamp`` is its append time in UTC milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


class Rejected(NamedTuple):
    """Why a record can't be used.

    ``detail`` explains it to people; ``source`` is the event's source, empty if unknown.
    """

    reason: DeadLetterReason
    detail: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record to write to the dead letters."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: DeadLetterReason


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """A record to write again under the right key, and so to its ticket's partition."""

    key: bytes
    value: bytes
    headers: Headers

    @classmethod
    def of(cls, record: Record, ticket_id: str) -> Self:
        """``record`` with its ticket's key, and its origin in a header."""
        origin = f"{record.topic}/{record.partition}/{record.offset}".encode()
        headers = [*record.headers, (REKEYED_HEADER, origin)]
        return cls(ticket_id.encode(), record.value or b"", headers)


def was_rekeyed(record: Record) -> bool:
    """True if ``record`` was already rekeyed once."""
    return any(name == REKEYED_HEADER for name, _ in record.headers)


def size_of(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """The size of a record in bytes."""
    size = len(key or b"") + len(value or b"")
    for name, content in headers:
        size += len(name) + len(content or b"")
    return size


def dead_letter(record: Record, rejected: Rejected) -> DeadLetter:
    """``record`` unchanged, with reason and origin in headers.

    A record too large for a dead letter, such as one that was compressed, is truncated, and gets
    the length and hash of the whole.
    """
    key, value, headers = record.key, record.value, record.headers
    origin: list[tuple[str, bytes | None]] = [
        (REASON_HEADER, rejected.reason.encode()),
        (DETAIL_HEADER, rejected.detail[:MAX_DETAIL].encode(errors="replace")),
        (TOPIC_HEADER, record.topic.encode()),
        (PARTITION_HEADER, str(record.partition).encode()),
        (OFFSET_HEADER, str(record.offset).encode()),
    ]
    if size_of(key, value, headers) > MAX_INPUT_BYTES:
        key, value, of_whole = cut(key, value)
        origin += of_whole
        headers = _first(headers, KEPT_HEADERS)
    return DeadLetter(key, value, [*headers, *origin], rejected.reason)


def _first(headers: Headers, size: int) -> Headers:
    """The first of ``headers`` that fit in ``size`` bytes together."""
    kept: list[tuple[str, bytes | None]] = []
    for name, content in headers:
        size -= len(name) + len(content or b"")
        if size < 0:
            break
        kept.append((name, content))
    return kept
