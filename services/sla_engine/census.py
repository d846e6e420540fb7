"""The number of tickets and clocks of a partition, by the labels of the gauges."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from sla_domain.ticket import Ticket
from sla_engine.memory import StoredRow

#: The severity of a ticket that has none.
NO_SEVERITY: Final = "none"


class Labels(NamedTuple):
    """The gauge labels of a ticket and its clocks.

    A clock is (name, cycle, outcome, severity, stopped).
    """

    ticket: tuple[str, str]
    clocks: tuple[tuple[str, int, str, str, bool], ...]


def labels_of(ticket: Ticket, as_of: int) -> Labels:
    """The labels of ``ticket`` as of the instant ``as_of``."""
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
    """The labels of a stored ticket."""
    return Labels(
        (row.state, row.severity or NO_SEVERITY),
        tuple(
            [
                (clock.clock, clock.cycle, clock.outcome, clock.severity, clock.stopped is not None)
                for clock in row.clocks
            ]
            + [
                (each.clock, cycle, each.outcome, each.severity, True)
                for each in row.earlier_cycles
                for first, last in each.cycles
                for cycle in range(first, last + 1)
            ]
        ),
    )


class Census:
    """Running counts of tickets and clocks by labels."""

    def __init__(self) -> None:
        self.tickets: Counter[tuple[str, str]] = Counter()
        self.clocks: Counter[tuple[str, str, str]] = Counter()

    def add(self, labels: Labels, count: int = 1) -> None:
        """Add a ticket with ``labels``; a ``count`` of -1 removes it."""
        self.tickets[labels.ticket] += count
        for name, _, outcome, severity, _ in labels.clocks:
            self.clocks[name, outcome, severity] += count
