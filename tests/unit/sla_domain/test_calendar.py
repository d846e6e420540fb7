"""Business time, compared with brute force and another library, and its edge cases."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import workclock
from hypothesis import example, given
from hypothesis import strategies as st

from sla_domain.calendar import Calendar
from sla_domain.errors import CalendarError
from sla_domain.instant import DAY, HOUR, MINUTE, from_datetime, parse_instant

WEEK_9_TO_18 = [[(9 * HOUR, 18 * HOUR)]] * 5 + [[], []]
#: Zones with changes at two, at midnight, by half an hour, by a whole day, and with none.
ZONES = [
    "Europe/Madrid",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Beirut",
    "Africa/Casablanca",
    "America/Argentina/Buenos_Aires",
    "UTC",
]

minutes_of_day = st.integers(0, 24 * 60)


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[int, int]]:
    ends = sorted(draw(st.sets(minutes_of_day, min_size=0, max_size=4)))
    return [(a * MINUTE, b * MINUTE) for a, b in zip(ends[::2], ends[1::2], strict=False) if a < b]


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    week = [draw(spans()) for _ in range(7)]
    week[draw(st.integers(0, 6))] = [(8 * HOUR, 24 * HOUR)]
    days = st.dates(date(2011, 1, 1), date(2019, 12, 31))
    dates = draw(st.dictionaries(days, spans(), max_size=5))
    return Calendar("drawn", draw(st.sampled_from(ZONES)), week, dates)


#: Around changes of the zones above, Samoa's lost 30 December 2011 included.
moments = st.datetimes(datetime(2011, 3, 1), datetime(2019, 11, 30)) | st.sampled_from(
    [
        datetime(2011, 12, 29, 20),
        datetime(2018, 3, 25),
        datetime(2018, 10, 28),
        datetime(2018, 11, 4),
        datetime(2018, 2, 17, 22),
        datetime(2018, 4, 1),
        datetime(2018, 5, 13),
    ]
)


def is_open_by_the_wall(calendar: Calendar, instant: int) -> bool:
    """The definition, read off the wall clock: no arithmetic in common with the kernel."""
    local = datetime.fromtimestamp(instant // 1000, UTC).astimezone(ZoneInfo(calendar.zone))
    since_midnight = (local.hour * 3600 + local.minute * 60 + local.second) * 1000
    todays = calendar.dates.get(local.date())
    if todays is None:
        todays = calendar.week[local.weekday()]
    return any(opened <= since_midnight < closed for opened, closed in todays)


@given(calendars(), moments, st.integers(1, 3 * 24 * 60))
def test_between_counts_the_minutes_whose_wall_clock_is_open(
    calendar: Calendar, moment: datetime, minutes: int
) -> None:
    start = from_datetime(moment.replace(second=0, microsecond=0, tzinfo=UTC))
    end = start + minutes * MINUTE
    counted = sum(is_open_by_the_wall(calendar, at) for at in range(start, end, MINUTE))
    assert calendar.between(start, end) == counted * MINUTE


@given(calendars(), moments, st.integers(1, 80 * HOUR))
def test_add_finds_the_first_instant_with_that_much_behind_it(
    calendar: Calendar, moment: datetime, amount: int
) -> None:
    start = from_datetime(moment.replace(tzinfo=UTC))
    found = calendar.add(start, amount)
    assert calendar.between(start, found) == amount
    assert calendar.between(start, found - 1) == amount - 1


@given(calendars(), moments, st.integers(1, 80 * HOUR))
def test_walking_back_finds_the_last_instant_with_that_much_before_it(
    calendar: Calendar, moment: datetime, amount: int
) -> None:
    end = from_datetime(moment.replace(tzinfo=UTC))
    found = calendar.add(end, -amount)
    assert calendar.between(found, end) == amount
    assert calendar.between(found + 1, end) == amount - 1


@given(calendars(), moments, st.integers(0, 10 * DAY), st.integers(0, 10 * DAY))
def test_open_time_adds_up_and_intervals_sum_to_it(
    calendar: Calendar, moment: datetime, first: int, second: int
) -> None:
    start = from_datetime(moment.replace(tzinfo=UTC))
    middle, end = start + first, start + first + second
    whole = calendar.between(start, end)
    assert calendar.between(start, middle) + calendar.between(middle, end) == whole
    intervals = list(calendar.intervals(start, end))
    assert sum(closed - opened for opened, closed in intervals) == whole
    assert all(a[1] < b[0] for a, b in pairwise(intervals))


@given(st.lists(moments, min_size=2, max_size=6), calendars())
def test_the_order_of_questions_does_not_matter(asked: list[datetime], calendar: Calendar) -> None:
    instants = [from_datetime(moment.replace(tzinfo=UTC)) for moment in asked]
    fresh = Calendar(calendar.name, calendar.zone, calendar.week, calendar.dates)
    one_way = [calendar.between(instants[0], instant) for instant in instants]
    other_way = [fresh.between(instants[0], instant) for instant in reversed(instants)]
    assert one_way == other_way[::-1]


@given(
    st.sampled_from(["Europe/Madrid", "America/New_York", "America/Argentina/Buenos_Aires"]),
    st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)),
    st.integers(1, 30 * 24 * 60),
)
@example("Europe/Madrid", datetime(2026, 3, 28, 20), 24 * 60)
def test_agrees_with_workclock(zone: str, moment: datetime, minutes: int) -> None:
    calendar = Calendar("business", zone, WEEK_9_TO_18)
    other = workclock.Schedule([workclock.WorkDay(time(9), time(18))], time_zone=zone)
    start = moment.replace(second=0, microsecond=0, tzinfo=UTC)
    amount = timedelta(minutes=minutes)
    between = calendar.between(from_datetime(start), from_datetime(start + amount))
    assert timedelta(milliseconds=between) == other.between(start, start + amount)
    assert calendar.add(from_datetime(start), minutes * MINUTE) == from_datetime(
        other.add(start, amount)
    )


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        ("Europe/Madrid", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23),
        ("Europe/Madrid", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25),
        # Midnight does not exist in Sao Paulo on the day summer time begins.
        ("America/Sao_Paulo", "2018-11-03T00:00:00-03:00", "2018-11-05T00:00:00-02:00", 47),
        # The 30th of December 2011 does not exist in Samoa.
        ("Pacific/Apia", "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", 48),
    ],
)
def test_days_to_24_00_have_as_many_hours_as_they_really_had(
    zone: str, start: str, end: str, hours: int
) -> None:
    calendar = Calendar("always", zone, [[(0, 24 * HOUR)]] * 7)
    assert calendar.between(parse_instant(start), parse_instant(end)) == hours * HOUR


def test_a_span_that_opens_in_a_gap_opens_when_the_gap_ends() -> None:
    calendar = Calendar("night", "Europe/Madrid", [[(2 * HOUR + 30 * MINUTE, 5 * HOUR)]] * 7)
    before = parse_instant("2026-03-29T00:00:00+01:00")
    assert calendar.add(before, 1) == parse_instant("2026-03-29T03:00:00.001+02:00")


def test_holidays_and_overrides_replace_the_weekly_hours() -> None:
    dates = {date(2026, 12, 25): [], date(2026, 12, 26): [(10 * HOUR, 12 * HOUR)]}
    calendar = Calendar("business", "UTC", WEEK_9_TO_18, dates)
    thursday_evening = parse_instant("2026-12-24T18:00:00Z")
    assert calendar.add(thursday_evening, HOUR) == parse_instant("2026-12-26T11:00:00Z")


def test_a_calendar_that_never_opens_is_refused() -> None:
    with pytest.raises(CalendarError, match="never opens"):
        Calendar("closed", "UTC", [[]] * 7)


def test_more_open_time_than_there_will_be_is_an_error() -> None:
    calendar = Calendar("once", "UTC", [[]] * 7, {date(2026, 1, 1): [(0, HOUR)]})
    with pytest.raises(CalendarError, match="2120"):
        calendar.add(parse_instant("2026-01-01T00:00:00Z"), 2 * HOUR)


@given(st.lists(spans(), min_size=7, max_size=7), st.sampled_from(ZONES), st.integers(0, 20_000))
def test_the_hours_of_a_date_are_what_opens_on_it(
    week: list[list[tuple[int, int]]], zone: str, day: int
) -> None:
    if not any(week):
        return
    calendar = Calendar("c", zone, week)
    begin = (day - 3) * DAY
    # Whole days of the zone are no longer than 48 hours, wherever its date line lies.
    around = [each for each in calendar.intervals(begin, begin + 6 * DAY) if each[0] > begin]
    of_date = [
        (opened, closed)
        for opened, closed in around
        if calendar.local_day(opened) <= day <= calendar.local_day(closed - 1)
    ]
    found = calendar.hours_on(day)
    assert sum(closed - opened for opened, closed in found) <= sum(
        closed - opened for opened, closed in of_date
    )
    assert all(calendar.between(*each) == each[1] - each[0] for each in found)
    assert all(calendar.local_day(opened) == day for opened, _ in found)


def test_a_date_of_a_night_shift_closes_on_the_next_day() -> None:
    night = Calendar("night", "Europe/Madrid", [[(22 * HOUR, 30 * HOUR)], *[[]] * 6])
    monday = night.local_day(parse_instant("2026-11-23T12:00:00Z"))
    assert night.closing_from(monday) == parse_instant("2026-11-24T05:00:00Z")
    # Tuesday's small hours belong to Monday, so the next date that opens is a week later.
    assert night.closing_from(monday + 1) == parse_instant("2026-12-01T05:00:00Z")


def test_a_date_closes_with_the_last_of_a_union_less_its_exceptions() -> None:
    early = Calendar("early", "UTC", [[(8 * HOUR, 16 * HOUR)]] * 7)
    late = Calendar("late", "America/New_York", [[(9 * HOUR, 17 * HOUR)]] * 7)
    both = Calendar("both", "UTC", [[]] * 7, union=[early, late])
    monday = both.local_day(parse_instant("2026-11-23T12:00:00Z"))
    assert both.closing_from(monday) == parse_instant("2026-11-23T22:00:00Z")
    freeze = Calendar("freeze", "UTC", [[(20 * HOUR, 24 * HOUR)]] * 7)
    frozen = Calendar("frozen", "UTC", [[]] * 7, union=[both], excluded=[freeze])
    assert frozen.closing_from(monday) == parse_instant("2026-11-23T20:00:00Z")


def test_a_calendar_that_closes_for_good_has_no_next_closing() -> None:
    once = Calendar("once", "UTC", [[]] * 7, {date(2026, 11, 23): [(0, HOUR)]})
    with pytest.raises(CalendarError, match="'once' does not open again by 2120"):
        once.closing_from(once.local_day(parse_instant("2026-11-24T00:00:00Z")))
