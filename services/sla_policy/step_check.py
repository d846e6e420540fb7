"""What is wrong with the steps of a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from sla_config.toml_places import Path
from sla_policy.finding import Finding, length
from sla_policy.step_sections import (
    BREACH_PLACE,
    MAX_STEPS,
    Place,
    PlacedStep,
    StepSection,
    placed_steps,
)


def step_findings(path: Path, steps: Sequence[StepSection]) -> Iterator[Finding]:
    """What is wrong with steps whatever the target's length; ``path`` is that of the list."""
    for number, step in enumerate(steps):
        yield from _form((*path, number), step)
    placed = list(placed_steps(steps))
    if len(placed) > MAX_STEPS:
        yield Finding(path, f"are {len(placed)} steps, more than {MAX_STEPS}; repeat less often")
        return
    seen: Counter[Place] = Counter()
    for one in placed:
        seen[one.place] += 1
        if seen[one.place] == 2:
            yield Finding((*path, one.section), f"{_where(one)} stands twice; keep one")
    for earlier, later in pairwise(placed):
        if (later.place.compared(earlier.place) or 0) < 0:
            yield Finding(
                (*path, later.section),
                f"{_where(later)} comes before {_where(earlier)}, which stands above it; write the "
                "steps in the order in which they are reached",
            )


def _form(path: Path, step: StepSection) -> Iterator[Finding]:
    if (step.at is None) == (step.every is None):
        yield Finding(
            path,
            'a step lies somewhere or repeats: write it like { at = "75%" } or { every = "2h", '
            "times = 5 }",
        )
        return
    if step.every is not None and step.times is None:
        yield Finding(
            (*path, "times"),
            "is missing: nothing repeats for ever; write it like times = 5",
            near=(*path, "every"),
        )
    if step.every is None and step.times is not None:
        yield Finding((*path, "times"), "only what is written with every repeats; delete it")
    places = step.places(BREACH_PLACE)
    if step.name is not None and places and (places[0].compared(BREACH_PLACE) or 0) <= 0:
        what = "the breach" if places[0] == BREACH_PLACE else "a warning"
        yield Finding(
            (*path, "name"),
            f"{step.written} is {what}, and only escalations have names; delete it",
        )


def length_findings(
    path: Path, within: int, written: str, steps: Sequence[StepSection], *, own: bool
) -> Iterator[Finding]:
    """What is wrong with steps on a target of ``within`` milliseconds, ``written`` so in the file.
    ``path`` is that of the steps if they are its ``own``, else that of the target.
    """

    def at(step: PlacedStep) -> Path:
        return (*path, step.section) if own else path

    placed = list(placed_steps(steps))
    for one in placed:
        if one.rule.share * within + one.rule.offset <= 0:
            yield Finding(
                at(one),
                f"{_where(one)} lies {length(-one.place.offset)} before the end of a target of "
                f'{written}, so it warns at the start; write a part of it, like "50%"',
                harmless=not own,
            )
    for earlier, later in pairwise(placed):
        unlike = later.place.compared(earlier.place) is None
        if unlike and later.rule.of(within) < earlier.rule.of(within):
            yield Finding(
                at(later),
                f"{_where(later)} comes before {_where(earlier)} in a target of {written}; write "
                "the steps in the order in which they are reached",
                harmless=not own,
            )


def _where(step: PlacedStep) -> str:
    """The place of a step as a policy writes it."""
    share, offset = step.place
    if not offset:
        return repr(f"{float(share * 100):g}%")
    past = "" if share == 1 else f"{float(share * 100):g}% and "
    return repr(f"{past}{'-' if offset < 0 else '+'}{length(abs(offset))}")
