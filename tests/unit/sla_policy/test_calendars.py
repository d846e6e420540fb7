"""Calendars of a policy file: nights, unions, exceptions, holidays from several sources."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support import clocks, event, run
from support.contracts import ALL_DAY, OWN_WORDS, own_words

from sla_domain.calendar import Calendar
from sla_domain.instant import DAY, HOUR, MINUTE, parse_instant
from sla_lab.simulation import Outputs
from sla_policy.loading import PolicyError, parse_policy

GRAVEST = 'within = "1h", boundary = "inclusive", calendar = "always"'
NIGHT = '[["22:00", "06:00"]]'
FIXED = 'zone = "UTC"\nhours = { mon = [["09:00", "18:00"]] }\n'


def with_calendars(text: str, targets: str = "") -> str:
    """The contract with more calendars, and its gravest target on another of them."""
    policy = OWN_WORDS.replace("[clocks.resolution]", f"{text}\n[clocks.resolution]")
    return (
        policy.replace('within = "1h", boundary = "inclusive", calendar = "always"', targets)
        if targets
        else policy
    )


def calendar(text: str, name: str = "c") -> Calendar:
    return parse_policy(with_calendars(f"[calendars.{name}]\n{text}"), "x.toml").calendars[name]


def at(text: str) -> int:
    return parse_instant(text)


def test_a_span_over_midnight_belongs_to_the_day_it_opens_on() -> None:
    night = calendar(
        'zone = "UTC"\nhours = { mon = [["22:00", "06:00"]], fri = [["22:00", "06:00"]] }\n'
        'holidays = { dates = ["2026-11-27"] }'
    )
    assert night.is_open(at("2026-11-23T22:00:00Z"))
    assert night.is_open(at("2026-11-24T05:59:00Z"))
    assert not night.is_open(at("2026-11-24T06:00:00Z"))
    assert not night.is_open(at("2026-11-23T05:00:00Z")), "Sunday has no night"
    assert not night.is_open(at("2026-11-28T02:00:00Z")), "its Friday was a holiday"
    assert night.between(at("2026-11-23T00:00:00Z"), at("2026-11-30T00:00:00Z")) == 8 * HOUR
    assert night.add(at("2026-11-23T23:00:00Z"), 7 * HOUR) == at("2026-11-24T06:00:00Z")


def test_a_night_over_new_year_is_one_night() -> None:
    week = ", ".join(f'{day} = [["20:00", "08:00"]]' for day in ("wed", "thu"))
    night = calendar(f'zone = "America/Argentina/Buenos_Aires"\nhours = {{ {week} }}')
    start = at("2025-12-31T20:00:00-03:00")
    assert list(night.intervals(start, start + DAY)) == [(start, start + 12 * HOUR)]


def test_a_union_is_open_when_one_is_and_an_exception_closes() -> None:
    text = (
        '[calendars.east]\nzone = "Asia/Tokyo"\nhours = { mon = [["09:00", "18:00"]] }\n'
        '[calendars.west]\nzone = "America/New_York"\nhours = { mon = [["09:00", "18:00"]] }\n'
        '[calendars.freeze]\nzone = "UTC"\nhours = { mon = [["15:00", "16:00"]] }\n'
        '[calendars.c]\nunion = ["east", "west"]\nexcept = ["freeze"]\nday = "17h"'
    )
    sun = parse_policy(with_calendars(text), "x.toml").calendars["c"]
    start = at("2026-11-23T00:00:00Z")
    assert list(sun.intervals(start, start + DAY)) == [
        (start, start + 9 * HOUR),
        (start + 14 * HOUR, start + 15 * HOUR),
        (start + 16 * HOUR, start + 23 * HOUR),
    ]
    assert (sun.zone, sun.day_length) == ("Asia/Tokyo", 17 * HOUR)


class Naive:
    """A calendar minute by minute, as its definition reads."""

    def __init__(self, zone: str, week: list[list[tuple[int, int]]], closed: set[Any]) -> None:
        self.zone, self.week, self.closed = ZoneInfo(zone), week, closed

    def open(self, minute: datetime) -> bool:
        local = minute.astimezone(self.zone)
        of_day = local.hour * 60 + local.minute
        before = local.date() - timedelta(days=1)
        spans = [] if local.date() in self.closed else self.week[local.weekday()]
        nights = [] if before in self.closed else self.week[before.weekday()]
        return any(a <= of_day < b for a, b in spans) or any(
            a <= of_day + 1440 < b for a, b in nights
        )


def test_nights_unions_and_exceptions_are_what_every_minute_says() -> None:
    begin = datetime(2026, 3, 20, tzinfo=UTC)
    minutes = [begin + timedelta(minutes=count) for count in range(0, 14 * 1440, 5)]
    for seed in range(20):
        draw = random.Random(seed)  # noqa: S311  the same every time
        made, naive = [], []
        for name in ("a", "b", "x"):
            zone = draw.choice(["Europe/Madrid", "America/New_York", "Asia/Tokyo", "UTC"])
            week = []
            for _ in range(7):
                opened = draw.randrange(0, 1440, 5)
                length = draw.randrange(0, min(1440, 1440 + 300 - opened) + 1, 5)
                week.append([(opened, opened + length)] if length else [])
            for day in range(7):
                following = week[(day + 1) % 7]
                if week[day] and following and week[day][0][1] - 1440 > following[0][0]:
                    week[day] = []
            closed = {(begin + timedelta(days=draw.randrange(14))).date()}
            spans = [[(a * MINUTE, b * MINUTE) for a, b in each] for each in week]
            if not any(spans):
                spans[0] = week[0] = [(0, 60)]  # type: ignore[assignment]
                spans[0] = [(0, HOUR)]
            made.append(Calendar(name, zone, spans, dict.fromkeys(closed, ())))
            naive.append(Naive(zone, week, closed))
        whole = Calendar("u", "UTC", [[]] * 7, {}, None, made[:2], made[2:])
        expected = [
            (naive[0].open(each) or naive[1].open(each)) and not naive[2].open(each)
            for each in minutes
        ]
        found = [whole.is_open(int(each.timestamp() * 1000)) for each in minutes]
        assert found == expected, seed
        start, end = (int(each.timestamp() * 1000) for each in (minutes[0], minutes[-1]))
        joint = Calendar("j", "UTC", [[]] * 7, {}, None, made[:2]).between(start, end)
        alone = [each.between(start, end) for each in made[:2]]
        assert max(alone) <= joint <= sum(alone)


def test_hours_of_neighbouring_days_are_written_as_one() -> None:
    short = calendar(
        'zone = "UTC"\nhours = { sat = [["10:00", "12:00"]], mon-wed = [["09:00", "18:00"]] }'
    )
    usual, short_day = [(9 * HOUR, 18 * HOUR)], [(10 * HOUR, 12 * HOUR)]
    assert [*map(list, short.week)] == [usual, usual, usual, [], [], short_day, []]
    always = calendar('zone = "UTC"\nhours = "always"')
    assert always.between(0, 7 * 24 * HOUR) == 7 * 24 * HOUR


def test_holidays_come_from_several_sources() -> None:
    week = ", ".join(f'{day} = [["09:00", "18:00"]]' for day in ("mon", "tue", "wed", "thu", "fri"))
    joint = calendar(
        f'zone = "UTC"\nhours = {{ {week} }}\n'
        'holidays = [{ country = "AR" }, { country = "UY" }, { dates = ["2026-12-23"] }]'
    )
    noon = "T12:00:00Z"
    assert not joint.is_open(at("2026-07-09" + noon)), "Argentina's independence"
    assert not joint.is_open(at("2026-08-25" + noon)), "Uruguay's"
    assert not joint.is_open(at("2026-12-23" + noon))
    assert joint.is_open(at("2026-12-22" + noon))


def test_a_holiday_of_a_part_of_the_day_has_the_hours_that_are_told() -> None:
    week = ", ".join(f'{day} = [["09:00", "18:00"]]' for day in ("mon", "tue", "wed", "thu", "fri"))
    short = calendar(
        f'zone = "Australia/Adelaide"\nhours = {{ {week} }}\n'
        'holidays = { country = "AU", subdivision = "SA", half_day = [["09:00", "13:00"]] }'
    )
    assert short.is_open(at("2026-12-24T12:00:00+10:30"))
    assert not short.is_open(at("2026-12-24T14:00:00+10:30"))
    # It opens no Sunday, and no hour that is not usual.
    assert not short.is_open(at("2028-12-24T10:00:00+10:30"))
    late = calendar(
        'zone = "Australia/Adelaide"\nhours = { thu = [["11:00", "12:00"]] }\n'
        'holidays = { country = "AU", subdivision = "SA", half_day = [["09:00", "13:00"]] }'
    )
    assert not late.is_open(at("2026-12-24T10:30:00+10:30"))
    assert late.is_open(at("2026-12-24T11:30:00+10:30"))


ONCE = 'zone = "UTC"\noverrides = { 2026-12-24 = [["09:00", "13:00"]] }\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[calendars.c]\nunion = ["allways"]', "did you mean 'always'?"),
        ('[calendars.c]\nunion = ["d"]\n[calendars.d]\nunion = ["c"]', "is made of 'c' itself"),
        (f'[calendars.c]\n{FIXED}except = ["nights"]', "there is no calendar 'nights'"),
        (
            '[calendars.c]\nhours = { mon = [["09:00", "18:00"]] }',
            "c.zone: is missing; write it",
        ),
        (
            f'[calendars.c]\nzone = "UTC"\nhours = {{ mon = {NIGHT}, tue = [["05:00", "09:00"]] }}',
            "reaches into those of tue; join them",
        ),
        (
            f'[calendars.c]\n{FIXED}holidays = {{ country = "AR", categories = ["banks"] }}',
            "no holidays of the category 'banks'; did you mean 'bank'?",
        ),
        (
            f'[calendars.c]\n{FIXED}holidays = {{ country = "CO", half_day = {NIGHT} }}',
            "no holiday of a part of the day is known of CO",
        ),
        ('[calendars.c]\nzone = "UTC"\nhours = { mon = [["09:00", "09:00"]] }', "is no time"),
        ('[calendars.c]\nzone = "UTC"\nhours = "allways"', 'or "always"'),
        ('[calendars.c]\nzone = "UTC"\nhours = { mon-fry = [] }', "did you mean 'fri'?"),
        ('[calendars.c]\nzone = "UTC"\nhours = { sat-mon = [] }', "goes backwards; write two"),
        (
            '[calendars.c]\nzone = "UTC"\nhours = { mon-fri = [], fri = [["09:00", "18:00"]] }',
            "'fri' has hours twice",
        ),
        (
            '[calendars.c]\nunion = ["always"]\nexcept = ["always"]',
            "calendars.c: what it is made of leaves nothing open",
        ),
        (
            f'[calendars.c]\nunion = ["once"]\n[calendars.once]\n{ONCE}',
            "calendars.c: what it is made of leaves nothing open",
        ),
    ],
)
def test_a_calendar_that_can_not_be_meant_is_told(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says.replace("?", r"\?")):
        parse_policy(with_calendars(text), "x.toml")


def test_a_calendar_that_opens_only_on_holidays_is_fine() -> None:
    text = """\
