"""A ticket's explanation: found in a recording or on a broker, told as a document or as tables."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sla_cli.errors import CommandError
from sla_cli.recording import Line, laid_out
from sla_cli.simulation import within
from sla_domain.explanation import Ledger, SpanKind, ledger
from sla_domain.instant import format_duration, format_instant, format_optional, to_datetime
from sla_domain.policy import PolicyBook
from sla_domain.ticket import Ticket
from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_kafka.topics import EVENTS, TICKETS
from sla_tracker.partition import REPLAY, Partition
from sla_tracker.wire.tables import clock_outcome, read_stored


def from_recording(
    ticket_id: str, lines: Iterable[Line], book: PolicyBook, partitions: int, until: int | None
) -> tuple[Ticket, int]:
    """The ticket as the recording leaves it, and the instant at which the clock stopped.

    Raises ``CommandError`` where the recording has no such ticket.
    """
    home = partition_for(ticket_id.encode(), partitions)
    world = Partition(home, EVENTS.name, book, REPLAY)
    last = 0
    for record in laid_out(
        (line for line in lines if within(line, until)), EVENTS.name, partitions
    ):
        if record.partition == home:
            world.apply(record)
        last = max(last, record.occurred or 0)
    entry = world.table.get(ticket_id)
    if entry is None:
        raise CommandError(f"there is no ticket {ticket_id!r} in the recording")
    end = last if until is None else until
    world.advance(end)
    return entry.ticket, end


def from_broker(ticket_id: str, settings: KafkaSettings, book: PolicyBook) -> tuple[Ticket, int]:
    """The ticket as the table topic has it, and now. Raises ``CommandError`` where it is not."""
    from sla_cli.rig import read_topic

    found = None
    for record in asyncio.run(read_topic(settings, TICKETS.name)):
        if record.key == ticket_id.encode():
            found = record.value
    if found is None:
        raise CommandError(f"there is no ticket {ticket_id!r} in {TICKETS.name}")
    stored = read_stored(found)
    ticket = Ticket(ticket_id, book)
    ticket.restore(stored.timeline, stored.sent)
    return ticket, int(time.time() * 1000)


def as_document(ticket: Ticket, at: int) -> dict[str, Any]:
    """The explanation as JSON: instants in UTC, lengths in milliseconds."""
    return {
        "ticket_id": ticket.id,
        "client_id": ticket.client_id,
        "kind": ticket.kind,
        "severity": ticket.severity,
        "state": ticket.status.value,
        "policy": ticket.policy.ref,
        "as_of": format_instant(at),
        "events": [
            {
                "occurred": format_instant(event.occurred),
                "type": event.type.word,
                "source": event.source,
                "id": event.id,
            }
            for event in ticket.timeline
        ],
        "clocks": [_clock(ticket, ledger(clock, at)) for clock in ticket.clocks],
        "alerts": [
            {
                "clock": sent.clock,
                "cycle": sent.cycle,
                "what": sent.what,
                "occurrence": sent.occurrence,
                "at": format_instant(sent.at),
                "retracted": sent.retracted,
            }
            for sent in ticket.sent
        ],
    }


def _clock(ticket: Ticket, told: Ledger) -> dict[str, Any]:
    clock = told.clock
    used = told.total(SpanKind.COUNTED)
    return {
        "clock": clock.rule.name,
        "cycle": clock.cycle,
        "severity": clock.severity,
        "outcome": clock_outcome(ticket, clock, told.end).value,
        "start": format_instant(clock.start),
        "due": format_optional(clock.due),
        "stopped": format_optional(clock.stopped),
        "calendar": clock.target.calendar.name,
        "boundary": clock.target.boundary.value,
        "target_ms": clock.target.within,
        "used_ms": used,
        "remaining_ms": clock.target.within - used,
        "paused_ms": told.total(SpanKind.PAUSED),
        "closed_ms": told.total(SpanKind.CLOSED),
        "elapsed_ms": told.end - clock.start,
        "spans": [
            {
                "start": format_instant(span.start),
                "end": format_instant(span.end),
                "kind": span.kind.value,
                "waits_for": span.waits_for,
                "ms": span.length,
            }
            for span in told.spans
        ],
    }


def show(ticket: Ticket, at: int, console: Console) -> None:
    """The explanation as tables, times in UTC."""
    console.print(
        Text.assemble(
            (ticket.id, "bold"),
            f"  client {ticket.client_id or '?'}, {ticket.severity or 'no severity'}, ",
            f"{ticket.status.value}, policy {ticket.policy.ref}, as of {_short(at)} (UTC)",
        )
    )
    events = Table("occurred", "event", "id", title="Events", **_PLAIN)
    for event in ticket.timeline:
        events.add_row(_short(event.occurred), event.type.word, event.id)
    console.print(events)
    for clock in ticket.clocks:
        _show_clock(ticket, ledger(clock, at), console)
    if ticket.sent:
        alerts = Table("at", "alert", "clock", "cycle", "retracted", title="Alerts", **_PLAIN)
        for sent in ticket.sent:
            alerts.add_row(
                _short(sent.at), sent.what, sent.clock, str(sent.cycle), sent.retracted or ""
            )
        console.print(alerts)


_PLAIN: dict[str, Any] = {"box": None, "pad_edge": False, "title_justify": "left"}


def _show_clock(ticket: Ticket, told: Ledger, console: Console) -> None:
    clock = told.clock
    document = _clock(ticket, told)
    title = f"{clock.rule.name}, cycle {clock.cycle}: {document['outcome']}"
    spans = Table("from", "to", "what", "length", title=title, **_PLAIN)
    for span in told.spans:
        what = span.kind.value + (f", waiting for {span.waits_for}" if span.waits_for else "")
        spans.add_row(_short(span.start), _short(span.end), what, format_duration(span.length))
    console.print(spans)
    sign = "<" if clock.target.boundary.value == "exclusive" else "≤"
    due = "none while paused" if clock.due is None else _short(clock.due)
    console.print(
        f"used {format_duration(document['used_ms'])} (promised {sign} "
        f"{format_duration(clock.target.within)} on {clock.target.calendar.name}) + paused "
        f"{format_duration(document['paused_ms'])} + closed "
        f"{format_duration(document['closed_ms'])} = {format_duration(document['elapsed_ms'])}; "
        f"due {due}\n",
        highlight=False,
    )


def _short(instant: int) -> str:
    text = to_datetime(instant).strftime("%a %Y-%m-%d %H:%M:%S")
    return f"{text}.{instant % 1000:03}" if instant % 1000 else text
