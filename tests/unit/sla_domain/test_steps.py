"""What is due on the way to a target and past it."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from sla_domain.steps import BREACH, Escalation, Step, StepRule, escalation_of, ladder

HALF = StepRule("0.5", Fraction(1, 2))
LATE = StepRule("-30", Fraction(1), -30)
MANAGER = StepRule("manager", Fraction(1), 60, 1)
DIRECTORS = [StepRule("director", Fraction(1), 60 + 100 * n, n) for n in (1, 2, 3)]

rules = st.lists(
    st.builds(
        StepRule,
        st.just("x"),
        st.fractions(Fraction(1, 100), 3, max_denominator=100),
        st.integers(-1000, 1000),
        st.integers(0, 3),
    )
)


def test_warnings_the_breach_and_escalations_stand_in_their_order() -> None:
    assert ladder(100, 101, [HALF, LATE, MANAGER, *DIRECTORS[1:]]) == (
        Step(50, "0.5"),
        Step(70, "-30"),
        Step(101, BREACH),
        Step(160, "manager#1"),
        Step(360, "director#2"),
        Step(460, "director#3"),
    )


def test_a_share_is_rounded_up_to_a_whole_millisecond() -> None:
    assert HALF.of(101) == 51


def test_nothing_is_due_before_any_time_was_used() -> None:
    assert ladder(20, 20, [LATE])[0] == Step(1, "-30")


def test_a_step_says_whether_it_is_an_escalation() -> None:
    assert escalation_of(MANAGER.what) == Escalation("manager", 1)
    assert escalation_of(DIRECTORS[2].what) == Escalation("director", 3)
    assert escalation_of(HALF.what) is None
    assert escalation_of(BREACH) is None


@given(st.integers(1, 10_000), st.integers(0, 1), rules)
def test_a_ladder_never_goes_down(within: int, beyond: int, steps: list[StepRule]) -> None:
    breaks = within + beyond
    found = ladder(within, breaks, steps)
    amounts = [step.amount for step in found]
    assert amounts == sorted(amounts)
    assert amounts[0] > 0
    place = [step.what for step in found].index(BREACH)
    assert found[place].amount == breaks
    assert all(escalation_of(step.what) is None for step in found[:place])
    assert all(escalation_of(step.what) is not None for step in found[place + 1 :])


@given(st.integers(1, 10_000), st.integers(1, 10_000), rules)
def test_a_longer_target_reaches_no_step_earlier(
    one: int, other: int, steps: list[StepRule]
) -> None:
    short, long = (ladder(each, each, steps) for each in sorted((one, other)))
    for sooner, later in zip(short, long, strict=True):
        assert sooner.what == later.what
        assert sooner.amount <= later.amount
