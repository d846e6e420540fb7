"""How far a clock may run: an amount of time on a calendar, and what is due on the way there.

A policy may say the amount itself, or what it follows from: a date's closing, the hour at which
the clock starts, a fact of the ticket. ``chosen`` turns each into the target of one clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sla_domain.calendar import Calendar
from sla_domain.steps import BREACH, Step, StepRule, ladder

#: What a ticket says to a question about it: a value, several, or none.
Fact = Callable[[str], Sequence[str]]


class Boundary(StrEnum):
    """Whether using exactly the target still keeps the promise.

    ``exclusive`` is "less than 1 h" (clause C3, first response); ``inclusive`` is "up to 6 h".
    """

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


@dataclass(frozen=True, slots=True)
class Target:
    """How much time a clock may use: ``within`` milliseconds on ``calendar``.

    ``ladder`` is what is due, in the order of the used time, as ``rules`` say: the warnings, the
    breach, the escalations. ``breaks_at`` is the used time, in milliseconds, of the breach: the
    first amount that breaks the promise.
    """

    within: int
    boundary: Boundary
    calendar: Calendar
    rules: Sequence[StepRule]
    ladder: tuple[Step, ...]
    breaks_at: int
    #: The place of the breach in the ladder.
    breach: int

    @classmethod
    def of(
        cls,
        within: int,
        boundary: Boundary,
        calendar: Calendar,
        rules: Sequence[StepRule] = (),
    ) -> Self:
        """The target with the ladder that follows from its length and boundary."""
        breaks = within + (boundary is Boundary.INCLUSIVE)
        steps = ladder(within, breaks, rules)
        place = [step.what for step in steps].index(BREACH)
        return cls(within, boundary, calendar, rules, steps, breaks, place)

    @classmethod
    def none(cls, calendar: Calendar) -> Self:
        """What a severity has that promises nothing: no step is ever reached."""
        return cls(0, Boundary.INCLUSIVE, calendar, (), (), 0, 0)

    def chosen(self, _fact: Fact, _start: int) -> Target:
        """Itself, whatever is known of the ticket."""
        return self

    @property
    def variants(self) -> Sequence[TargetRule]:
        """Itself: there is no other."""
        return (self,)

    def stepped_as(self, other: Target) -> Target:
        """The target with the steps of ``other``: the limits of a clock share a ladder."""
        if self.rules == other.rules:
            return self
        return Target.of(self.within, self.boundary, self.calendar, other.rules)


class BusinessDay(StrEnum):
    """A day by whose last closing something is promised; the values are as policies write them.

    ``end`` is the start's local date, or the next that opens where its last closing has passed;
    ``next`` is the first date after the start's on which the calendar opens.
    """

    END = "end of business day"
    NEXT = "next business day"


@dataclass(frozen=True, slots=True)
class ClosingTarget:
    """A target by the last closing of a day: the open time from the clock's start until then, so
    pauses move it like any other.
    """

    day: BusinessDay
    boundary: Boundary
    calendar: Calendar
    rules: Sequence[StepRule] = ()

    def chosen(self, _fact: Fact, start: int) -> Target:
        """The target of a clock that starts at ``start``."""
        calendar = self.calendar
        today = calendar.local_day(start)
        closing = calendar.closing_from(today + (self.day is BusinessDay.NEXT))
        if closing <= start:
            closing = calendar.closing_from(today + 1)
        within = calendar.between(start, closing)
        # How long it is shows only now, so only now whether "-30m" lies before or behind "75%".
        rules = sorted(self.rules, key=lambda rule: (rule.number > 0, rule.of(within)))
        return Target.of(within, self.boundary, calendar, rules)

    @property
    def variants(self) -> Sequence[TargetRule]:
        """Itself: there is no other."""
        return (self,)


@dataclass(frozen=True, slots=True)
class ArrivalTarget:
    """A target by the hour of arrival: ``inside`` where ``of`` is open at the clock's start."""

    of: Calendar
    inside: TargetRule
    outside: TargetRule

    def chosen(self, fact: Fact, start: int) -> Target:
        """The target of a clock that starts at ``start``."""
        target = self.inside if self.of.is_open(start) else self.outside
        return target.chosen(fact, start)

    @property
    def variants(self) -> Sequence[TargetRule]:
        """Every target it may be."""
        return (*self.inside.variants, *self.outside.variants)


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """A target whose calendar depends on what is known of the ticket: by the value of a fact, or
    ``otherwise`` where it has none of them.
    """

    by: str
    by_value: Mapping[str, AnyTarget]
    otherwise: AnyTarget

    def chosen(self, fact: Fact, start: int) -> Target:
        """The target of a ticket with these facts."""
        for value in fact(self.by):
            found = self.by_value.get(value)
            if found is not None:
                return found.chosen(fact, start)
        return self.otherwise.chosen(fact, start)

    @property
    def parts(self) -> Sequence[AnyTarget]:
        """What it is by each value in turn, then otherwise."""
        return (*self.by_value.values(), self.otherwise)

    @property
    def variants(self) -> Sequence[TargetRule]:
        """Every target it may be."""
        return [variant for target in self.parts for variant in target.variants]


#: What is promised on one calendar, whatever the ticket and the hour.
TargetRule = Target | ClosingTarget
#: What a table of targets holds.
AnyTarget = Target | ClosingTarget | ArrivalTarget | TargetChoice
