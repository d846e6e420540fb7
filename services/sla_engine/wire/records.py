"""Records as they come from a topic, and what becomes of those that can't be used."""

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

#: What is kept of the headers of a record that is larger than a dead letter may be, in bytes.
KEPT_HEADERS: Final = 16 * 1024
#: Characters of a detail.
MAX_DETAIL: Final = 1000


class Record(KeptRecord, Protocol):
    """A record as a consumer hands it out; ``timestamp`` is its append time in milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


class Rejected(NamedTuple):
    """Why a record can't be used. ``detail`` names fields, never their content; ``source`` is the
    event's, empty where it can't be told.
    """

    reason: DeadLetterReason
    detail: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be used, on its way to the dead letters."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: DeadLetterReason


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """A record on its way to the partition of its ticket, under the right key."""

    key: bytes
    value: bytes
    headers: Headers

    @classmethod
    def of(cls, record: Record, ticket_id: str) -> Self:
        """``record`` under its ticket's key, with where it was found in a header."""
        origin = f"{record.topic}/{record.partition}/{record.offset}".encode()
        headers = [*record.headers, (REKEYED_HEADER, origin)]
        return cls(ticket_id.encode(), record.value or b"", headers)


def was_rekeyed(record: Record) -> bool:
    """Whether ``record`` was put under another key once already."""
    return any(name == REKEYED_HEADER for name, _ in record.headers)


def size_of(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Bytes of a record."""
    size = len(key or b"") + len(value or b"")
    for name, content in headers:
        size += len(name) + len(content or b"")
    return size


def dead_letter(record: Record, rejected: Rejected) -> DeadLetter:
    """``record`` as it came, with reason and origin in headers.

    One that is larger than a dead letter may be, as a record that came compressed can be, is cut:
    its first bytes, with the length and hash of the whole.
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
    """As many of ``headers`` as are not larger than ``size`` bytes together."""
    kept: list[tuple[str, bytes | None]] = []
    for name, content in headers:
        size -= len(name) + len(content or b"")
        if size < 0:
            break
        kept.append((name, content))
    return kept
