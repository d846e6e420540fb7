"""The effects of records and time on a partition, written by the tracker in one transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import nextafter
from typing import NamedTuple, Self

from sla_domain.alert import Alert, Notice
from sla_domain.calendar import Calendar
from sla_domain.clock import Clock, Outcome
from sla_domain.delay import Delay, delay_by_party
from sla_domain.ticket import Ticket
from sla_engine.wire.records import DeadLetter, Rekeyed
from sla_engine.wire.tables import ticket_record, write_json


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stopped clock, for the metrics; times in milliseconds.

    ``used`` is for the limit due first; ``consumed`` is the largest share used of any limit's
    target, above 1 for a breach; ``delays`` is the paused time by party.
    """

    clock: str
    severity: str
    agreement: str | None
    outcome: Outcome
    origin: str | None
    used: int
    consumed: float
    delays: dict[str, Delay]

    @classmethod
    def of(cls, clock: Clock, at: int, business: Calendar) -> Self:
        """The figures of ``clock``, which stopped at ``at``."""
        used = clock.governing.used(at)
        consumed = max([limit.used(at) / limit.target.within for limit in clock.limits])
        outcome = clock.outcome(at)
        if outcome is Outcome.BREACHED:
            # An exclusive target is missed at a share of exactly 1.
            consumed = max(consumed, nextafter(1.0, 2.0))
        waits = [(pause.party, pause.start, pause.end) for pause in clock.waits]
        delays = delay_by_party(waits, business, clock.start, at)
        return cls(
            clock.rule.name,
            clock.severity,
            clock.agreement,
            outcome,
            clock.origin,
            used,
            consumed,
            delays,
        )


class Departed(NamedTuple):
    """A ticket that left the table, and when its retention ended."""

    ticket: Ticket
    at: int

    def line(self) -> bytes:
        """Its last row in the table."""
        return write_json(ticket_record(self.ticket, self.at, None))


@dataclass(slots=True)
class Effects:
    """The effects since the last ``drain``, in order.

    ``tickets`` has the new row of each changed ticket, ``None`` if it left the table; ``departed``
    has the tickets whose retention ended, ``left`` their last rows. ``results`` counts events by
    type and result, for the metrics.
    """

    tickets: dict[str, bytes | None] = field(default_factory=dict)
    left: dict[str, bytes] = field(default_factory=dict)
    departed: list[Departed] = field(default_factory=list)
    alerts: list[Alert | Notice] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    rekeyed: list[Rekeyed] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown_fields: int = 0
    #: By event field.
    unknown_words: Counter[str] = field(default_factory=Counter)
    #: Tickets erased by order.
    erased: int = 0
    #: Records by source, and how many of them could not be used.
    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    #: The trace header of each alert, by alert id; empty without tracing.
    traceparents: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tickets or self.alerts or self.dead_letters or self.rekeyed)
