"""What records and time did to a partition: the tracker writes it in one transaction."""

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
    """A clock that has stopped, for the metrics; times in milliseconds.

    ``used`` is that of the limit due first, ``consumed`` the largest share of a target; up to 1 the
    promise was kept. ``delays`` is how long it had been paused, by party.
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
        """What ``clock``, which stopped at ``at``, came to."""
        used = clock.governing.used(at)
        consumed = max([limit.used(at) / limit.target.within for limit in clock.limits])
        outcome = clock.outcome(at)
        if outcome is Outcome.BREACHED:
            # "Less than" is broken by the target itself.
            consumed = max(consumed, nextafter(1.0, 2.0))
        waits = [(pause.party, pause.start, pause.end) for pause in clock.pauses]
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
    """A ticket that left the table, and the instant at which its retention was over."""

    ticket: Ticket
    at: int

    def line(self) -> bytes:
        """Its last value in the table."""
        return write_json(ticket_record(self.ticket, self.at, None))


@dataclass(slots=True)
class Effects:
    """What a partition did since the last ``take``, in order.

    ``tickets`` holds the new value of each changed ticket, ``None`` for one that left the table;
    ``departed`` those as they were when they left, ``left`` their last values. ``results`` counts
    events by type and result for the metrics.
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
    #: By the field that says them.
    unknown_words: Counter[str] = field(default_factory=Counter)
    #: Tickets that were forgotten by order.
    erased: int = 0
    #: Records by source, and those of them that could not be used.
    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    #: Of alerts by id: what goes along with them as a header. Filled where traces are made.
    traceparents: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tickets or self.alerts or self.dead_letters or self.rekeyed)
