"""Tickets from domain events only, without records or engine."""

from __future__ import annotations

from typing import Any

from sla_domain.event import EVENT_TYPES, Event
from sla_domain.instant import parse_instant
from sla_domain.judge import apply_event
from sla_domain.ticket import Ticket
from support import default_book


def pure_event(word: str, at: str, **facts: Any) -> Event:
    """The event ``word``, occurred at ``at``; its id is built from both."""
    return Event(parse_instant(at), EVENT_TYPES[word], "/pure", f"{word}-{at}", None, facts)  # type: ignore[arg-type]


def pure_ticket(*events: Event) -> Ticket:
    """A ticket under the default policy with ``events``, each appended when it occurred."""
    ticket = Ticket("T-1", default_book())
    for each in events:
        apply_event(ticket, each, each.occurred, each.occurred - 1)
    return ticket
