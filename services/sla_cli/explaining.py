"""A ticket's explanation: found in a recording or on a broker, shown in a terminal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable

from sla_cli.console import out, print_text_table, say
from sla_domain.policy import PolicyBook
from sla_domain.ticket import Ticket
from sla_engine.frontier import REPLAY
from sla_engine.memory import NewerStateError, NotOursError, read_stored, restored_ticket
from sla_engine.partition import Partition
from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_lab.errors import CommandError
from sla_lab.recording import Line, laid_out
from sla_lab.simulation import Story, story_of, within
from sla_schemas.topics import EVENTS, TICKETS
from sla_text.presentation import Presentation, Table

_STYLES = {"met": "green", "breached": "red", "paused": "yellow"}


def from_recording(
    ticket_id: str, lines: Iterable[Line], book: PolicyBook, partitions: int, until: int | None
) -> tuple[Ticket, int]:
    """The ticket at the end of the recording, and the instant at which the clock was stopped.

    A ticket that has left the table through its retention is returned as it was then. Raises
    ``CommandError`` if the recording has no such ticket.
    """
    home = partition_for(ticket_id.encode(), partitions)
    partition = Partition(home, EVENTS.name, book, REPLAY)
    last, key = 0, ticket_id.encode()
    found: Ticket | None = None
    for record in laid_out(
        (line for line in lines if within(line, until)), EVENTS.name, partitions
    ):
        if record.partition == home:
            partition.apply(record)
            if record.key == key and (entry := partition.table.get(ticket_id)) is not None:
                found = entry.ticket
        last = max(last, record.occurred or 0)
    if found is None:
        raise CommandError(f"there is no ticket {ticket_id!r} in the recording")
    end = last if until is None else until
    partition.advance(end)
    return found, end


def from_broker(ticket_id: str, settings: KafkaSettings, book: PolicyBook) -> tuple[Ticket, int]:
    """The ticket from the table topic, and the time now. Raises ``CommandError`` without one."""
    from sla_kafka.reading import read_topic

    key = ticket_id.encode()
    found = None
    for record in asyncio.run(read_topic(settings, TICKETS.name, home_of=key)):
        if record.key == key:
            found = record.value
    if found is None:
        raise CommandError(
            f"there is no ticket {ticket_id!r} in {TICKETS.name}; one that has left the table is "
            "explained from its events with --events"
        )
    return _restored(ticket_id, found, book), int(time.time() * 1000)


def client_from_broker(client: str, settings: KafkaSettings, book: PolicyBook) -> list[Story]:
    """The tickets of ``client`` from the table topic, as of now."""
    from sla_kafka.reading import read_topic

    rows = {record.key: record.value for record in asyncio.run(read_topic(settings, TICKETS.name))}
    now = int(time.time() * 1000)
    named = f'"client_id":{json.dumps(client, ensure_ascii=False)}'.encode()
    tickets = (
        _restored(key.decode(), value, book)
        for key, value in rows.items()
        if value is not None and named in value
    )
    return [story_of(ticket, now) for ticket in tickets if ticket.client_id == client]


def _restored(ticket_id: str, value: bytes, book: PolicyBook) -> Ticket:
    """The ticket in a record of the table. Raises ``CommandError``."""
    try:
        return restored_ticket(ticket_id, read_stored(value), book)
    except NewerStateError as error:
        raise CommandError(f"ticket {ticket_id} in {TICKETS.name} has {error}") from error
    except NotOursError as error:
        raise CommandError(
            f"the record of ticket {ticket_id!r} in {TICKETS.name} was not written by a tracker "
            f"({error}); explain the ticket from its events with --events"
        ) from error


def show(told: Presentation) -> None:
    """The explanation as tables."""
    say(told.title, "bold")
    say(told.subtitle)
    for name, value in told.facts:
        say(f"{name}: {value}")
    _show_table(told.events)
    for clock in told.clocks:
        out.print()
        say(clock.title, f"bold {_STYLES.get(clock.outcome, '')}".strip())
        for note in clock.notes:
            say(note)
        for limit in clock.limits:
            print_text_table(limit.spans)
            say(limit.sums)
            say(limit.due)
    for table in told.tables:
        _show_table(table)


def _show_table(table: Table) -> None:
    out.print()
    print_text_table(table)
