"""How many tickets and clocks a partition has, by the labels that the gauges have."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from sla_domain.ticket import Ticket
from sla_engine.memory import StoredRow

#: The severity of a ticket that has none.
NO_SEVERITY: Final = "none"


class Labels(NamedTuple):
    """The labels of a ticket and of its clocks in the gauges.

    A clock is its name, cycle, outcome, severity and whether it has stopped.
    """

    ticket: tuple[str, str]
    clocks: tuple[tuple[str, int, str, str, bool], ...]


def labels_of(ticket: Ticket, as_of: int) -> Labels:
    """The labels of ``ticket`` as of the instant given."""
    return Labels(
        (ticket.status.value, ticket.severity or NO_SEVERITY),
        tuple(
            [
                (
                    clock.rule.name,
                    clock.cycle,
                    clock.outcome(as_of).value,
                    clock.severity,
                    clock.stopped is not None,
                )
                for clock in ticket.clocks
            ]
        ),
    )


def labels_of_row(row: StoredRow) -> Labels:
    """The same of a ticket as it was stored."""
    return Labels(
        (row.state, row.severity or NO_SEVERITY),
        tuple(
            [
                (clock.clock, clock.cycle, clock.outcome, clock.severity, clock.stopped is not None)
                for clock in row.clocks
            ]
        ),
    )


class Census:
    """How many tickets and clocks there are by labels, kept up as they change."""

    def __init__(self) -> None:
        self.tickets: Counter[tuple[str, str]] = Counter()
        self.clocks: Counter[tuple[str, str, str]] = Counter()

    def add(self, labels: Labels, count: int = 1) -> None:
        """Count a ticket with ``labels`` in, or with -1 out."""
        self.tickets[labels.ticket] += count
        for name, _, outcome, severity, _ in labels.clocks:
            self.clocks[name, outcome, severity] += count
