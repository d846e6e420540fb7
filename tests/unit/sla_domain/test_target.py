"""How far a clock may run, and by which calendar."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sla_domain.calendar import Calendar
from sla_domain.instant import HOUR, MINUTE, parse_instant
from sla_domain.steps import BREACH, Step, StepRule
from sla_domain.target import (
    ArrivalTarget,
    Boundary,
    BusinessDay,
    ClosingTarget,
    Fact,
    Target,
    TargetChoice,
)

DAY = [[(0, 1000)]] * 7
HERE, THERE = Calendar("here", "UTC", DAY), Calendar("there", "UTC", DAY)
#: Nine to eighteen on weekdays with an hour for lunch, four hours on Saturdays.
_WEEKDAY = [(9 * HOUR, 13 * HOUR), (14 * HOUR, 18 * HOUR)]
OFFICE = Calendar("office", "UTC", [*[_WEEKDAY] * 5, [(9 * HOUR, 13 * HOUR)], []])
HALF = StepRule("0.5", Fraction(1, 2))
EXCLUSIVE, INCLUSIVE = Boundary


def unknown(_: str) -> tuple[str, ...]:
    return ()


def known(*values: str) -> Fact:
    return lambda _: values


def test_a_ladder_has_the_first_amount_that_breaks_the_promise() -> None:
    exclusive = Target.of(101, EXCLUSIVE, HERE, [HALF])
    assert exclusive.ladder == (Step(51, "0.5"), Step(101, BREACH))
    assert exclusive.ladder[exclusive.breach].amount == exclusive.breaks_at
    assert Target.of(101, INCLUSIVE, HERE).breaks_at == 102


def test_limits_of_a_clock_have_the_same_steps() -> None:
    target, other = Target.of(100, INCLUSIVE, HERE, [HALF]), Target.of(60, INCLUSIVE, THERE)
    assert other.stepped_as(target) == Target.of(60, INCLUSIVE, THERE, [HALF])
    assert target.stepped_as(target) is target


def test_a_choice_goes_by_the_first_value_that_it_knows() -> None:
    here, there = (Target.of(1, INCLUSIVE, each) for each in (HERE, THERE))
    choice = TargetChoice("region", {"emea": there}, here)
    assert choice.chosen(known("us", "emea"), 0) is there
    assert choice.chosen(unknown, 0) is here
    assert here.chosen(known("emea"), 0) is here
    assert [*choice.variants, *here.variants] == [there, here, here]


@pytest.mark.parametrize(
    ("day", "start", "hours"),
    [
        # Monday at ten: until eighteen, less lunch; or until Tuesday's closing.
        (BusinessDay.END, "2026-11-23T10:00:00Z", 7),
        (BusinessDay.NEXT, "2026-11-23T10:00:00Z", 7 + 8),
        # Before the opening, and in the lunch break, the same day's closing counts.
        (BusinessDay.END, "2026-11-23T03:00:00Z", 8),
        (BusinessDay.END, "2026-11-23T13:30:00Z", 4),
        # At the closing and after it the day has no time left: the next one that opens.
        (BusinessDay.END, "2026-11-23T18:00:00Z", 8),
        (BusinessDay.END, "2026-11-23T22:00:00Z", 8),
        # The next date that opens after Friday is the short Saturday; after that, Monday.
        (BusinessDay.NEXT, "2026-11-27T17:00:00Z", 1 + 4),
        (BusinessDay.NEXT, "2026-11-28T12:00:00Z", 1 + 8),
        (BusinessDay.END, "2026-11-29T12:00:00Z", 8),
        (BusinessDay.NEXT, "2026-11-29T12:00:00Z", 8),
    ],
)
def test_a_closing_is_an_amount_of_open_time(day: BusinessDay, start: str, hours: int) -> None:
    target = ClosingTarget(day, INCLUSIVE, OFFICE, [HALF]).chosen(unknown, parse_instant(start))
    assert target == Target.of(hours * HOUR, INCLUSIVE, OFFICE, [HALF])


def test_what_is_asked_at_the_arrival_is_whether_a_calendar_is_open() -> None:
    inside, outside = (Target.of(each * MINUTE, INCLUSIVE, HERE) for each in (30, 60))
    target = ArrivalTarget(OFFICE, inside, outside)
    assert target.chosen(unknown, parse_instant("2026-11-23T09:00:00Z")) is inside
    assert target.chosen(unknown, parse_instant("2026-11-23T13:00:00Z")) is outside
    assert [*target.variants] == [inside, outside]


def test_a_choice_and_an_arrival_lead_to_the_target_of_the_start() -> None:
    closing = ClosingTarget(BusinessDay.END, INCLUSIVE, OFFICE)
    arrival = ArrivalTarget(OFFICE, closing, Target.of(HOUR, INCLUSIVE, OFFICE))
    choice = TargetChoice("region", {"emea": arrival}, closing)
    found = choice.chosen(known("emea"), parse_instant("2026-11-23T16:00:00Z"))
    assert found.within == 2 * HOUR
    assert len(choice.variants) == 3


@pytest.mark.parametrize(
    ("start", "order"),
    [
        # Of eight hours, 75 per cent are six; of an hour, half an hour is less than that.
        ("2026-11-23T03:00:00Z", [(360, "0.75"), (450, "-30")]),
        ("2026-11-23T17:00:00Z", [(30, "-30"), (45, "0.75")]),
    ],
)
def test_each_step_of_a_closing_has_its_own_time(start: str, order: list[tuple[int, str]]) -> None:
    rules = [StepRule("0.75", Fraction(3, 4)), StepRule("-30", Fraction(1), -30 * MINUTE)]
    target = ClosingTarget(BusinessDay.END, EXCLUSIVE, OFFICE, rules)
    steps = target.chosen(unknown, parse_instant(start)).ladder
    assert [(step.amount // MINUTE, step.what) for step in steps[:2]] == order
