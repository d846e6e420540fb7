"""A promise in words, however a policy states it."""

from __future__ import annotations

from typing import assert_never

from sla_domain.target import AnyTarget, ArrivalTarget, ClosingTarget, Target, TargetChoice
from sla_text.language import Texts
from sla_text.times import length


def told_promise(target: AnyTarget, texts: Texts) -> str:
    """``up to 8 h (business hours)``, ``by region: emea: ...; any other: ...``."""
    match target:
        case Target():
            return told_limit(target.within, target.boundary.value, target.calendar.name, texts)
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


def told_limit(within: int, boundary: str, calendar: str, texts: Texts) -> str:
    """``less than 1 h (business hours)``: an amount of milliseconds on a calendar."""
    return texts(
        f"promise.{boundary}",
        target=length(within, texts),
        calendar=texts.word("calendar", calendar),
    )
