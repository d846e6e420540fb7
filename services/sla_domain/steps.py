"""What is due on the way to a target and past it: warnings, the breach, then escalations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

#: What a ladder calls the step that breaks the promise.
BREACH: Final = "breach"
#: Between the name of an escalation and its number; no label of a warning has it.
_NUMBERED: Final = "#"


class Step(NamedTuple):
    """An amount of used time, in milliseconds, at which something is due: ``what`` is the label of
    a warning, ``BREACH``, or the name and number of an escalation.
    """

    amount: int
    what: str


class Escalation(NamedTuple):
    """What a step past the breach is: its name, and which of those with that name, from 1 on."""

    name: str
    number: int


def escalation_of(what: str) -> Escalation | None:
    """The escalation that a step is; ``None`` for a warning or the breach."""
    name, numbered, number = what.partition(_NUMBERED)
    return Escalation(name, int(number)) if numbered else None


@dataclass(frozen=True, slots=True)
class StepRule:
    """Where a step lies, whatever the target's length: at ``share`` of it and ``offset``
    milliseconds further. ``number`` is 0 for a warning, from 1 on for an escalation.
    """

    label: str
    share: Fraction
    offset: int = 0
    number: int = 0

    @property
    def what(self) -> str:
        """What a ladder calls it."""
        return f"{self.label}{_NUMBERED}{self.number}" if self.number else self.label

    def of(self, within: int) -> int:
        """The used time of it for a target of ``within``, in whole milliseconds, rounded up; at
        least one, since nothing is due before any time was used.
        """
        share = -((-within * self.share.numerator) // self.share.denominator)
        return max(1, share + self.offset)


def ladder(within: int, breaks: int, rules: Sequence[StepRule]) -> tuple[Step, ...]:
    """The steps of a target of ``within`` milliseconds that is broken at ``breaks``, in the order
    of ``rules``: none lies before the one above it, no warning past the breach, and no escalation
    before it.
    """
    steps: list[Step] = []
    reached = 0
    for rule in rules:
        if rule.number == 0:
            reached = min(max(reached, rule.of(within)), breaks)
            steps.append(Step(reached, rule.what))
    steps.append(Step(breaks, BREACH))
    reached = breaks
    for rule in rules:
        if rule.number:
            reached = max(reached, rule.of(within))
            steps.append(Step(reached, rule.what))
    return tuple(steps)
