"""The reduced job in Quix Streams, exactly once: ``quix_table.py BOOTSTRAP DIRECTORY``."""

from __future__ import annotations

import sys
from typing import Any

from quixstreams import Application, State
from ticket import INPUT, OUTPUT, step


def keep(event: dict[str, Any], _key: Any, appended: int, _headers: Any, state: State) -> Any:
    """Apply an event; returns the alert, if any."""
    ticket = state.get("ticket", {})
    alert = step(ticket, event, appended)
    state.set("ticket", ticket)
    return alert


def main() -> None:
    """Run until SIGTERM."""
    bootstrap, directory = sys.argv[1:3]
    app = Application(
        broker_address=bootstrap,
        consumer_group="peer",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        state_dir=directory,
        loglevel="WARNING",
    )
    events = app.dataframe(app.topic(INPUT, key_deserializer="str", value_deserializer="json"))
    alerts = events.apply(keep, stateful=True, metadata=True).filter(
        lambda alert: alert is not None
    )
    alerts.to_topic(app.topic(OUTPUT, key_serializer="str", value_serializer="json"))
    app.run()


if __name__ == "__main__":
    main()
