"""The steps of a target as a policy writes them: where each lies, and what it is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema

from sla_domain.instant import parse_duration
from sla_domain.steps import StepRule
from sla_policy.calendar_sections import Section
from sla_policy.finding import length
from sla_policy.values import DurationText, UnfitError, Word

#: How many steps a target may have, each repetition counted.
MAX_STEPS: Final = 100
#: What escalations are called that have no name.
UNNAMED: Final = "escalation"
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")


class Place(NamedTuple):
    """Where a step lies: at ``share`` of the target and ``offset`` milliseconds further."""

    share: Fraction
    offset: int = 0

    @classmethod
    def read(cls, text: str) -> Place | None:
        """``"50%"``, ``"-30m"`` before the end, ``"+1h"`` past it; ``None`` of anything else."""
        text = text.strip()
        if found := _PERCENT.fullmatch(text):
            return cls(Fraction(found[1]) / 100)
        if text[:1] not in ("+", "-"):
            return None
        try:
            offset = parse_duration(text[1:])
        except ValueError:
            return None
        if offset <= 0:
            return None
        return cls(Fraction(1), -offset if text[0] == "-" else offset)

    def later(self, by: int) -> Place:
        """The place ``by`` milliseconds further."""
        return self._replace(offset=self.offset + by)

    def compared(self, other: Place) -> int | None:
        """Below 0 where it lies before ``other`` whatever the target's length, 0 at the same place,
        above 0 after it; ``None`` where that depends on the length.
        """
        share, offset = self.share - other.share, self.offset - other.offset
        if share * offset < 0:
            return None
        return (share > 0 or offset > 0) - (share < 0 or offset < 0)


#: Where the promise is broken.
BREACH_PLACE: Final = Place(Fraction(1))


def _place(value: Any) -> Any:
    place = Place.read(value) if isinstance(value, str) else None
    if place is None or not place.share:
        raise UnfitError(
            f'{value!r} is not a place on the way to a target; write it like "50%", "-30m" (before '
            'its end) or "+1h" (past it)'
        )
    return value


class StepSection(Section):
    """Something due on the way to a target or past it: before the breach a warning, after it an
    escalation. Steps stand in the order in which they are reached, in a target as `steps`, or for
    all targets under `[[steps]]`.
    """

    at: (
        Annotated[
            str,
            BeforeValidator(_place),
            WithJsonSchema({"type": "string", "x-written": "per cent, or a signed duration"}),
        ]
        | None
    ) = Field(
        None,
        description="Where the step lies: at a share of the target's time (`50%` is half of it), "
        "or an amount of used time before its end (`-30m`) or past it (`+1h`). `100%` is the "
        "breach, which comes whether it is written or not. A step has either `at` or `every`.",
        examples=['"75%"', '"-30m"', '"+1h"'],
    )
    every: DurationText | None = Field(
        None,
        description="In place of `at`, repeats an escalation each time so much more time has been "
        "used. It counts from the escalation above it, or from the breach if there is none. By "
        "default a step comes once.",
        examples=['"2h"'],
    )
    times: (
        Annotated[
            int,
            Field(ge=1, le=MAX_STEPS),
            WithJsonSchema({"type": "integer", "x-written": f"whole number, 1 to {MAX_STEPS}"}),
        ]
        | None
    ) = Field(
        None,
        description="How many escalations `every` makes. It is needed with `every`, since nothing "
        "repeats for ever.",
        examples=["5"],
    )
    name: Word | None = Field(
        None,
        description="What an escalation is called, for example by who is told. Those of one name "
        "are numbered. By default it is `escalation`; a warning has no name.",
        examples=['"manager"'],
    )

    def places(self, before: Place) -> list[Place]:
        """Where it lies; ``before`` is where the escalation before it lies."""
        if self.at is not None:
            place = Place.read(self.at)
            return [] if place is None else [place]
        return [before.later((number + 1) * (self.every or 0)) for number in range(self.times or 0)]

    @property
    def written(self) -> str:
        """What a message calls it."""
        return repr(self.at) if self.at is not None else "every"


class PlacedStep(NamedTuple):
    """A step of a target: which of the file's it comes from, where it lies, what it is."""

    section: int
    place: Place
    rule: StepRule


def placed_steps(steps: Sequence[StepSection]) -> Iterator[PlacedStep]:
    """The steps in the order in which they are written, repetitions one by one; the breach, where
    it is written, left out.
    """
    before = BREACH_PLACE
    numbers: Counter[str] = Counter()
    for section, step in enumerate(steps):
        for place in step.places(before):
            past = place.compared(BREACH_PLACE)
            if not past:
                continue
            label, number = _label(place), 0
            if past > 0:
                before, label = place, step.name or UNNAMED
                numbers[label] += 1
                number = numbers[label]
            yield PlacedStep(section, place, StepRule(label, *place, number))


def step_rules(steps: Sequence[StepSection]) -> tuple[StepRule, ...]:
    """The steps as the domain knows them."""
    return tuple(placed.rule for placed in placed_steps(steps))


def share_rules(shares: Sequence[float]) -> tuple[StepRule, ...]:
    """Warnings at shares of a target, in their order."""
    return tuple(StepRule(str(share), Fraction(str(share))) for share in sorted(shares))


def _label(place: Place) -> str:
    """What a warning goes by in alerts and metrics: ``0.75``, ``-1h30m``."""
    return f"-{length(-place.offset)}".replace(" ", "") if place.offset else str(float(place.share))
