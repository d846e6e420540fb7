"""Whether a promise gets stricter or looser, where that can be said."""

from __future__ import annotations

from collections.abc import Sequence

from sla_domain.target import (
    AnyTarget,
    ArrivalTarget,
    Boundary,
    BusinessDay,
    ClosingTarget,
    Target,
    TargetChoice,
)
from sla_lab.change import LOOSER, OTHER, STRICTER
from sla_text.promise import promises

#: What of two targets is compared to what: two parts of each.
_Pair = tuple[AnyTarget, AnyTarget]


def effect_of_targets(before: AnyTarget | None, after: AnyTarget | None) -> str:
    """What becomes of a promise whose target changes; none at all is the loosest."""
    if before is None or after is None:
        present = before or after
        if present is None or not promises(present):
            return OTHER
        return STRICTER if before is None else LOOSER
    effects = {_effect(*pair) for pair in _pairs(before, after)} - {None}
    return (effects.pop() if len(effects) == 1 else None) or OTHER


def goes_by_hour(target: AnyTarget) -> bool:
    """Whether the hour at which the clock starts decides about the amount."""
    if isinstance(target, TargetChoice):
        return any(goes_by_hour(each) for each in target.parts)
    return isinstance(target, ArrivalTarget)


def _pairs(before: AnyTarget, after: AnyTarget) -> Sequence[_Pair]:
    """The targets that some ticket has before and after, so that all may be stricter; the whole
    where they follow from different hours.
    """
    if isinstance(before, TargetChoice) and isinstance(after, TargetChoice):
        values = before.by_value.keys() | after.by_value.keys()
        if before.by == after.by:
            return [
                pair
                for value in (*values, None)
                for pair in _pairs(_of_value(before, value), _of_value(after, value))
            ]
    if isinstance(before, TargetChoice):
        return [pair for each in before.parts for pair in _pairs(each, after)]
    if isinstance(after, TargetChoice):
        return [pair for each in after.parts for pair in _pairs(before, each)]
    if (
        isinstance(before, ArrivalTarget)
        and isinstance(after, ArrivalTarget)
        and before.of.name == after.of.name
    ):
        return [(before.inside, after.inside), (before.outside, after.outside)]
    return [(before, after)]


def _of_value(choice: TargetChoice, value: str | None) -> AnyTarget:
    return choice.otherwise if value is None else choice.by_value.get(value, choice.otherwise)


def _effect(before: AnyTarget, after: AnyTarget) -> str | None:
    """``None`` where they promise the same."""
    if not promises(before) or not promises(after):
        if promises(before) is promises(after):
            return None
        return STRICTER if promises(after) else LOOSER
    one, other = _size(before), _size(after)
    if one is None or other is None or one[0] != other[0]:
        return OTHER
    if one == other:
        return None
    return STRICTER if other < one else LOOSER


def _size(target: AnyTarget) -> tuple[tuple[str, str], int, bool] | None:
    """What can be compared, and how much it is; ``None`` of what depends on something."""
    inclusive = Boundary.INCLUSIVE
    if isinstance(target, Target):
        sort = ("length", target.calendar.name)
        return sort, target.within, target.boundary is inclusive
    if isinstance(target, ClosingTarget):
        sort = ("closing", target.calendar.name)
        return sort, [*BusinessDay].index(target.day), target.boundary is inclusive
    return None
