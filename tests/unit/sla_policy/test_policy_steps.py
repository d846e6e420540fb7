"""What the steps and amounts of a policy file mean."""

from __future__ import annotations

from fractions import Fraction

import pytest
from support import POLICY
from support.contracts import OWN_WORDS, STEPS, WITH_STEPS, own_words
from support.pure import pure_event

from sla_domain.clock import Clock
from sla_domain.instant import DAY, HOUR, MINUTE, parse_instant
from sla_domain.policy import PolicyBook
from sla_domain.steps import Step
from sla_domain.target import Target
from sla_domain.ticket import Ticket
from sla_policy.loading import parse_policy
from sla_policy.step_sections import StepSection, placed_steps, step_rules

P1 = 'resolution = { within = "1h", boundary = "inclusive", calendar = "always" }'


def steps(*written: dict[str, object]) -> list[StepSection]:
    return [StepSection.model_validate(each) for each in written]


def amounts(text: str, severity: str = "p1") -> list[Step]:
    target = own_words(text).latest.targets[severity, "resolution"]
    assert isinstance(target, Target)
    return [*target.ladder]


@pytest.mark.parametrize(
    ("at", "label", "amount"),
    [
        ("75%", "0.75", 45 * MINUTE),
        (" 33.5 % ", "0.335", 20 * MINUTE + 6000),
        ("-30m", "-30m", 30 * MINUTE),
        ("-PT30M", "-30m", 30 * MINUTE),
        ("-1800s", "-30m", 30 * MINUTE),
        ("-1m 30s", "-1m30s", 58 * MINUTE + 30_000),
        ("+1h", "escalation#1", 2 * HOUR),
        ("150%", "escalation#1", 90 * MINUTE),
    ],
)
def test_a_step_lies_where_it_is_written(at: str, label: str, amount: int) -> None:
    (rule,) = step_rules(steps({"at": at}))
    assert (rule.what, rule.of(HOUR)) == (label, amount)


