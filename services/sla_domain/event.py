"""Ticket events and their order.

A timeline is the set of a ticket's distinct events, in an order that depends only on the events
(decision 2), so arrival order and duplicates do not affect the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple, TypedDict


class EventType(IntEnum):
    """The kinds of events; the number is what is stored of them, and never changes."""

    CREATED = 0
    REOPENED = 1
    RECLASSIFIED = 2
    SEVERITY_CHANGED = 3
    ASSIGNED = 4
    GUARD_CONTACTED = 5
    CONTACT_LOGGED = 6
    WAITING_ON_CLIENT = 7
    CLIENT_RESPONDED = 8
    RESOLVED = 9
    CANCELLED = 10
    FEATURE_SUBSCRIBED = 11
    FEATURE_APPROVED = 12
    ATTRIBUTES_CHANGED = 13
    REPLIED = 14
    WAITING = 15
    MILESTONE_REACHED = 16
    QUEUED = 17
    ABSORBED = 18
    EXCEPTION_GRANTED = 19
    EXCEPTION_WITHDRAWN = 20

    @property
    def word(self) -> str:
        """The name in policies and topics, without the prefix ``ticket.``."""
        return _WORDS[self]


_WORDS: Final = {type_: type_.name.lower() for type_ in EventType}
#: Event types by their word in policies.
EVENT_TYPES: Final = {word: type_ for type_, word in _WORDS.items()}


class Integration(TypedDict, total=False):
    """The integration that a ticket is about."""

    name: str
    built_by: str


_From = TypedDict("_From", {"from": int}, total=False)  # a keyword can't be a class's field


class Facts(_From, total=False):
    """An event's data; a field that was not given is absent."""

    client_id: str
    communicated_at: int
    channel: str
    kind: str
    requester_id: str
    severity: str
    impact: str
    scope: str
    affects: list[str]
    plan: str
    attributes: dict[str, str]
    integration: Integration
    analyst_id: str
    group: str
    party: str
    reason: str
    origin: str
    evidence: str
    medium: str
    contact_id: str
    record: str
    merged_into: str
    name: str
    subscriber_id: str
    ticket_id: str
    exception_id: str
    clock: str
    until: int
    approved_by: str


class Event(NamedTuple):
    """Something that happened to a ticket, and when it occurred.

    ``source`` and ``id`` together identify the event (CloudEvents 1.0 §3.1); ``sequence`` orders
    events of one source at the same instant (CloudEvents sequence extension).
    """

    occurred: int
    type: EventType
    source: str
    id: str
    sequence: str | None
    facts: Facts


#: In which order events of one instant count.
_ORDER: Final = (
    EventType.CREATED,
    EventType.ABSORBED,
    EventType.ATTRIBUTES_CHANGED,
    EventType.REOPENED,
    EventType.RECLASSIFIED,
    EventType.SEVERITY_CHANGED,
    EventType.QUEUED,
    EventType.ASSIGNED,
    EventType.GUARD_CONTACTED,
    EventType.CONTACT_LOGGED,
    EventType.REPLIED,
    EventType.MILESTONE_REACHED,
    EventType.WAITING_ON_CLIENT,
    EventType.WAITING,
    EventType.CLIENT_RESPONDED,
    EventType.RESOLVED,
    EventType.EXCEPTION_GRANTED,
    EventType.EXCEPTION_WITHDRAWN,
    EventType.CANCELLED,
    EventType.FEATURE_SUBSCRIBED,
    EventType.FEATURE_APPROVED,
)
#: The place of each type in that order, by its number; both kinds of waiting are one.
_RANKS: Final = [
    _ORDER.index(EventType.WAITING if type_ is EventType.WAITING_ON_CLIENT else type_)
    for type_ in EventType
]


def _rank(event: Event) -> tuple[int, str, str]:
    return _RANKS[event.type], event.source, event.id


def _sequenced(event: Event) -> tuple[str, int, str, str]:
    return event.sequence or "", *_rank(event)


def in_order(events: Iterable[Event]) -> list[Event]:
    """Sort a ticket's events into its timeline.

    By instant; within an instant, by ``sequence`` if all its events have one and share a source,
    otherwise by type rank, source and id.
    """
    timeline: list[Event] = []
    for _, together in groupby(
        sorted(events, key=attrgetter("occurred")), key=attrgetter("occurred")
    ):
        group = list(together)
        if len(group) > 1:
            sequenced = all(event.sequence is not None for event in group)
            one_source = len({event.source for event in group}) == 1
            group.sort(key=_sequenced if sequenced and one_source else _rank)
        timeline += group
    return timeline


def insert(timeline: list[Event], event: Event) -> bool:
    """Insert ``event`` into a sorted timeline; true if it is now the last event.

    Only the events of its instant are sorted again.
    """
    if not timeline or event.occurred > timeline[-1].occurred:
        timeline.append(event)
        return True
    end = len(timeline)
    while end and timeline[end - 1].occurred > event.occurred:
        end -= 1
    start = end
    while start and timeline[start - 1].occurred == event.occurred:
        start -= 1
    timeline[start:end] = in_order([*timeline[start:end], event]) if start < end else (event,)
    return timeline[-1] is event


def standing_created(timeline: Iterable[Event]) -> Event | None:
    """The first ``created`` of a timeline; any other has no effect."""
    return next((event for event in timeline if event.type is EventType.CREATED), None)


def effective(timeline: Iterable[Event]) -> Iterator[Event]:
    """The events that take effect besides the standing ``created``: no other ``created``, and
    nothing after a cancellation.
    """
    for event in timeline:
        if event.type is not EventType.CREATED:
            yield event
        if event.type is EventType.CANCELLED:
            return
