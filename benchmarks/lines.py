"""The events published by the benchmarks."""

from __future__ import annotations

from sla_domain.instant import format_instant
from sla_engine.wire.tables import write_json
from sla_lab.recording import Line


def line(number: int, step: int, word: str, at: int, severity: str) -> Line:
    """The event ``word`` of ticket ``number``; ``step`` is its index within the ticket."""
    ticket = f"T{number:07}"
    data = {
        "created": {"client_id": f"client-{number % 97}", "severity": severity},
        "assigned": {"analyst_id": f"analyst-{number % 50}"},
    }.get(word, {})
    event = {
        "specversion": "1.0",
        "id": f"{number:08x}-{step:04x}-4000-8000-{number:012x}",
        "source": "/zendesk/acme",
        "type": f"ticket.{word}",
        "subject": ticket,
        "time": format_instant(at),
        "data": data,
    }
    return Line(ticket.encode(), write_json(event), at)
