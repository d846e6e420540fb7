"""The reduced job as a Faust agent, at least once: ``faust_table.py BOOTSTRAP DIRECTORY``.

Faust's exactly-once mode lost and duplicated alerts (docs/adr/0001), so this uses the default.
"""

from __future__ import annotations

import sys
from typing import Any

import faust
from ticket import INPUT, OUTPUT, step


def main() -> None:
    """Run until SIGTERM."""
    bootstrap, directory = sys.argv[1:3]
    app = faust.App(
        "peer",
        broker=f"kafka://{bootstrap}",
        datadir=directory,
        key_serializer="raw",
        topic_partitions=12,
        topic_replication_factor=1,
        web_enabled=False,
        producer_linger=0.02,
        broker_max_poll_records=1000,
        stream_wait_empty=False,
    )
    events = app.topic(INPUT, key_type=bytes, value_type=None, value_serializer="json")
    alerts = app.topic(OUTPUT, key_type=bytes, value_serializer="json")
    tickets = app.Table("tickets", partitions=12)

    @app.agent(events)
    async def keep(stream: Any) -> None:
        async for event in stream.events():
            key = event.key.decode()
            ticket = dict(tickets.get(key) or {})
            alert = step(ticket, event.value, int(event.message.timestamp * 1000))
            tickets[key] = ticket
            if alert is not None:
                await alerts.send(key=event.key, value=alert)

    sys.argv[1:] = ["--loop", "uvloop", "worker", "--loglevel", "warn", "--without-web"]
    app.main()


if __name__ == "__main__":
    main()
