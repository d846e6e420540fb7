"""A promise in words, however a policy states it."""

from __future__ import annotations

from typing import assert_never

from sla_domain.agreement import Agreement
from sla_domain.instant import DAY
from sla_domain.target import AnyTarget, ArrivalTarget, ClosingTarget, Target, TargetChoice
from sla_text.language import Texts
from sla_text.times import length


def told_promise(target: AnyTarget, texts: Texts) -> str:
    """``up to 8 h (business hours)``, ``by region: emea: ...; any other: ...``."""
    match target:
        case Target():
            limit = told_limit(target.within, target.boundary.value, target.calendar.name, texts)
            days = _business_days(target)
            if not days:
                return limit
            key = "promise.days_one" if days == "1" else "promise.days"
            return texts(key, limit=limit, count=texts.figure(days))
        case ClosingTarget():
            day = texts(f"promise.{target.day.name.lower()}_{target.boundary.value}")
            return f"{day} ({texts.word('calendar', target.calendar.name)})"
        case ArrivalTarget():
            return texts(
                "promise.arrival",
                inside=told_promise(target.inside, texts),
                outside=told_promise(target.outside, texts),
                of=texts.word("calendar", target.of.name),
            )
        case TargetChoice():
            told = [
                texts("promise.value", value=value, promise=told_promise(each, texts))
                for value, each in target.by_value.items()
            ]
            told.append(texts("promise.otherwise", promise=told_promise(target.otherwise, texts)))
            return texts("promise.choice", by=target.by, promises="; ".join(told))
        case _:
            assert_never(target)


def _business_days(target: Target) -> str:
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


def told_limit(within: int, boundary: str, calendar: str, texts: Texts) -> str:
    """``less than 1 h (business hours)``: an amount of milliseconds on a calendar."""
    return texts(
        f"promise.{boundary}",
        target=length(within, texts),
        calendar=texts.word("calendar", calendar),
    )
