"""A history whose first part is stored in the fixtures, once for every version of the storage
format. A version that stores more has more history, under the policy in its directory.

``python -m support.state_story DIRECTORY`` (in ``tests/``) writes the current version there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.frontier import TimeRule
from sla_engine.memory import STATE_VERSION
from sla_engine.partition import Partition
from sla_engine.wire.progress import write_progress
from sla_lab.recording import Recorded, laid_out
from sla_policy.loading import parse_policy
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
#: By the version since which such events are stored: what is in the first part besides.
SINCE = {
    4: [
        event("created", "2026-11-23T12:00:00Z", "teams", id="a", severity="high"),
        event("queued", "2026-11-23T12:05:00Z", "teams", id="b", group="level1"),
        event("queued", "2026-11-23T12:15:00Z", "teams", id="c", group="level2"),
        event("waiting", "2026-11-23T12:20:00Z", "teams", id="d", party="supplier"),
        event("attributes_changed", "2026-11-23T12:25:00Z", "teams", id="e", plan="gold"),
        event("created", "2026-11-23T12:00:00Z", "replied", id="a", severity="blocker"),
        event("replied", "2026-11-23T12:05:00Z", "replied", id="b"),
        event("replied", "2026-11-23T12:55:00Z", "replied", id="c", kind="update"),
        event("severity_changed", "2026-11-23T13:40:00Z", "replied", id="d", severity="high"),
        event("milestone_reached", "2026-11-23T13:45:00Z", "replied", id="e", name="workaround"),
        event("created", "2026-11-23T12:00:00Z", "agreed", id="a", severity="blocker"),
        event(
            "absorbed",
            "2026-11-23T12:10:00Z",
            "agreed",
            id="b",
            ticket_id="T-9",
            communicated_at="2026-11-23T11:30:00Z",
        ),
        event(
            "exception_granted",
            "2026-11-23T12:20:00Z",
            "agreed",
            id="c",
            exception_id="x",
            clock="resolution",
            reason="agreed",
            approved_by="max",
            **{"from": "2026-11-23T12:00:00Z", "until": "2026-11-23T13:00:00Z"},
        ),
        event(
            "exception_granted",
            "2026-11-23T12:21:00Z",
            "agreed",
            id="d",
            exception_id="y",
            clock="first_response",
            reason="agreed",
            approved_by="max",
        ),
        event("exception_withdrawn", "2026-11-23T13:50:00Z", "agreed", id="e", exception_id="y"),
    ]
}
END = parse_instant("2026-12-01T12:00:00Z")
STATES = Path(__file__).parents[1] / "fixtures" / "state"


def first_events(version: int) -> list[dict[str, Any]]:
    """The events of the first part, as far as a version stores them, in the order of time."""
    more = [each for since, events in SINCE.items() if since <= version for each in events]
    return sorted([*FIRST, *more], key=lambda each: each["time"])


def book_of(version: int) -> PolicyBook:
    """The policy under which a version's fixture was written: the packaged one, or its own."""
    file = STATES / str(version) / "policy.toml"
    if not file.exists():
        return default_book()
    return PolicyBook([parse_policy(file.read_text(), "policy.toml")])


def records(version: int, *, then: bool) -> Iterator[Recorded]:
    """The records of the second part, or of the first, in order of arrival."""
    first = first_events(version)
    came = [*first, *THEN]
    for record in laid_out(lines_of(came), EVENTS.name, 1):
        if (record.offset >= len(first)) is then:
            late = THEN[0]["time"] if then else ""
            appended = parse_instant(max(came[record.offset]["time"], late))
            yield record._replace(timestamp=appended)


def first_part(version: int) -> Partition:
    """A partition that has applied the first part."""
    partition = Partition(0, EVENTS.name, book_of(version), TimeRule(0))
    for record in records(version, then=False):
        partition.apply(record)
    return partition


def write(directory: Path) -> None:
    """Write what a tracker stores after the first part."""
    directory.mkdir(parents=True, exist_ok=True)
    partition = first_part(STATE_VERSION)
    tickets = partition.drain().tickets
    with (directory / "tickets.jsonl").open("wb") as file:
        for value in tickets.values():
            file.write((value or b"") + b"\n")
    read = len(first_events(STATE_VERSION))
    progress = write_progress(read, partition.frontier, partition.tally, len(tickets), 1)
    (directory / "progress.json").write_bytes(progress + b"\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
