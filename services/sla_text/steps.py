"""The steps of a target in words: where a warning lies, and which escalation it is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from sla_domain.instant import parse_duration
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
    """The steps of a target, in the order in which they are reached."""
    return ", ".join(_rule(rule, texts) for rule in rules)


def _rule(rule: StepRule, texts: Texts) -> str:
    place = _place(rule.share, rule.offset, texts)
    return f"{place}: {told_step(rule.what, texts)}" if rule.number else place


def _place(share: Fraction, offset: int, texts: Texts) -> str:
    if not offset:
        return percent_of(share, texts)
    told = texts("step.before" if offset < 0 else "step.past", length=length(abs(offset), texts))
    return told if share == 1 else f"{percent_of(share, texts)}, {told}"
