"""What was agreed not to count: spans of time, and clocks as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from sla_domain.event import Event, EventType, effective
from sla_domain.instant import EARLIEST, LATEST

EXCEPTION_TYPES: Final = frozenset({EventType.EXCEPTION_GRANTED, EventType.EXCEPTION_WITHDRAWN})


class GrantedException(NamedTuple):
    """An exception that stands: time from ``start`` until before ``end``, or a clock as a whole.

    ``clock`` is the one that it is about, ``None`` for all; ``cause`` is the event that granted it.
    """

    clock: str | None
    start: int
    end: int
    whole: bool
    cause: str


def allowed(event: Event, sources: Collection[str]) -> bool:
    """Whether the exception or withdrawal comes from somebody who may grant exceptions."""
    return event.source in sources


def standing_exceptions(
    timeline: Iterable[Event], sources: Collection[str]
) -> list[GrantedException]:
    """The exceptions that were granted by one of ``sources`` and not withdrawn since."""
    granted: list[Event] = []
    for event in effective(timeline):
        if event.type in EXCEPTION_TYPES and allowed(event, sources):
            if event.type is EventType.EXCEPTION_GRANTED:
                granted.append(event)
            else:
                taken_back = event.facts["exception_id"]
                granted = [one for one in granted if one.facts["exception_id"] != taken_back]
    return [_granted(event) for event in granted]


def _granted(event: Event) -> GrantedException:
    facts = event.facts
    start, end = facts.get("from"), facts.get("until")
    return GrantedException(
        facts.get("clock"),
        EARLIEST if start is None else start,
        LATEST if end is None else end,
        start is None and end is None,
        event.id,
    )
