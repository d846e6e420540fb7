"""A policy file written from a few answers is one that somebody can go on with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_domain.instant import HOUR, MINUTE
from sla_domain.target import ClosingTarget, Target
from sla_policy.loading import check_policy
from sla_policy.new import (
    Answers,
    Promise,
    read_country,
    read_days,
    read_hours,
    read_promise,
    read_zone,
    written,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MEXICO = Answers(
    name="acme_support",
    zone="America/Mexico_City",
    days=read_days("mon-sat"),
    hours=read_hours("09:00-13:00, 14:00-18:00"),
    country="MX",
    promises=[
        Promise("Crítico", "15m", "4h", always=True),
        Promise("Normal", "none", "next business day", always=False),
        Promise("Bajo", "2h", "2.5 business days", always=False),
    ],
)


def test_a_new_policy_says_what_was_answered_and_nothing_odd() -> None:
    checked = check_policy(written(MEXICO, NOW), "new.toml")
    assert checked.warnings == []
    policy = checked.policy
    assert policy.name == "acme_support"
    assert policy.severity_names["critico"]["name"] == "Crítico"
    grave = policy.targets["critico", "first_response"]
    assert isinstance(grave, Target)
    assert (grave.within, grave.calendar.name) == (15 * MINUTE, "around_the_clock")
    assert ("normal", "first_response") not in policy.targets
    assert isinstance(policy.targets["normal", "resolution"], ClosingTarget)
    low = policy.targets["bajo", "resolution"]
    assert isinstance(low, Target)
    assert low.within == 20 * HOUR
    assert policy.calendars["business"].names


def test_a_policy_without_nights_has_one_calendar() -> None:
    day = Answers("x", "UTC", ["mon"], read_hours("09:00-18:00"), "", [read_promise("A: 1h, 2h")])
    checked = check_policy(written(day, NOW), "new.toml")
    assert (list(checked.policy.calendars), checked.warnings) == (["business"], [])


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (read_zone, "Europe/Madird", "did you mean 'Europe/Madrid'?"),
        (read_days, "mon-fry", "'fry' is not a day of the week; did you mean 'fri'?"),
        (read_days, "fri-mon", "goes backwards"),
        (read_hours, "nine to five", "write them like 09:00-18:00"),
        (read_hours, "9-25", "'25:00' is not a time between 00:00 and 24:00"),
        (read_hours, "09:00-13:00, 12:00-18:00", "overlap"),
        (read_country, "Mexico", 'write "MX"'),
        (read_promise, "High 2h", "write it like 'High: 2h, 8h'"),
        (read_promise, "High: 2h", "write it like 'High: 2h, 8h'"),
        (read_promise, "High: soon, 8h", "'soon' is not an amount of time"),
    ],
)
def test_an_answer_that_can_not_be_meant_is_told(read: object, text: str, says: str) -> None:
    assert callable(read)
    with pytest.raises(ValueError, match=says.replace("?", r"\?").replace(".", r"\.")):
        read(text)


def test_two_severities_of_one_word_are_told() -> None:
    twice = [read_promise("Alto: 1h, 2h"), read_promise("ALTO: 1h, 2h")]
    answers = Answers("x", "UTC", ["mon"], read_hours("09:00-18:00"), "", twice)
    with pytest.raises(ValueError, match="two severities are called 'alto'"):
        written(answers, NOW)


def test_hours_are_read_as_people_write_them() -> None:
    assert read_hours("9-13, 14:30 - 18") == '[["09:00", "13:00"], ["14:30", "18:00"]]'


def test_business_days_of_a_severity_at_any_hour_are_days_of_the_offices_zone() -> None:
    promise = read_promise("A: next business day, 2 business days, always")
    answers = Answers("x", "America/Mexico_City", ["mon"], read_hours("9-18"), "", [promise])
    calendars = check_policy(written(answers, NOW), "new.toml").policy.calendars
    assert calendars["around_the_clock"].zone == "America/Mexico_City"


def test_days_are_read_in_any_order() -> None:
    assert read_days("sun, mon-wed") == ["mon", "tue", "wed", "sun"]
    assert read_country("none") == read_country("") == ""


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=30))
def test_any_name_of_a_severity_is_written_or_refused_in_a_sentence(name: str) -> None:
    try:
        promise = read_promise(f"{name}: 1h, 2h")
    except ValueError:
        return
    answers = Answers("x", "UTC", ["mon"], read_hours("09:00-18:00"), "", [promise])
    policy = check_policy(written(answers, NOW), "new.toml").policy
    assert [names["name"] for names in policy.severity_names.values()] == [promise.name]
