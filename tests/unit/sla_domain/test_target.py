"""How far a clock may run, and by which calendar."""

from __future__ import annotations

from fractions import Fraction

from sla_domain.calendar import Calendar
from sla_domain.target import BREACH, Boundary, Step, Target, TargetChoice, WarningFraction

DAY = [[(0, 1000)]] * 7
HERE, THERE = Calendar("here", "UTC", DAY), Calendar("there", "UTC", DAY)
HALF = WarningFraction("0.5", Fraction(1, 2))


def test_a_ladder_ends_with_the_first_amount_that_breaks_the_promise() -> None:
    exclusive = Target.of(101, Boundary.EXCLUSIVE, HERE, [HALF])
    assert exclusive.ladder == (Step(51, "0.5"), Step(101, BREACH))
    assert Target.of(101, Boundary.INCLUSIVE, HERE).breaks_at == 102


def test_a_choice_goes_by_the_first_value_that_it_knows() -> None:
    here, there = (Target.of(1, Boundary.INCLUSIVE, each) for each in (HERE, THERE))
    choice = TargetChoice("region", {"emea": there}, here)
    assert choice.chosen(lambda _: ("us", "emea")) is there
    assert choice.chosen(lambda _: ()) is here
    assert here.chosen(lambda _: ("emea",)) is here
    assert [*choice.variants, *here.variants] == [there, here, here]
