"""How long a ticket waited for its client or a third party of the client (clause C12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sla_domain.calendar import Calendar
from sla_domain.ticket import Ticket


class Delay(NamedTuple):
    """A delay in milliseconds: open time on the business calendar, and total elapsed time."""

    business_ms: int
    clock_ms: int

    def plus(self, other: Delay) -> Delay:
        """The sum of both."""
        return Delay(self.business_ms + other.business_ms, self.clock_ms + other.clock_ms)


NO_DELAY = Delay(0, 0)
#: Party, start, and end; the end is ``None`` while the wait lasts.
Wait = tuple[str, int, int | None]


def client_delay(ticket: Ticket, at: int) -> dict[str, Delay]:
    """The delays of ``ticket`` from its communication until ``at``, by party."""
    calendar = ticket.policy.business_calendar
    return delay_by_party(_waits(ticket), calendar, ticket.communicated_at, at)


def _waits(ticket: Ticket) -> list[Wait]:
    """The waits of ``ticket``, latest first; a stage ends where the next begins."""
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
    """The part of ``waits`` within ``[since, until)``, by party."""
    found: dict[str, Delay] = {}
    for party, begun, ended in waits:
        start = max(begun, since)
        end = until if ended is None else min(ended, until)
        if start < end:
            delay = Delay(calendar.between(start, end), end - start)
            found[party] = found.get(party, NO_DELAY).plus(delay)
    return found if len(found) < 2 else dict(sorted(found.items()))
