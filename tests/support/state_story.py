"""A history whose first part is stored in the fixtures, once for every version of the storage
format.

``python -m support.state_story DIRECTORY`` (in ``tests/``) writes the current version there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from sla_domain.instant import parse_instant
from sla_engine.frontier import TimeRule
from sla_engine.partition import Partition
from sla_engine.wire.progress import write_progress
from sla_lab.recording import Recorded, laid_out
from sla_schemas.topics import EVENTS
from support import default_book, event, lines_of

#: Tickets in every state: open, paused, breached, resolved, cancelled, feature request, early.
FIRST = [
    event("created", "2026-11-23T12:00:00Z", "open", id="a", severity="high", requester_id="lu"),
    event("assigned", "2026-11-23T12:30:00Z", "open", id="b", sequence="7"),
    event("created", "2026-11-23T12:00:00Z", "paused", id="a", severity="blocker", channel="fax"),
    event("waiting_on_client", "2026-11-23T12:40:00Z", "paused", id="b", party="client"),
    event("created", "2026-11-23T12:00:00Z", "breached", id="a", severity="blocker"),
    event(
        "contact_logged", "2026-11-23T12:10:00Z", "breached", id="b", contact_id="c", medium="phone"
    ),
    event(
        "created",
        "2026-11-23T12:00:00Z",
        "resolved",
        id="a",
        impact="total_outage",
        scope="one_client",
    ),
    event("resolved", "2026-11-23T12:50:00Z", "resolved", id="b", origin="vendor"),
    event("created", "2026-11-23T12:00:00Z", "cancelled", id="a", severity="low"),
    event("cancelled", "2026-11-23T12:05:00Z", "cancelled", id="b", reason="spam"),
    event("created", "2026-11-23T12:00:00Z", "feature", id="a", kind="feature_request"),
    event("feature_subscribed", "2026-11-23T12:01:00Z", "feature", id="b", subscriber_id="ana"),
    event("assigned", "2026-11-23T12:20:00Z", "early", id="b"),
    event("assigned", "2026-11-23T14:00:00Z", "breached", id="d"),
]
THEN = [
    event("client_responded", "2026-11-23T15:00:00Z", "paused", id="c"),
    event("created", "2026-11-23T12:15:00Z", "early", id="a", severity="blocker"),
    event("reopened", "2026-11-23T15:10:00Z", "resolved", id="c"),
    event("assigned", "2026-11-23T12:30:00Z", "open", id="b", sequence="7"),
    event("feature_approved", "2026-11-23T15:20:00Z", "feature", id="c"),
    event("resolved", "2026-11-24T15:20:00Z", "open", id="e"),
]
END = parse_instant("2026-12-01T12:00:00Z")


def records(*, then: bool) -> Iterator[Recorded]:
    """The records of the second part, or of the first, in order of arrival."""
    told = sorted(FIRST, key=lambda each: each["time"])
    came = [*told, *THEN]
    for record in laid_out(lines_of(came), EVENTS.name, 1):
        if (record.offset >= len(FIRST)) is then:
            late = THEN[0]["time"] if then else ""
            appended = parse_instant(max(came[record.offset]["time"], late))
            yield record._replace(timestamp=appended)


def first_part() -> Partition:
    """A partition that has applied the first part."""
    partition = Partition(0, EVENTS.name, default_book(), TimeRule(0))
    for record in records(then=False):
        partition.apply(record)
    return partition


def write(directory: Path) -> None:
    """Write what a tracker stores after the first part."""
    directory.mkdir(parents=True, exist_ok=True)
    partition = first_part()
    tickets = partition.drain().tickets
    with (directory / "tickets.jsonl").open("wb") as file:
        for value in tickets.values():
            file.write((value or b"") + b"\n")
    progress = write_progress(len(FIRST), partition.frontier, partition.tally, len(tickets), 1)
    (directory / "progress.json").write_bytes(progress + b"\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