def test_what_repeats_counts_from_the_escalation_before_it() -> None:
    found = [
        (placed.rule.what, placed.rule.of(HOUR) // MINUTE)
        for placed in placed_steps(
            steps(
                {"at": "100%"},
                {"every": "10m", "times": 2, "name": "lead"},
                {"at": "200%", "name": "manager"},
                {"every": "1h", "times": 2, "name": "lead"},
            )
        )
    ]
    assert found == [
        ("lead#1", 70),
        ("lead#2", 80),
        ("manager#1", 120),
        ("lead#3", 180),
        ("lead#4", 240),
    ]


def test_the_steps_of_a_policy_are_those_of_each_target_that_names_none() -> None:
    own = WITH_STEPS.replace(P1, P1.replace(" }", ', steps = [{ at = "-10m" }] }'))
    assert amounts(own) == [Step(50 * MINUTE, "-10m"), Step(HOUR + 1, "breach")]
    assert [step.what for step in amounts(own, "p2")] == [
        *("0.5", "-15m", "breach", "manager#1", "director#1", "director#2")
    ]
    labels = [rule.what for rule in own_words(own).latest.every_step]
    assert labels == ["0.5", "-15m", "manager#1", "director#1", "director#2", "-10m"]


def test_no_steps_at_all_are_the_warnings_or_the_breach_alone() -> None:
    assert [step.what for step in amounts(OWN_WORDS)] == ["0.5", "breach"]
    assert [step.what for step in amounts(OWN_WORDS.replace("[0.5]", "[]"))] == ["breach"]
    none = P1.replace(" }", ", steps = [] }")
    assert [step.what for step in amounts(OWN_WORDS.replace(P1, none))] == ["breach"]


def test_decimals_of_a_business_day_are_open_time() -> None:
    text = POLICY.read_text().replace("5 business days", "2.5 business days")
    target = parse_policy(text, "mine.toml").targets["low", "resolution"]
    assert isinstance(target, Target)
    assert target.within == Fraction(5, 2) * 9 * HOUR


def test_a_target_by_arrival_and_closing_is_chosen_at_the_start() -> None:
    within = '{ inside = "end of business day", outside = "next business day", of = "office" }'
    text = OWN_WORDS.replace(P1, P1.replace('"1h"', within)).replace(
        "[calendars.always]",
        '[calendars.office]\nzone = "UTC"\nhours = { mon = [["09:00", "18:00"]] }\n'
        "[calendars.always]",
    )
    target = own_words(text).latest.targets["p1", "resolution"]
    monday = parse_instant("2026-11-23T00:00:00Z")
    assert target.chosen(lambda _: (), monday + 9 * HOUR).within == 15 * HOUR
    # Around the clock the next day opens at midnight and closes at midnight.
    assert target.chosen(lambda _: (), monday + 18 * HOUR).within == 6 * HOUR + DAY


def at_either_hour(within: str, calendar: str) -> list[tuple[int, str]]:
    """The hours that a target gives in and outside of the office, and on which calendar."""
    office = '[calendars.office]\nzone = "UTC"\nday = "9h"\nhours = { mon-tue = '
    text = OWN_WORDS.replace(
        "[calendars.always]", f'{office}[["09:00", "18:00"]] }}\n[calendars.always]'
    )
    new = P1.replace('"1h"', within).replace('"always"', calendar)
    target = own_words(text.replace(P1, new)).latest.targets["p1", "resolution"]
    monday = parse_instant("2026-11-23T00:00:00Z")
    found = [target.chosen(lambda _: ("emea",), monday + hour * HOUR) for hour in (17, 18)]
    return [(each.within // HOUR, each.calendar.name) for each in found]


BY_HOUR = '{ inside = "office", outside = "always", of = "office" }'


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ('"4h"', [(4, "office"), (4, "always")]),
        ('{ inside = "1h", outside = "4h", of = "office" }', [(1, "office"), (4, "always")]),
        # A day has nine hours in the office, and no length around the clock.
        (
            '{ inside = "2 business days", outside = "4h", of = "office" }',
            [(18, "office"), (4, "always")],
        ),
        # What is left of Monday and the whole Tuesday; what is left of Monday until midnight.
        ('"end of business day"', [(1, "office"), (6, "always")]),
        (
            '{ inside = "next business day", outside = "end of business day", of = "office" }',
            [(10, "office"), (6, "always")],
        ),
        ('{ by = "region", emea = "2h", else = "4h" }', [(2, "office"), (2, "always")]),
    ],
)
def test_the_hour_of_arrival_decides_on_the_calendar_too(
    within: str, expected: list[tuple[int, str]]
) -> None:
    assert at_either_hour(within, BY_HOUR) == expected


def test_the_hour_decides_on_the_amount_and_a_fact_on_the_calendar() -> None:
    within = '{ inside = "1h", outside = "4h", of = "office" }'
    by_fact = '{ by = "region", emea = "office", else = "always" }'
    assert at_either_hour(within, by_fact) == [(1, "office"), (4, "office")]


def test_the_steps_of_a_limit_beside_the_severitys_are_the_same() -> None:
    text = POLICY.read_text().replace("[warnings]\nfractions = [0.5, 0.75, 0.9]\n", STEPS)
    policy = parse_policy(text, "mine.toml")
    plan = policy.plans["integrations_24x7"].targets["high", "resolution"]
    assert isinstance(plan, Target)
    assert plan.rules == policy.steps


def with_guard(within: str, steps: str = "") -> Clock:
    """The clock of a ticket about which the guard was contacted on a Friday evening."""
    text = POLICY.read_text().replace('within = "16h"', f"within = {within}")
    own = HIGH.replace(" }", f", steps = [{steps}] }}") if steps else HIGH
    ticket = Ticket("T-1", PolicyBook([parse_policy(text.replace(HIGH, own), "mine.toml")]))
    integration = {"built_by": "aivo"}
    for each in (
        pure_event(
            "created",
            "2026-11-20T15:00:00Z",
            severity="high",
            plan="integrations_24x7",
            integration=integration,
        ),
        pure_event("guard_contacted", "2026-11-20T23:00:00Z"),
    ):
        ticket.add(each)
    clock = ticket.clock("resolution", 1)
    assert clock is not None
    return clock


HIGH = 'resolution = { within = "8h", boundary = "inclusive", calendar = "business" }'


def test_a_plans_limit_is_chosen_at_the_contact() -> None:
    # In Buenos Aires the contact is at eight in the evening, the communication at noon.
    by_hour = '{ inside = "5h", outside = "3h", of = "business" }'
    limit = with_guard(by_hour).plan_limit
    assert limit is not None
    assert limit.target.within == 3 * HOUR
    closing = with_guard('"next business day"').plan_limit
    assert closing is not None
    # Around the clock in UTC: from Friday 23:00 until the end of Saturday.
    assert closing.target.within == 25 * HOUR


def test_a_plans_limit_climbs_the_steps_of_the_severitys_target() -> None:
    clock = with_guard('"16h"', '{ at = "-1h" }, { at = "+1h", name = "lead" }')
    whats = [[step.what for step in limit.target.ladder] for limit in clock.limits]
    assert whats == [["-1h", "breach", "lead#1"]] * 2