[calendars.office]
zone = "Europe/Madrid"
hours = { mon-fri = [["09:00", "18:00"]] }
[calendars.working_days]
zone = "Europe/Madrid"
hours = { mon-fri = [["00:00", "24:00"]] }
holidays = { country = "ES" }
[calendars.on_holidays]
union = ["office"]
except = ["working_days"]"""
    day = 'within = "9h", boundary = "inclusive", calendar = "on_holidays"'
    calendar = parse_policy(with_calendars(text, day), "x.toml").calendars["on_holidays"]
    # New Year's Day of 2026 is a Thursday, Epiphany a Tuesday.
    assert calendar.is_open(parse_instant("2026-01-01T10:00:00+01:00"))
    start = parse_instant("2026-01-01T12:00:00+01:00")
    assert calendar.add(start, 9 * HOUR) == parse_instant("2026-01-06T12:00:00+01:00")
    with pytest.raises(PolicyError, match="leaves nothing open"):
        parse_policy(with_calendars(text.replace('holidays = { country = "ES" }', "")), "x.toml")


def test_a_target_that_a_union_seldom_opens_for_is_told() -> None:
    hour = 'zone = "UTC"\nhours = { mon = [["09:00", "10:00"]] }\n'
    text = with_calendars(
        f'[calendars.seldom]\n{hour}[calendars.u]\nunion = ["seldom"]',
        'within = "521h", boundary = "inclusive", calendar = "u"',
    )
    with pytest.raises(PolicyError, match="'521h' is more than ten years of the calendar 'u'"):
        parse_policy(text, "x.toml")
    parse_policy(text.replace("521h", "520h"), "x.toml")


BY_REGION = with_calendars(
    '[calendars.office]\nzone = "UTC"\nhours = { mon = [["13:00", "18:00"]] }',
    'within = "1h", boundary = "inclusive", calendar = { by = "region", emea = "office", else = '
    '"always" }',
)


def simulated(*events: Mapping[str, Any]) -> Outputs:
    until = at("2026-11-23T20:00:00Z")
    return run([dict(each) for each in events], until, book=own_words(BY_REGION))


def test_a_calendar_goes_by_a_fact_and_changes_with_it() -> None:
    noon = "2026-11-23T12:00:00Z"
    created = event("created", noon, severity="p1", attributes={"region": "emea"})
    assert clocks(simulated(created))["resolution", 1]["calendar"] == "office"
    assert (
        clocks(simulated(event("created", noon, severity="p1")))["resolution", 1]["calendar"]
        == "always"
    )
    moved = simulated(
        created, event("attributes_changed", "2026-11-23T12:30:00Z", attributes={"region": "us"})
    )
    clock = clocks(moved)["resolution", 1]
    assert (clock["calendar"], clock["due"]) == ("always", "2026-11-23T13:00:00.000Z")
    same = simulated(
        created, event("attributes_changed", "2026-11-23T12:30:00Z", attributes={"x": "y"})
    )
    assert clocks(same)["resolution", 1]["due"] == "2026-11-23T14:00:00.000Z"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('{ by = "region", emea = "always" }', "'else' is missing; write it like"),
        ('{ emea = "always", else = "always" }', "'by' is missing; write it like"),
        ('{ by = "region", else = "always" }', "names one for each value; write it like"),
        ("7", "7 is not a calendar; write it like"),
    ],
)
def test_a_calendar_by_a_fact_names_the_fact_and_the_rest(written: str, says: str) -> None:
    text = OWN_WORDS.replace(
        '"1h", boundary = "inclusive", calendar = "always"',
        f'"1h", boundary = "inclusive", calendar = {written}',
    )
    with pytest.raises(PolicyError, match=says):
        parse_policy(text, "x.toml")


def test_unknown_calendars_by_a_fact_are_told() -> None:
    text = BY_REGION.replace('emea = "office"', 'emea = "offfice"')
    with pytest.raises(PolicyError, match="did you mean 'office'"):
        parse_policy(text, "x.toml")
    assert ALL_DAY in text
