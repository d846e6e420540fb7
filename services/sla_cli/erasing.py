"""Erasing a client: its tickets leave the table, and what remains elsewhere is reported."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from sla_domain.counting import counted
from sla_domain.instant import DAY
from sla_engine.erasure import erase_order
from sla_kafka.partitioning import partition_for
from sla_kafka.reading import end_offsets, read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.errors import CommandError
from sla_lab.feed import connect
from sla_lab.progress import working
from sla_schemas.headers import ERASE_HEADER
from sla_schemas.topics import EVENTS, HEARTBEATS, TICKETS, TOPICS, Topic

#: Seconds that a running tracker has to erase the tickets.
WAIT_SECONDS: Final = 60.0


class TicketOwner(msgspec.Struct):
    """The client of a ticket, from its record (``sla_schemas.tables.TicketRecord``)."""

    client_id: str | None = None


_OWNER: Final = msgspec.json.Decoder(TicketOwner)


def days_left() -> dict[str, int]:
    """The topics from which a client's ids disappear by themselves, through retention or
    compaction, and within how many days.
    """
    return {
        topic.name: days
        for topic in TOPICS
        # Heartbeats are about programs, never about tickets.
        if topic is not HEARTBEATS and (days := _days(topic)) is not None
    }


def _days(topic: Topic) -> int | None:
    for name in ("retention.ms", "max.compaction.lag.ms"):
        if name in topic.config:
            return int(topic.config[name]) // DAY
    return None


async def tickets_of(settings: KafkaSettings, client: str) -> list[str]:
    """The tickets of ``client`` in the table. Raises ``CommandError``."""
    rows = await _rows(settings)
    return [
        ticket
        for ticket, row in rows.items()
        if row is not None and _client_of(ticket, row) == client
    ]


def _client_of(ticket: str, row: bytes) -> str | None:
    try:
        return _OWNER.decode(row).client_id
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandError(
            f"the record of ticket {ticket!r} in {TICKETS.name} was not written by a tracker "
            f"({error}), so its client is not known; restore the record first"
        ) from error


async def erase(settings: KafkaSettings, client: str, key: bytes) -> list[str]:
    """Have the trackers erase the tickets of ``client``, by orders signed with their ``key``, and
    wait until they have; returns the tickets.

    The orders go through the input topic, since only trackers may write to the table. Raises
    ``CommandError``.
    """
    # Before the table is read, so that a ticket that leaves by itself meanwhile is noticed.
    begun = await end_offsets(settings, TICKETS.name)
    tickets = await tickets_of(settings, client)
    if tickets:
        await _order(settings, tickets, key)
        await _until_gone(settings, tickets, begun)
    return tickets


async def _order(settings: KafkaSettings, tickets: Iterable[str], key: bytes) -> None:
    producer = AIOKafkaProducer(**settings.client_options(), acks="all", enable_idempotence=True)
    count = await connect(producer, settings)
    try:
        sent = [
            await producer.send(
                EVENTS.name,
                None,
                key=ticket.encode(),
                partition=partition_for(ticket.encode(), count),
                headers=[
                    (ERASE_HEADER, erase_order(ticket.encode(), int(time.time() * 1000), key))
                ],
            )
            for ticket in tickets
        ]
        await asyncio.gather(*sent)
    except KafkaError as error:
        raise CommandError(
            f"the broker at {settings.bootstrap} did not take the records "
            f"({type(error).__name__}: {error}); run the command again"
        ) from error
    finally:
        await producer.stop()


async def _until_gone(
    settings: KafkaSettings, tickets: list[str], begun: dict[TopicPartition, int]
) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    with working("waiting for the tracker", len(tickets)) as progress:
        while True:
            since = await _rows(settings, begun)
            left = [ticket for ticket in tickets if since.get(ticket, b"") is not None]
            progress(len(tickets) - len(left))
            if not left:
                return
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{counted(len(left), 'ticket')} left in the table after {WAIT_SECONDS:.0f} s; "
                    "the rest is erased once a tracker with the same key is running and has read "
                    "its input up to now, and 'sla dlq list' shows what it refused"
                )
            await asyncio.sleep(0.2)


async def _rows(
    settings: KafkaSettings, starts: dict[TopicPartition, int] | None = None
) -> dict[str, bytes | None]:
    """The latest row of each ticket written since ``starts``; ``None`` for one that left."""
    return {
        record.key.decode(): record.value
        for record in await read_topic(settings, TICKETS.name, starts)
    }
