"""The steps of a target in words: where a warning lies, and which escalation it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from sla_domain.instant import HOUR, parse_duration
from sla_domain.steps import BREACH, Escalation, StepRule, escalation_of
from sla_text.language import Texts
from sla_text.times import length, percent_of


def told_step(what: str, texts: Texts) -> str:
    """A step by what its ladder calls it: ``at 75%``, ``30 min before the end``, ``manager 2``;
    nothing for the breach, which needs no more words.
    """
    escalation = escalation_of(what)
    if escalation is not None:
        return told_escalation(escalation)
    if what.startswith("-"):
        return _place(Fraction(1), parse_duration(what), texts)
    return "" if what == BREACH else texts("step.at", share=percent_of(Fraction(what), texts))


def told_escalation(escalation: Escalation) -> str:
    """``manager``, and ``manager 2`` for the second with that name."""
    name = escalation.name.replace("_", " ")
    return name if escalation.number == 1 else f"{name} {escalation.number}"


def told_rules(rules: Sequence[StepRule], texts: Texts) -> str:
    """The steps of a target, in the order in which they are reached: ``50%, 1 h past the end:
    manager 1, then every 2 h, 3 times: manager 2 to 4``.
    """
    last = {rule.label: rule.number for rule in rules}
    return ", ".join(_run(run, last[run.rules[0].label], texts) for run in _runs(rules))


class _Run(NamedTuple):
    """A step, or repetitions of one; the escalation above it lies ``above`` past the end."""

    rules: Sequence[StepRule]
    above: int


def _runs(rules: Sequence[StepRule]) -> Iterator[_Run]:
    above = start = 0
    while start < len(rules):
        apart = rules[start].offset - above
        end = start + 1
        while end < len(rules) and _repeats(rules[end - 1], rules[end], apart):
            end += 1
        yield _Run(rules[start:end], above)
        above = rules[end - 1].offset if rules[end - 1].share == 1 else 0
        start = end


def _repeats(rule: StepRule, following: StepRule, apart: int) -> bool:
    """Whether an escalation is the one above it again, as far from it as that from its own."""
    return (
        0 < rule.number < following.number
        and rule.label == following.label
        and rule.share == following.share == 1
        and following.offset - rule.offset == apart
    )


def _run(run: _Run, numbered: int, texts: Texts) -> str:
    """``numbered`` is how many escalations have the name."""
    first, last = run.rules[0], run.rules[-1]
    if len(run.rules) == 1:
        place = _place(first.share, first.offset, texts)
    else:
        apart = first.offset - run.above
        every = texts("step.hour") if apart == HOUR else length(apart, texts)
        key = "step.then" if run.above else "step.every"
        place = texts(key, every=every, times=len(run.rules))
    if not first.number:
        return place
    name = first.label.replace("_", " ")
    # Of a name that stands alone the numbers say nothing more.
    if first.number > 1 or last.number < numbered:
        numbers = {"first": first.number, "last": last.number}
        name = texts("step.number" if first is last else "step.numbers", name=name, **numbers)
    return f"{place}: {name}"


def _place(share: Fraction, offset: int, texts: Texts) -> str:
    if not offset:
        return percent_of(share, texts)
    told = texts("step.before" if offset < 0 else "step.past", length=length(abs(offset), texts))
    return told if share == 1 else f"{percent_of(share, texts)}, {told}"
