"""Reading the dead-letter topic, and bringing its records back through the front door."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from sla_cli.console import working
from sla_cli.errors import CommandError
from sla_cli.feed import connect
from sla_cli.rig import read_topic
from sla_kafka.access import DLQ_RETRY_ID
from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_kafka.topics import DEAD_LETTERS, EVENTS, MAX_DEAD_LETTER_BYTES
from sla_schemas.headers import (
    DETAIL_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    REASON_HEADER,
    REKEYED_HEADER,
    RETRIED_HEADER,
    TOPIC_HEADER,
)

#: Letters in one transaction.
_TOGETHER: Final = 500
#: What we said about a record is not part of it.
_OWN_HEADERS: Final = {
    REASON_HEADER,
    DETAIL_HEADER,
    TOPIC_HEADER,
    PARTITION_HEADER,
    OFFSET_HEADER,
    REKEYED_HEADER,
    RETRIED_HEADER,
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: its place in the topic, why it is there, and the record as it came."""

    partition: int
    offset: int
    reason: str
    detail: str
    origin: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    retried: bool

    @property
    def id(self) -> str:
        """``partition/offset``."""
        return f"{self.partition}/{self.offset}"

    @classmethod
    def of(cls, record: ConsumerRecord, *, retried: bool) -> Self:
        """The letter that ``record`` of the dead-letter topic is."""
        told = {name: value.decode("utf-8", "replace") for name, value in record.headers}
        places = (TOPIC_HEADER, PARTITION_HEADER, OFFSET_HEADER)
        return cls(
            record.partition,
            record.offset,
            told.get(REASON_HEADER, "?"),
            told.get(DETAIL_HEADER, ""),
            "/".join(told.get(name, "?") for name in places),
            record.key,
            record.value,
            [(name, value) for name, value in record.headers if name not in _OWN_HEADERS],
            retried,
        )

    def row(self) -> dict[str, object]:
        """As a line of a listing."""
        return {
            "id": self.id,
            "reason": self.reason,
            "detail": self.detail,
            "key": None if self.key is None else self.key.decode("utf-8", "replace"),
            "bytes": len(self.value or b""),
            "origin": self.origin,
            "retried": self.retried,
        }


def read_letters(settings: KafkaSettings) -> list[Letter]:
    """Every dead letter there is, by partition and offset."""
    return asyncio.run(_letters(settings))


async def _letters(settings: KafkaSettings) -> list[Letter]:
    records = await read_topic(settings, DEAD_LETTERS.name)
    retried = {
        value.decode()
        for record in records
        for name, value in record.headers
        if _is_mark(record) and name == RETRIED_HEADER
    }
    return [
        Letter.of(record, retried=f"{record.partition}/{record.offset}" in retried)
        for record in records
        if not _is_mark(record)
    ]


def _is_mark(record: ConsumerRecord) -> bool:
    """Whether ``record`` says that another was retried. An event brought back that died again has
    that header too, but also a reason.
    """
    names = {name for name, _ in record.headers}
    return RETRIED_HEADER in names and REASON_HEADER not in names


def retry(settings: KafkaSettings, ids: Sequence[str], reason: str | None) -> list[Letter]:
    """Publish dead letters once more, as they came and each at most once: those with ``ids``, else
    those with ``reason``, else all. Answers those published.

    The record and the mark that it was retried are one transaction, and what was marked is read
    only when everyone else who retries is shut out. Raises ``CommandError``.
    """
    return asyncio.run(_retry(settings, ids, reason))


async def _retry(settings: KafkaSettings, ids: Sequence[str], reason: str | None) -> list[Letter]:
    producer = AIOKafkaProducer(
        **settings.client_options(),
        transactional_id=DLQ_RETRY_ID,
        acks="all",
        max_request_size=2 * MAX_DEAD_LETTER_BYTES,
    )
    count = await connect(producer, settings)
    try:
        chosen = _chosen(await _letters(settings), ids, reason)
        with working("bringing back", len(chosen)) as progress:
            for first in range(0, len(chosen), _TOGETHER):
                await _publish(producer, chosen[first : first + _TOGETHER], count)
                progress(min(first + _TOGETHER, len(chosen)))
    except KafkaError as error:
        raise CommandError(
            f"the broker at {settings.bootstrap} did not take the records "
            f"({type(error).__name__}: {error}); run the command again: what was brought back is "
            "not brought back twice"
        ) from error
    finally:
        await producer.stop()
    return chosen


def _chosen(letters: Sequence[Letter], ids: Sequence[str], reason: str | None) -> list[Letter]:
    if not ids:
        waiting = [letter for letter in letters if not letter.retried]
        return [letter for letter in waiting if reason in (None, letter.reason)]
    known = {letter.id: letter for letter in letters}
    for wanted in ids:
        if wanted not in known:
            raise CommandError(
                f"there is no dead letter {wanted!r}; 'sla dlq list' names those there are"
            )
        if known[wanted].retried:
            raise CommandError(
                f"dead letter {wanted} was brought back already; if it died again, 'sla dlq list' "
                "has it under a new id"
            )
    return [known[wanted] for wanted in dict.fromkeys(ids)]


async def _publish(producer: AIOKafkaProducer, letters: Sequence[Letter], count: int) -> None:
    async with producer.transaction():
        sent = []
        for letter in letters:
            mark = [(RETRIED_HEADER, letter.id.encode())]
            home = partition_for(letter.key, count)
            again = [*letter.headers, *mark]
            sent += [
                await producer.send(EVENTS.name, letter.value, letter.key, home, headers=again),
                await producer.send(
                    DEAD_LETTERS.name, None, letter.key, letter.partition, headers=mark
                ),
            ]
        # A commit can succeed though a send failed; only its own future tells.
        await asyncio.gather(*sent)
