"""Policy files: what the default promises, and how mistakes are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import POLICY

from sla_domain.instant import HOUR, parse_instant
from sla_domain.policy import BREACH, PolicyBook
from sla_schemas.policy_file import PolicyError, default_policy_text, load_policy, parse_policy

TEXT = POLICY.read_text()


def test_the_default_policy_is_the_file_in_deploy() -> None:
    assert default_policy_text() == TEXT


@pytest.mark.parametrize(
    ("severity", "clock", "hours", "boundary", "calendar"),
    [
        ("blocker", "first_response", 1, "exclusive", "around_the_clock"),
        ("blocker", "resolution", 6, "inclusive", "around_the_clock"),
        ("high", "first_response", 2, "exclusive", "business"),
        ("high", "resolution", 8, "inclusive", "business"),
        ("medium", "first_response", 4, "exclusive", "business"),
        ("medium", "resolution", 45, "inclusive", "business"),
        ("low", "first_response", 4, "exclusive", "business"),
        ("low", "resolution", 45, "inclusive", "business"),
    ],
)
def test_the_default_targets_are_those_of_the_source(
    severity: str, clock: str, hours: int, boundary: str, calendar: str
) -> None:
    target = load_policy(POLICY).target(severity, clock)
    assert target is not None
    assert (target.within, target.boundary, target.calendar.name) == (
        hours * HOUR,
        boundary,
        calendar,
    )
    # An inclusive promise breaks one millisecond later than an exclusive one.
    assert target.ladder[-1] == (hours * HOUR + (boundary == "inclusive"), BREACH)


MISTAKES = {
    "unknown zone": (
        'zone = "America/Argentina/Buenos_Aires"',
        'zone = "America/Nowhere"',
        "calendars.business.zone",
    ),
    "hour that is none": (
        'mon = [["09:00", "18:00"]]',
        'mon = [["09:00", "25:00"]]',
        "calendars.business.hours.mon",
    ),
    "span that ends before it begins": (
        'mon = [["09:00", "18:00"]]',
        'mon = [["18:00", "09:00"]]',
        "calendars.business.hours.mon",
    ),
    "unknown key": ("retention =", 'colour = "red"\nretention =', "colour"),
    "unknown calendar": (
        'within = "1h", boundary = "exclusive", calendar = "around_the_clock"',
        'within = "1h", boundary = "exclusive", calendar = "lunar"',
        "targets.blocker.first_response.calendar",
    ),
    "boundary that is none": (
        '"2h", boundary = "exclusive"',
        '"2h", boundary = "soft"',
        "targets.high.first_response.boundary",
    ),
    "unreadable duration": (
        'within = "8h"',
        'within = "8 hours and a bit"',
        "targets.high.resolution",
    ),
    "fraction beyond one": ("[0.5, 0.75, 0.9]", "[0.5, 75]", "warnings.fractions.1"),
    "unknown event": (
        'stops = ["assigned", "resolved"]',
        'stops = ["assinged"]',
        "clocks.first_response.stops.0",
    ),
    "naive time": ('"2016-01-01T00:00:00-03:00"', '"2016-01-01T00:00:00"', "effective_from"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_field(name: str) -> None:
    good, bad, field = MISTAKES[name]
    assert good in TEXT
    broken = TEXT.replace(good, bad, 1)
    with pytest.raises(PolicyError) as caught:
        parse_policy(broken, "mine.toml")
    [mistake] = caught.value.mistakes
    found = re.fullmatch(r"mine\.toml:(\d+): ([\w.]+): .+", mistake)
    assert found, mistake
    assert found[2] == field
    line = broken.splitlines()[int(found[1]) - 1]
    assert bad.split("=")[0].strip().split(",")[0][:9] in line or bad in line, line


def test_every_mistake_is_told_at_once() -> None:
    broken = TEXT.replace('within = "8h"', 'within = "x"').replace('within = "2h"', 'within = "y"')
    with pytest.raises(PolicyError) as caught:
        parse_policy(broken, "mine.toml")
    assert len(caught.value.mistakes) == 2


def test_what_is_no_toml_is_told_with_its_line() -> None:
    with pytest.raises(PolicyError, match=r"mine\.toml: .*line 1"):
        parse_policy("name = \nversion = 1", "mine.toml")


def test_a_missing_file_is_told() -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.toml: cannot be read"):
        load_policy(Path("nowhere.toml"))


def test_holidays_of_a_country_close_the_calendar() -> None:
    text = TEXT.replace(
        'day = "9h" ', 'holidays = { country = "AR", dates = ["2026-11-24"] }\nday = "9h" ', 1
    )
    business = parse_policy(text, "mine.toml").calendars["business"]
    # 23 November 2026 is Argentina's day of national sovereignty; the 24th is our own.
    assert business.add(parse_instant("2026-11-20T17:00:00-03:00"), 2 * HOUR) == parse_instant(
        "2026-11-25T10:00:00-03:00"
    )


def test_an_unknown_country_is_a_mistake() -> None:
    text = TEXT.replace('day = "9h" ', 'holidays = { country = "Atlantis" }\nday = "9h" ', 1)
    with pytest.raises(PolicyError, match=r"calendars\.business\.holidays"):
        parse_policy(text, "mine.toml")


def test_a_ticket_takes_the_version_in_force_and_before_the_first_the_first() -> None:
    second = TEXT.replace('version = "1"', 'version = "2"').replace(
        "2016-01-01T00:00:00-03:00", "2026-06-01T00:00:00-03:00"
    )
    book = PolicyBook([parse_policy(second, "b.toml"), parse_policy(TEXT, "a.toml")])
    june = parse_instant("2026-06-01T00:00:00-03:00")
    assert book.in_force(june).version == "2"
    assert book.in_force(june - 1).version == "1"
    assert book.in_force(0).version == "1"
    assert book.latest.version == "2"
