"""The agent that a Faust user would write first: a table of tickets, and one breach for each ticket
with an event more than an hour after its creation.

``python -m chaos.naive_agent GUARANTEE BOOTSTRAP DIRECTORY PORT`` runs one worker.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from sla_domain.instant import HOUR, parse_instant
from sla_schemas.topics import EVENTS

APP: Final = "naive"
BREACHES: Final = "naive-breaches"
CHANGELOG: Final = f"{APP}-tickets-changelog"


def step(state: dict[str, Any], value: bytes) -> bool:
    """Take an event into a ticket's state; whether the ticket breaches by it."""
    event = json.loads(value)
    at = parse_instant(event["time"])
    state["events"] += 1
    if event["type"] == "ticket.created":
        state["created"] = at
    elif state["created"] and not state["told"] and at - state["created"] > HOUR:
        state["told"] = True
        return True
    return False


def fresh() -> dict[str, Any]:
    """The state of a ticket that nothing is known of."""
    return {"events": 0, "created": None, "told": False}


def main() -> None:
    """Run a worker until it is told to stop."""
    import faust  # noqa: PLC0415  a second to import, and only a worker needs it

    guarantee, bootstrap, directory, port = sys.argv[1:5]
    app = faust.App(
        APP,
        broker=f"kafka://{bootstrap}",
        processing_guarantee=guarantee,
        store="memory://",
        datadir=directory,
        web_port=int(port),
        web_bind="127.0.0.1",
        topic_partitions=12,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.5,
        consumer_auto_offset_reset="earliest",
    )
    events = app.topic(EVENTS.name, key_serializer="raw", value_serializer="raw")
    breaches = app.topic(BREACHES, key_serializer="raw", value_serializer="raw", partitions=12)
    tickets = app.Table("tickets", partitions=12)

    @app.agent(events)
    async def watch(stream: Any) -> None:
        async for key, value in stream.items():
            ticket = (key or b"").decode()
            state = dict(tickets.get(ticket) or fresh())
            try:
                breaks = step(state, value)
            except (ValueError, KeyError, TypeError):
                continue
            tickets[ticket] = state
            if breaks:
                await breaches.send(key=key, value=ticket.encode())

    sys.argv = ["faust", "worker", "--loglevel", "warn", "--without-web"]
    app.main()


if __name__ == "__main__":
    main()
