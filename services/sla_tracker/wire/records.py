"""Records as they come from a topic, and what becomes of those that can't be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sla_schemas.headers import (
    DETAIL_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    REASON_HEADER,
    TOPIC_HEADER,
)
from sla_schemas.memory import Headers, KeptRecord
from sla_schemas.words import DeadLetterReason


class Record(KeptRecord, Protocol):
    """A record as a consumer hands it out; ``timestamp`` is its append time in milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


class Rejected(NamedTuple):
    """Why a record can't be used. ``detail`` names fields, never their content."""

    reason: DeadLetterReason
    detail: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be used, on its way to the dead letters."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: DeadLetterReason


def dead_letter(record: Record, rejected: Rejected) -> DeadLetter:
    """``record`` as it came, with reason and origin in headers."""
    origin = [
        (REASON_HEADER, rejected.reason.encode()),
        (DETAIL_HEADER, rejected.detail.encode()),
        (TOPIC_HEADER, record.topic.encode()),
        (PARTITION_HEADER, str(record.partition).encode()),
        (OFFSET_HEADER, str(record.offset).encode()),
    ]
    return DeadLetter(record.key, record.value, [*record.headers, *origin], rejected.reason)
