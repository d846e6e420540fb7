"""The reduced job of the Python peers: how an event changes its ticket's state.

The same as ``kafka-streams/src/main/java/peer/TicketTable.java``: no business hours, pauses,
warnings, retractions or late events; one alert for a blocker that is known more than an hour after
its ticket was communicated.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

INPUT = "support.tickets.v1"
OUTPUT = "support.sla-breaches.v1"
TARGET_MS = 3_600_000


def instant(text: str) -> int:
    """UTC milliseconds of an RFC 3339 time."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def step(ticket: dict[str, Any], event: dict[str, Any], appended: int) -> dict[str, Any] | None:
    """Apply ``event`` to ``ticket``; returns the resulting alert, if any."""
    at, data = instant(event["time"]), event.get("data") or {}
    ticket["last"], ticket["events"] = event["id"], ticket.get("events", 0) + 1
    match event["type"]:
        case "ticket.created":
            told = data.get("communicated_at")
            ticket["state"], ticket["created"] = "open", at if told is None else instant(told)
            ticket["severity"], ticket["client"] = data.get("severity"), data.get("client_id")
        case "ticket.assigned":
            ticket["state"], ticket["analyst"] = "open", data.get("analyst_id")
            ticket["assigned"] = at
        case "ticket.waiting_on_client":
            ticket["state"], ticket["waiting"] = "waiting", at
        case "ticket.client_responded":
            ticket["state"] = "open"
            ticket["waited"] = ticket.get("waited", 0) + at - ticket.get("waiting", at)
        case "ticket.resolved":
            ticket["state"], ticket["closed"] = "resolved", at
    late = appended - ticket.get("created", at) > TARGET_MS and ticket.get("severity") == "blocker"
    if not late or "breached" in ticket:
        return None
    ticket["breached"] = at
    return {"ticket_id": event["subject"], "at": at, "caused_by": event["id"]}
