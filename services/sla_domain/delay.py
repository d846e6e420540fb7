"""How long a ticket stood still on account of its client (clause C12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sla_domain.calendar import Calendar
from sla_domain.ticket import Ticket


class Delay(NamedTuple):
    """A delay: its part in the open time of the policy's business calendar, and all of it."""

    business_ms: int
    clock_ms: int

    def plus(self, other: Delay) -> Delay:
        """Both together."""
        return Delay(self.business_ms + other.business_ms, self.clock_ms + other.clock_ms)


NO_DELAY = Delay(0, 0)
#: A party, since when it was waited for, and until when; ``None`` while it still is.
Wait = tuple[str, int, int | None]


def client_delay(ticket: Ticket, at: int) -> dict[str, Delay]:
    """The waits of ``ticket`` from its communication up to ``at``, by the party waited for."""
    calendar = ticket.policy.business_calendar
    return delay_by_party(_waits(ticket), calendar, ticket.communicated_at, at)


def _waits(ticket: Ticket) -> list[Wait]:
    """What the ticket waited for and from when to when; a stage ends where the next begins."""
    waits: list[Wait] = []
    end: int | None = None
    for stage in reversed(ticket.stages):
        if stage.party is not None:
            waits.append((stage.party, stage.start, end))
        end = stage.start
    return waits


def delay_by_party(
    waits: Iterable[Wait], calendar: Calendar, since: int, until: int
) -> dict[str, Delay]:
    """What of ``waits`` lies in ``[since, until)``, by party."""
    found: dict[str, Delay] = {}
    for party, begun, ended in waits:
        start = max(begun, since)
        end = until if ended is None else min(ended, until)
        if start < end:
            delay = Delay(calendar.between(start, end), end - start)
            found[party] = found.get(party, NO_DELAY).plus(delay)
    return found if len(found) < 2 else dict(sorted(found.items()))
