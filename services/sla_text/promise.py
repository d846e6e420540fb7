"""A promise in words, however a policy states it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sla_domain.agreement import Agreement
from sla_domain.instant import DAY
from sla_domain.steps import StepRule
from sla_domain.target import AnyTarget, ArrivalTarget, ClosingTarget, Target, TargetChoice
from sla_text.language import Texts
from sla_text.times import length


def promises(target: AnyTarget) -> bool:
    """Whether something is promised, if only for some tickets."""
    return any(not _nothing(each) for each in target.variants)


def _nothing(target: AnyTarget) -> bool:
    """Whether a target is the ``none`` of a table by a fact: it has not even a breach."""
    return isinstance(target, Target) and not target.ladder


def steps_of(target: AnyTarget) -> Sequence[StepRule]:
    """The steps of a target; what it may be has the same, but for what promises nothing."""
    return next((each.rules for each in target.variants if not _nothing(each)), ())


def told_promise(target: AnyTarget, texts: Texts) -> str:
    """``up to 8 h (business hours)``, ``up to 1 h (by region: emea: office; any other: ...)``."""
    if _nothing(target):
        return texts("promise.nothing")
    amount = _amount(target, texts)
    if amount is not None:
        return texts("promise.on", amount=amount, calendar=_calendar(target, texts))
    assert isinstance(target, TargetChoice), "only what is chosen may be several amounts"
    return _by_value(target, [_part(each, texts) for each in target.parts], texts)


def _part(target: AnyTarget, texts: Texts) -> str:
    """What is promised for one value of a fact, in brackets where another fact decides."""
    told = told_promise(target, texts)
    return f"({told})" if isinstance(target, TargetChoice) else told


def told_limit(within: int, boundary: str, calendar: str, texts: Texts) -> str:
    """``less than 1 h (business hours)``: an amount of milliseconds on a calendar."""
    amount = texts(f"promise.{boundary}", target=length(within, texts))
    return texts("promise.on", amount=amount, calendar=texts.word("calendar", calendar))


def _amount(target: AnyTarget, texts: Texts) -> str | None:
    """How much is promised; ``None`` where that depends on a fact."""
    match target:
        case Target() if _nothing(target):
            return texts("promise.nothing")
        case Target():
            limit = texts(f"promise.{target.boundary.value}", target=length(target.within, texts))
            days = business_days_of(target)
            if not days:
                return limit
            key = "promise.days_one" if days == "1" else "promise.days"
            return texts(key, limit=limit, count=texts.figure(days))
        case ClosingTarget():
            return texts(f"promise.{target.day.name.lower()}_{target.boundary.value}")
        case ArrivalTarget():
            return texts(
                "promise.arrival",
                inside=_amount(target.inside, texts),
                outside=_amount(target.outside, texts),
                of=texts.word("calendar", target.of.name),
            )
        case TargetChoice():
            amounts = {_amount(each, texts) for each in target.parts}
            return amounts.pop() if len(amounts) == 1 else None
        case _:
            assert_never(target)


def _calendar(target: AnyTarget, texts: Texts) -> str:
    """The calendar on which an amount counts."""
    if isinstance(target, TargetChoice):
        return _by_value(target, [_calendar(each, texts) for each in target.parts], texts)
    # By the hour of arrival there are two amounts on one calendar.
    first = target.inside if isinstance(target, ArrivalTarget) else target
    return texts.word("calendar", first.calendar.name)


def _by_value(choice: TargetChoice, parts: Sequence[str], texts: Texts) -> str:
    *values, otherwise = parts
    by_value = zip(choice.by_value, values, strict=True)
    # In an order of its own, so that the same table is told the same however it is written.
    told = [f"{value}: {part}" for value, part in sorted(by_value)]
    told.append(texts("promise.otherwise", promise=otherwise))
    return texts("promise.choice", by=texts.word("fact", choice.by), promises="; ".join(told))


def business_days_of(target: Target) -> str:
    """How many business days a target is, if that is a round figure; nothing where a day of the
    calendar is a whole day, or the target less than one.
    """
    day = target.calendar.day_length
    if day is None or day >= DAY or target.within < day or 4 * target.within % day:
        return ""
    return f"{target.within / day:g}"


def told_when(agreement: Agreement, texts: Texts) -> str:
    """Whom an agreement takes: ``plan gold; region emea, us``; nothing where it takes all."""
    return "; ".join(
        f"{texts.word('fact', fact)} {', '.join(sorted(wanted))}"
        for fact, wanted in agreement.when.items()
    )
