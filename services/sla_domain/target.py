"""How far a clock may run: an amount of time on a calendar, and what is due on the way there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple, Self

from sla_domain.calendar import Calendar

#: What a ticket says to a question about it: a value, several, or none.
Fact = Callable[[str], Sequence[str]]


class Boundary(StrEnum):
    """Whether using exactly the target still keeps the promise.

    ``exclusive`` is "less than 1 h" (clause C3, first response); ``inclusive`` is "up to 6 h".
    """

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


@dataclass(frozen=True, slots=True)
class WarningFraction:
    """A share of a target at which a warning is due; ``label`` names it in alerts."""

    label: str
    share: Fraction

    def of(self, within: int) -> int:
        """The share of ``within``, in whole milliseconds, rounded up."""
        return -((-within * self.share.numerator) // self.share.denominator)


#: What a ladder calls its last step; the others go by their warning's label.
BREACH: Final = "breach"


class Step(NamedTuple):
    """An amount of used time, in milliseconds, at which something is due: ``what`` is the label of
    a warning, or ``BREACH``.
    """

    amount: int
    what: str


@dataclass(frozen=True, slots=True)
class Target:
    """How much time a clock may use: ``within`` milliseconds on ``calendar``.

    ``ladder`` is what is due on the way, in the order of the used time: the warnings, then the
    breach, which is the first amount that breaks the promise.
    """

    within: int
    boundary: Boundary
    calendar: Calendar
    ladder: tuple[Step, ...]

    @classmethod
    def of(
        cls,
        within: int,
        boundary: Boundary,
        calendar: Calendar,
        warnings: Iterable[WarningFraction] = (),
    ) -> Self:
        """The target with the ladder that follows from its length and boundary."""
        breaks = within + (boundary is Boundary.INCLUSIVE)
        ascending = sorted(warnings, key=lambda fraction: fraction.share)
        steps = [Step(fraction.of(within), fraction.label) for fraction in ascending]
        return cls(within, boundary, calendar, (*steps, Step(breaks, BREACH)))

    @classmethod
    def none(cls, calendar: Calendar) -> Self:
        """What a severity has that promises nothing: no step is ever reached."""
        return cls(0, Boundary.INCLUSIVE, calendar, ())

    def chosen(self, _: Fact) -> Target:
        """Itself, whatever is known of the ticket."""
        return self

    @property
    def variants(self) -> Sequence[Target]:
        """Itself: there is no other."""
        return (self,)

    @property
    def breaks_at(self) -> int:
        """The used time, in milliseconds, at which the promise is broken."""
        return self.ladder[-1].amount


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """A target whose calendar depends on what is known of the ticket: by the value of a fact, or
    ``otherwise`` where it has none of them.
    """

    by: str
    by_value: Mapping[str, Target]
    otherwise: Target

    def chosen(self, fact: Fact) -> Target:
        """The target of a ticket with these facts."""
        for value in fact(self.by):
            found = self.by_value.get(value)
            if found is not None:
                return found
        return self.otherwise

    @property
    def variants(self) -> Sequence[Target]:
        """Every target it may be."""
        return (*self.by_value.values(), self.otherwise)


#: What a table of targets holds.
AnyTarget = Target | TargetChoice
