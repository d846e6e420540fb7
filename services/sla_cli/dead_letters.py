"""The dead letters of tracker, intake and notifier, read from their two topics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import msgspec
from aiokafka import ConsumerRecord

from sla_domain.instant import format_instant
from sla_engine.memory import Headers, values_of
from sla_intake.redelivery import is_delivery
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_schemas.headers import (
    DESTINATION_HEADER,
    DETAIL_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    REASON_HEADER,
    RETRIED_HEADER,
    TOPIC_HEADER,
)
from sla_schemas.topics import ALERT_DEAD_LETTERS, DEAD_LETTERS, Topic

#: Prefix of the id of a dead-lettered alert, since alerts are on a topic of their own.
_ALERTS: Final = "alerts/"

Maker = Literal["tracker", "intake", "notifier"]


class _Envelope(msgspec.Struct):
    source: str | None = None


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: its place, the reason, and the original record.

    ``source`` is the system it came from: an event's ``source``, a source of the intake, or the
    destination that an alert could not be delivered to. ``at`` is when it became a dead letter.
    """

    topic: Topic
    partition: int
    offset: int
    at: int
    maker: Maker
    source: str | None
    reason: str
    detail: str
    origin: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    retried: bool

    @property
    def place(self) -> str:
        """``partition/offset`` in its topic."""
        return f"{self.partition}/{self.offset}"

    @property
    def id(self) -> str:
        """Its id: ``3/17``, or ``alerts/3/17`` for a dead-lettered alert."""
        return self.place if self.topic is DEAD_LETTERS else _ALERTS + self.place

    @classmethod
    def of(cls, record: ConsumerRecord, topic: Topic, *, retried: bool) -> Self:
        """The letter in ``record`` of ``topic``."""
        told = {
            name: value.decode("utf-8", "replace")
            for name, value in values_of(record.headers).items()
        }
        places = (TOPIC_HEADER, PARTITION_HEADER, OFFSET_HEADER)
        maker, source = _from(record, topic, told)
        reason, detail = told.get(REASON_HEADER, "?"), told.get(DETAIL_HEADER, "")
        if topic is ALERT_DEAD_LETTERS:
            # ``http_422: what the receiver said``
            reason, detail = reason.partition(":")[0], reason
        return cls(
            topic,
            record.partition,
            record.offset,
            record.timestamp,
            maker,
            source,
            reason,
            detail,
            "/".join(told[name] for name in places if name in told),
            record.key,
            record.value,
            record.headers,
            retried,
        )

    def is_of(self, ticket: str) -> bool:
        """Whether it is about ``ticket``: by its key, or without a key, if the ticket id is a value
        anywhere in its body.
        """
        if self.key is not None:
            return self.key == ticket.encode()
        try:
            return ticket in _scalars(json.loads(self.value or b""))
        except (ValueError, RecursionError):
            return False

    def row(self) -> dict[str, object]:
        """As a line of a listing."""
        return {
            "id": self.id,
            "at": format_instant(self.at),
            "from": self.maker,
            "source": self.source,
            "reason": self.reason,
            "detail": self.detail,
            "key": None if self.key is None else self.key.decode("utf-8", "replace"),
            "bytes": len(self.value or b""),
            "origin": self.origin,
            "retried": self.retried,
        }


def _from(record: ConsumerRecord, topic: Topic, told: dict[str, str]) -> tuple[Maker, str | None]:
    if topic is ALERT_DEAD_LETTERS:
        return "notifier", told.get(DESTINATION_HEADER)
    if is_delivery(values_of(record.headers).items()):
        return "intake", told[TOPIC_HEADER].rpartition("/")[2]
    try:
        return "tracker", _ENVELOPE.decode(record.value or b"").source
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "tracker", None


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _scalars(each)
    elif isinstance(value, str | int):
        yield str(value)


@dataclass(frozen=True, slots=True)
class Filters:
    """Selects the letters that match everything given. ``source`` is a maker or a source,
    ``since`` an instant.
    """

    reason: str | None = None
    source: str | None = None
    ticket: str | None = None
    since: int | None = None

    @property
    def any(self) -> bool:
        """Whether any filter is given."""
        return self != Filters()

    def take(self, letter: Letter) -> bool:
        """Whether ``letter`` is selected."""
        return (
            self.reason in (None, letter.reason)
            and self.source in (None, letter.maker, letter.source)
            and (self.since is None or letter.at >= self.since)
            and (self.ticket is None or letter.is_of(self.ticket))
        )


def read_letters(settings: KafkaSettings) -> list[Letter]:
    """All dead letters, by topic, partition and offset."""
    return asyncio.run(all_letters(settings))


async def all_letters(settings: KafkaSettings) -> list[Letter]:
    """The same, inside an event loop."""
    found: list[Letter] = []
    for topic in (DEAD_LETTERS, ALERT_DEAD_LETTERS):
        records = await read_topic(settings, topic.name)
        retried = {
            value.decode("utf-8", "replace")
            for record in records
            for name, value in values_of(record.headers).items()
            if _is_mark(record) and name == RETRIED_HEADER
        }
        found += [
            Letter.of(record, topic, retried=f"{record.partition}/{record.offset}" in retried)
            for record in records
            if not _is_mark(record)
        ]
    return found


def _is_mark(record: ConsumerRecord) -> bool:
    """Whether ``record`` marks another one as retried. A retried event that failed again has that
    header too, but also a reason.
    """
    names = {name for name, _ in record.headers}
    return RETRIED_HEADER in names and REASON_HEADER not in names
