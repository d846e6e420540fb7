"""Tickets as they stood after each update, turned into what happened in between.

An event is the difference between neighbouring snapshots. That is how logs of ServiceNow, of VINST
and of most audit trails are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from sla_domain.event import EventType
from sla_import.mapping import Event, event_of

#: What a status means for the promise; ``closed`` is resolved, if nobody said so before.
State = Literal["open", "waiting_on_client", "resolved", "closed", "cancelled"]

ENDED: Final = frozenset({"resolved", "closed"})


class Snapshot(NamedTuple):
    """A ticket after an update, at an instant in milliseconds."""

    at: int
    state: State
    severity: str | None = None
    analyst: str | None = None
    group: str | None = None


class Change(NamedTuple):
    """Something that an update did: the snapshot by its place, and which of its changes it is."""

    snapshot: int
    number: int
    type: EventType
    data: dict[str, Any]


def events_between(
    source: str,
    ticket: str,
    snapshots: Sequence[Snapshot],
    created: Mapping[str, Any],
    start: int,
) -> list[Event]:
    """The events of a ticket by its snapshots, in their order; it was created at ``start``, and
    ``created`` is what that event says.
    """
    return [
        event_of(
            source,
            change.type,
            ticket,
            start if change.type is EventType.CREATED else snapshots[change.snapshot].at,
            change.data,
            id_=f"{ticket}-{change.snapshot}-{change.type.word}",
            sequence=f"{change.snapshot:05}.{change.number}",
        )
        for change in changes(snapshots, created)
    ]


def changes(snapshots: Sequence[Snapshot], created: Mapping[str, Any]) -> Iterator[Change]:
    """What happened, in the order of the snapshots; ``created`` is what the first event says.

    Of the changes of one update the order is the contract's.
    """
    before: Snapshot | None = None
    for place, now in enumerate(_settled(snapshots)):
        found = sorted(_changes(before, now, created), key=lambda change: change[0])
        yield from (Change(place, number, *each) for number, each in enumerate(found))
        before = now


def _settled(snapshots: Sequence[Snapshot]) -> Iterator[Snapshot]:
    """The snapshots without what did not last or was not said.

    Cancelling is final: one that was taken back later leaves the ticket as it was. A severity that
    is not there is the one known before.
    """
    end = len(snapshots)
    while end and snapshots[end - 1].state == "cancelled":
        end -= 1
    before = Snapshot(0, "open")
    for place, now in enumerate(snapshots):
        taken_back = now.state == "cancelled" and place < end
        before = now._replace(
            state=before.state if taken_back else now.state,
            severity=now.severity or before.severity,
        )
        yield before


def _changes(
    before: Snapshot | None, now: Snapshot, created: Mapping[str, Any]
) -> Iterator[tuple[EventType, dict[str, Any]]]:
    state, was = now.state, before.state if before else "open"
    if before is None:
        said = {} if now.severity is None else {"severity": now.severity}
        yield EventType.CREATED, {**created, **said}
    elif now.severity != before.severity:
        yield EventType.SEVERITY_CHANGED, {"severity": now.severity}
    if now.analyst is not None and (before is None or now.analyst != before.analyst):
        group = {} if now.group is None else {"group": now.group}
        yield EventType.ASSIGNED, {"analyst_id": now.analyst, **group}
    if state != was:
        yield from _moved(was, state)


def _moved(was: State, state: State) -> Iterator[tuple[EventType, dict[str, Any]]]:
    if state == "cancelled":
        yield EventType.CANCELLED, {}
    elif state in ENDED:
        if was not in ENDED:
            yield EventType.RESOLVED, {}
    else:
        if was in ENDED:
            yield EventType.REOPENED, {}
        if state == "waiting_on_client":
            yield EventType.WAITING_ON_CLIENT, {"party": "client"}
        elif was == "waiting_on_client":
            yield EventType.CLIENT_RESPONDED, {}
