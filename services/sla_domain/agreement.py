"""Which promise a ticket gets: agreements by client, plan, region and other facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from sla_domain.target import AnyTarget, Fact

#: What the targets that belong to no agreement are called: tried last, for everybody.
STANDARD: Final = "standard"

#: Targets by (severity, clock).
Targets = Mapping[tuple[str, str], AnyTarget]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The targets of the tickets for which each condition of ``when`` holds: that the fact it names
    has one of its values. ``objective`` is the share of clocks that is to be kept, for reports.
    """

    name: str
    when: Mapping[str, frozenset[str]]
    targets: Targets
    objective: Fraction | None = None

    def matches(self, fact: Fact) -> bool:
        """Whether a ticket with these facts gets this promise."""
        return all(not wanted.isdisjoint(fact(name)) for name, wanted in self.when.items())
