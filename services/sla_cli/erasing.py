"""Forgetting a client: its tickets leave the table, and what is left elsewhere is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from sla_cli.console import working
from sla_cli.errors import CommandError
from sla_cli.feed import connect
from sla_cli.rig import read_topic
from sla_domain.instant import DAY
from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_kafka.topics import EVENTS, TICKETS, TOPICS, Topic
from sla_schemas.headers import ERASE_HEADER

#: Seconds a running tracker has to forget.
WAIT_SECONDS: Final = 60.0


class _Row(msgspec.Struct):
    client_id: str | None = None


_ROW: Final = msgspec.json.Decoder(_Row)


@dataclass(frozen=True, slots=True)
class Remainder:
    """A topic on which records of a client still lie, and for how many days at most."""

    topic: str
    days: int


def remainders() -> list[Remainder]:
    """Where a client's ids go by themselves, and when: by retention or by compaction."""
    return [Remainder(topic.name, days) for topic in TOPICS if (days := _days(topic)) is not None]


def _days(topic: Topic) -> int | None:
    for name in ("retention.ms", "max.compaction.lag.ms"):
        if name in topic.config:
            return int(topic.config[name]) // DAY
    return None


async def tickets_of(settings: KafkaSettings, client: str) -> list[str]:
    """The tickets of ``client`` in the table. Raises ``CommandError``."""
    rows: dict[bytes, bytes | None] = {}
    for record in await read_topic(settings, TICKETS.name):
        rows[record.key or b""] = record.value
    return [
        key.decode()
        for key, value in rows.items()
        if value is not None and _ROW.decode(value).client_id == client
    ]


async def erase(settings: KafkaSettings, tickets: Iterable[str]) -> None:
    """Have the trackers forget ``tickets``, and wait until the table has none of them.

    They go through the input, since the table is the trackers' alone to write. Raises
    ``CommandError``.
    """
    wanted = list(tickets)
    producer = AIOKafkaProducer(**settings.client_options(), acks="all", enable_idempotence=True)
    count = await connect(producer, settings)
    try:
        sent = [
            await producer.send(
                EVENTS.name,
                None,
                key=ticket.encode(),
                partition=partition_for(ticket.encode(), count),
                headers=[(ERASE_HEADER, b"")],
            )
            for ticket in wanted
        ]
        await asyncio.gather(*sent)
    except KafkaError as error:
        raise CommandError(
            f"the broker at {settings.bootstrap} did not take the records "
            f"({type(error).__name__}: {error}); run the command again"
        ) from error
    finally:
        await producer.stop()
    await _until_gone(settings, set(wanted))


async def _until_gone(settings: KafkaSettings, wanted: set[str]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    with working("waiting for the tracker", len(wanted)) as progress:
        while left := wanted & await _known(settings):
            progress(len(wanted) - len(left))
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{len(left)} tickets are still in the table after {WAIT_SECONDS:.0f} s; they "
                    "go when a tracker runs and has read its input up to now"
                )
            await asyncio.sleep(0.2)


async def _known(settings: KafkaSettings) -> set[str]:
    rows = {record.key: record.value for record in await read_topic(settings, TICKETS.name)}
    return {key.decode() for key, value in rows.items() if key is not None and value is not None}
