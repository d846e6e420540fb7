"""Policy files: the default's targets, and how errors are reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import POLICY
from support.contracts import OWN_WORDS

from sla_domain.instant import HOUR, parse_instant
from sla_domain.policy import PolicyBook
from sla_domain.steps import BREACH
from sla_policy.loading import PolicyError, default_policy_text, load_policy, parse_policy

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
    target = load_policy(POLICY).targets[severity, clock]
    assert target is not None
    assert (target.within, target.boundary, target.calendar.name) == (
        hours * HOUR,
        boundary,
        calendar,
    )
    # An inclusive promise breaks one millisecond later than an exclusive one.
    assert target.ladder[-1] == (hours * HOUR + (boundary == "inclusive"), BREACH)


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


def test_a_ticket_takes_the_version_in_force_or_the_first() -> None:
    second = TEXT.replace('version = "1"', 'version = "2"').replace(
        "2016-01-01T00:00:00-03:00", "2026-06-01T00:00:00-03:00"
    )
    book = PolicyBook([parse_policy(second, "b.toml"), parse_policy(TEXT, "a.toml")])
    june = parse_instant("2026-06-01T00:00:00-03:00")
    assert book.in_force(june).version == "2"
    assert book.in_force(june - 1).version == "1"
    assert book.in_force(0).version == "1"
    assert book.latest.version == "2"


def test_amount_and_calendar_of_one_fact_go_together() -> None:
    target = (
        'resolution = { within = { by = "dept", ward = "4h", else = "1 business day" }, '
        'boundary = "inclusive", calendar = { by = "dept", ward = "always", else = "office" } }'
    )
    office = (
        '[calendars.office]\nzone = "UTC"\nday = "8h"\nhours = { mon-fri = [["09:00", "17:00"]] }'
    )
    text = re.sub(
        r"(?ms)^\[targets\.p1\]\n.*?^\[targets\.p2\]",
        f"{office}\n[targets.p1]\n{target}\n[targets.p2]",
        OWN_WORDS,
    )
    # Business days are counted in the office only, so only that says how long one is.
    assert target in parse_policy(text, "dept.toml").source
