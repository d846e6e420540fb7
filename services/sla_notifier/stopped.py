"""Which alerts of a ticket are over, read from its record in the tracker's table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_domain.steps import BREACH
from sla_notifier.requests import StoppedClock


class _Limit(msgspec.Struct):
    limit: str


class _Clock(msgspec.Struct):
    """The fields read from ``sla_schemas.tables.ClockRecord``."""

    clock: str
    cycle: int
    limit: str
    stopped: str | None
    outcome: str
    used_ms: int | None
    target_ms: int
    limits: list[_Limit] = []


class StoppedTicket(msgspec.Struct):
    """The fields read from ``sla_schemas.tables.TicketRecord``."""

    ticket_id: str
    client_id: str
    policy: str
    as_of: str
    clocks: list[_Clock]
    closed_at: str | None = None


_TICKET: Final = msgspec.json.Decoder(StoppedTicket)


def stopped_clocks(value: bytes, book: PolicyBook) -> Iterator[StoppedClock]:
    """The clocks in a ticket's record that stopped or no longer count, and may have alerts firing.

    A record is written for every event of its ticket, so each clock is reported more than once;
    ending an alert again changes nothing. Raises ``msgspec.DecodeError``.
    """
    ticket = _TICKET.decode(value)
    policy = book.cited(ticket.policy)
    for clock in ticket.clocks:
        over = clock.stopped or (ticket.closed_at if clock.outcome == "void" else None)
        if over is None:
            continue
        used = clock.used_ms or 0
        void = clock.outcome == "void"
        steps = {
            rule.what: None
            for rule in policy.every_step
            if void or used >= rule.of(clock.target_ms)
        }
        if void or clock.outcome == "breached":
            steps[BREACH] = None
        if not steps:
            continue
        limits = tuple(each.limit for each in clock.limits) or (clock.limit,)
        at = parse_instant(over)
        yield StoppedClock(
            ticket.ticket_id,
            ticket.client_id,
            clock.clock,
            clock.cycle,
            limits,
            tuple(steps),
            at,
        )
