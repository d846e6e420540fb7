"""How long a ticket stood still on account of its client (clause C12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from sla_domain.calendar import Calendar
from sla_domain.clock import Pause
from sla_domain.ticket import Ticket


class Delay(NamedTuple):
    """A delay: its part in the open time of the policy's business calendar, and all of it."""

    business_ms: int
    clock_ms: int

    def plus(self, other: Delay) -> Delay:
        """Both together."""
        return Delay(self.business_ms + other.business_ms, self.clock_ms + other.clock_ms)


NO_DELAY = Delay(0, 0)


def client_delay(ticket: Ticket, at: int) -> dict[str, Delay]:
    """The waits of ``ticket`` from its communication up to ``at``, by the party waited for."""
    calendar = ticket.policy.business_calendar
    return delay_by_party(_waits(ticket), calendar, ticket.communicated_at, at)


def _waits(ticket: Ticket) -> Iterator[Pause]:
    ends = [stage.start for stage in ticket.stages[1:]]
    for stage, end in zip_longest(ticket.stages, ends):
        if stage.party is not None:
            yield Pause(stage.start, end, stage.party, stage.cause)


def delay_by_party(
    pauses: Iterable[Pause], calendar: Calendar, since: int, until: int
) -> dict[str, Delay]:
    """What of ``pauses`` lies in ``[since, until)``, by party."""
    found: dict[str, Delay] = {}
    for pause in pauses:
        start = max(pause.start, since)
        end = until if pause.end is None else min(pause.end, until)
        if start < end:
            delay = Delay(calendar.between(start, end), end - start)
            found[pause.party] = found.get(pause.party, NO_DELAY).plus(delay)
    return dict(sorted(found.items()))
