"""A promise in words, however a policy states it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, assert_never

from sla_domain.agreement import Agreement
from sla_domain.instant import DAY
from sla_domain.steps import StepRule
from sla_domain.target import AnyTarget, ArrivalTarget, ClosingTarget, Target, TargetChoice
from sla_text.hours import always_open
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


def _on_one_calendar(target: ArrivalTarget) -> bool:
    return target.inside.calendar.name == target.outside.calendar.name


def told_promise(target: AnyTarget, texts: Texts, *, reported: bool = False) -> str:
    """``up to 8 h (business hours)``, ``up to 1 h (by region: emea: office; any other: ...)``.

    ``reported`` is whether the clock starts with the report and with nothing else.
    """
    return _Teller(texts, reported=reported).promise(target)


def told_limit(within: int, boundary: str, calendar: str, texts: Texts) -> str:
    """``less than 1 h (business hours)``: an amount of milliseconds on a calendar."""
    amount = texts(f"promise.{boundary}", target=length(within, texts))
    return texts("promise.on", amount=amount, calendar=texts.word("calendar", calendar))


def told_closing(target: ClosingTarget, texts: Texts) -> str:
    """``by the end of the next business day``."""
    return texts(f"promise.{target.day.name.lower()}_{target.boundary.value}")


class _Amount(NamedTuple):
    """How much is promised: as it is told, and how many hours that is if it is told in days."""

    told: str
    hours: str = ""

    @property
    def whole(self) -> str:
        return f"{self.told} ({self.hours})" if self.hours else self.told


class _Teller:
    def __init__(self, texts: Texts, *, reported: bool) -> None:
        self._texts, self._reported = texts, reported

    def promise(self, target: AnyTarget) -> str:
        amount = self._amount(target)
        if amount is None:
            if isinstance(target, ArrivalTarget):
                return self._hour(target, *map(self.promise, (target.inside, target.outside)))
            assert isinstance(target, TargetChoice), "only what is chosen may be several amounts"
            return self._by_value(target, [self._part(each) for each in target.parts])
        if not promises(target):
            return amount.told
        told = ", ".join(filter(None, (amount.hours, self._calendar(target))))
        return self._texts("promise.on", amount=amount.told, calendar=told)

    def _part(self, target: AnyTarget) -> str:
        """What is promised for one value of a fact, in brackets where another fact decides."""
        told = self.promise(target)
        return f"({told})" if isinstance(target, TargetChoice) else told

    def _amount(self, target: AnyTarget, *, days: bool = True) -> _Amount | None:
        """How much is promised, in ``days`` where it is that; ``None`` if a fact decides, or the
        hour about the calendar.
        """
        match target:
            case Target() if _nothing(target):
                return _Amount(self._texts("promise.nothing"))
            case Target():
                return self._length(target, days=days)
            case ClosingTarget():
                return _Amount(told_closing(target, self._texts))
            case ArrivalTarget():
                return self._by_hour(target) if _on_one_calendar(target) else None
            case TargetChoice():
                return self._common(target)
            case _:
                assert_never(target)

    def _length(self, target: Target, *, days: bool) -> _Amount:
        texts, hours = self._texts, length(target.within, self._texts)
        told = self._days(target) if days else ""
        amount = texts(f"promise.{target.boundary.value}", target=told or hours)
        return _Amount(amount, hours if told else "")

    def _days(self, target: Target) -> str:
        """``5 business days``; nothing where it is no round figure of days."""
        texts, days = self._texts, business_days_of(target)
        if days:
            key = "promise.business_days_one" if days == "1" else "promise.business_days"
            return texts(key, count=texts.figure(days))
        whole, rest = divmod(target.within, DAY)
        # A single day is told as 24 h: nobody takes that for the rest of the day.
        if whole < 2 or rest or not always_open(target.calendar):
            return ""
        return texts.counted("length.days", whole)

    def _by_hour(self, target: ArrivalTarget) -> _Amount:
        either = target.inside, target.outside
        lengths = [each for each in either if isinstance(each, Target)]
        # "4 h, else 1 business day" is hard to compare, so both are told in hours or in days.
        days = all(self._days(each) for each in lengths)
        inside, outside = (self._amount(each, days=days) for each in either)
        assert inside is not None, "no fact decides about it"
        assert outside is not None, "nor about this"
        return _Amount(self._hour(target, inside.whole, outside.told), outside.hours)

    def _hour(self, target: ArrivalTarget, inside: str, outside: str) -> str:
        return self._texts(
            f"promise.{'reported' if self._reported else 'begun'}",
            inside=inside,
            outside=outside,
            of=self._texts.word("calendar", target.of.name),
        )

    def _common(self, choice: TargetChoice) -> _Amount | None:
        """The amount if it is the same whatever the fact, in days or else in hours."""
        for days in (True, False):
            amounts = [self._amount(each, days=days) for each in choice.parts]
            told = {each and each.told for each in amounts}
            if len(told) == 1 and amounts[0] is not None:
                alike = len({each and each.hours for each in amounts}) == 1
                return amounts[0] if alike else _Amount(amounts[0].told)
        return None

    def _calendar(self, target: AnyTarget) -> str:
        """The calendar on which an amount counts."""
        if isinstance(target, TargetChoice):
            return self._by_value(target, [self._calendar(each) for each in target.parts])
        # Where an amount is told without its calendar, it is the same at either hour.
        first = target.inside if isinstance(target, ArrivalTarget) else target
        return self._texts.word("calendar", first.calendar.name)

    def _by_value(self, choice: TargetChoice, parts: Sequence[str]) -> str:
        texts = self._texts
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
