"""iCalendar files: which days and parts of days they close, against another reader of them, too."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event

from sla_domain.calendar import FIRST_YEAR, LAST_YEAR
from sla_policy.closings import Closings, frozen, thawed
from sla_policy.ics import Reading, read_ics

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//acme//EN\r\n"
MADRID = ZoneInfo("Europe/Madrid")


def file_of(*events: str) -> str:
    """A file of events, each given by its lines."""
    made = "".join(
        f"BEGIN:VEVENT\r\nCREATED:20200101T000000Z\r\n{event}\r\nEND:VEVENT\r\n" for event in events
    )
    return f"{HEAD}{made}END:VCALENDAR\r\n"


def read(*events: str) -> Reading:
    return read_ics(file_of(*events), "company.ics")


def days(*events: str) -> dict[str, str]:
    reading = read(*events)
    assert not reading.mistakes, reading.mistakes
    assert not reading.closings.parts
    return {str(day): name for day, name in sorted(reading.closings.days.items())}


def parts(*events: str) -> list[tuple[str, str]]:
    reading = read(*events)
    assert not reading.mistakes, reading.mistakes
    assert not reading.closings.days
    return [(f"{part.start:%F %R%z}", f"{part.end:%F %R%z}") for part in reading.closings.parts]


ONE = "DTSTART;VALUE=DATE:20261224"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ONE, ["2026-12-24"]),
        (f"{ONE}\nDTEND;VALUE=DATE:20261225", ["2026-12-24"]),
        (f"{ONE}\nDTEND;VALUE=DATE:20261224", ["2026-12-24"]),
        (f"{ONE}\nDTEND;VALUE=DATE:20261227", ["2026-12-24", "2026-12-25", "2026-12-26"]),
        (f"{ONE}\nDURATION:P2D", ["2026-12-24", "2026-12-25"]),
        (f"{ONE}\nTRANSP:TRANSPARENT", ["2026-12-24"]),
        (f"{ONE}\nSTATUS:CANCELLED", []),
        (f"{ONE}\nRRULE:FREQ=YEARLY;COUNT=2", ["2026-12-24", "2027-12-24"]),
        (f"{ONE}\nRRULE:FREQ=YEARLY;UNTIL=20271224", ["2026-12-24", "2027-12-24"]),
        (f"{ONE}\nRRULE:FREQ=DAILY;COUNT=2;BYHOUR=1,2", ["2026-12-24", "2026-12-25"]),
        (f"{ONE}\nRDATE;VALUE=DATE:20270104,20270105", ["2026-12-24", "2027-01-04", "2027-01-05"]),
        (f"{ONE}\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20261225",
         ["2026-12-24", "2026-12-26"]),
        (f"{ONE}\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20261225T000000", ["2026-12-24"]),
        ("DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2",
         ["2026-05-01", "2026-05-29", "2026-06-26"]),
    ],
)  # fmt: skip
def test_an_all_day_event_closes_its_dates(event: str, expected: list[str]) -> None:
    assert list(days(event)) == expected


def test_a_recurrence_goes_on_for_all_years_of_a_calendar() -> None:
    found = days("DTSTART;VALUE=DATE:16010501\nRRULE:FREQ=YEARLY\nSUMMARY:May Day")
    assert list(found) == [f"{year}-05-01" for year in range(FIRST_YEAR, LAST_YEAR + 1)]
    assert set(found.values()) == {"May Day"}


def test_a_day_is_called_as_its_events_or_else_as_the_file() -> None:
    told = days(f"{ONE}\nSUMMARY:Party\\, at\\nhome", f"{ONE}\nSUMMARY:Eve", "DTSTART:20261225")
    assert told == {"2026-12-24": "Party, at home; Eve", "2026-12-25": "company.ics"}


def test_an_event_in_the_place_of_a_recurrence_replaces_it() -> None:
    found = days(
        f"{ONE}\nUID:x\nRRULE:FREQ=DAILY;COUNT=4",
        "UID:x\nRECURRENCE-ID;VALUE=DATE:20261225\nDTSTART;VALUE=DATE:20270601\nSUMMARY:Moved",
        "UID:x\nRECURRENCE-ID;VALUE=DATE:20261226\nDTSTART;VALUE=DATE:20261226\nSTATUS:CANCELLED",
    )
    assert list(found) == ["2026-12-24", "2026-12-27", "2027-06-01"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART:20261224T130000\nDTEND:20261224T180000",
         [("2026-12-24 13:00", "2026-12-24 18:00")]),
        ("DTSTART:20261224T130000Z\nDURATION:PT2H",
         [("2026-12-24 13:00+0000", "2026-12-24 15:00+0000")]),
        # The wall clock of its zone counts, in summer as in winter.
        (("DTSTART;TZID=Europe/Madrid:20261001T130000\nDTEND;TZID=Europe/Madrid:20261001T180000\n"
         "RRULE:FREQ=MONTHLY;UNTIL=20261101T120000Z"),
         [("2026-10-01 11:00+0000", "2026-10-01 16:00+0000"),
          ("2026-11-01 12:00+0000", "2026-11-01 17:00+0000")]),
        ("DTSTART;TZID=Romance Standard Time:20261224T130000\nDURATION:PT1H",
         [("2026-12-24 12:00+0000", "2026-12-24 13:00+0000")]),
        (("DTSTART:20261224T130000Z\nDURATION:PT2H\nRRULE:FREQ=DAILY;COUNT=3\n"
         "EXDATE:20261225T130000Z\nRDATE;VALUE=PERIOD:20270101T100000Z/PT30M"),
         [("2026-12-24 13:00+0000", "2026-12-24 15:00+0000"),
          ("2026-12-26 13:00+0000", "2026-12-26 15:00+0000"),
          ("2027-01-01 10:00+0000", "2027-01-01 10:30+0000")]),
    ],
)  # fmt: skip
def test_an_event_with_times_closes_these(event: str, expected: list[tuple[str, str]]) -> None:
    assert parts(event) == expected


MISTAKES = [
    ("SUMMARY:Eve", "the event 'Eve' has no date; give it a DTSTART, or delete it"),
    ("DTSTART;VALUE=DATE:20261345", "has a DTSTART that can't be read; correct it"),
    (f"{ONE}\nRRULE:FREQ=YEARL", "has a RRULE that can't be read; correct it"),
    (f"{ONE}\nDTEND;VALUE=DATE:20261223", "ends before it begins; correct its DTEND"),
    (f"{ONE}\nDTEND:20261224T100000Z", "write both as dates"),
    (f"{ONE}\nDURATION:PT3H", "not of whole days; give it times, or days"),
    ("DTSTART:20261224T100000\nDTEND:20261224T120000Z", "one of its ends only; give both the"),
    ("DTSTART;TZID=Mars/Base:20261224T100000\nDURATION:PT1H", "'Mars/Base', which is not known"),
    (f"{ONE}\nRRULE:FREQ=HOURLY", "recurs more than once a day; make it one event"),
    ("DTSTART:20261224T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYHOUR=9,10", "more than once a"),
    (f"{ONE}\nRRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL=0, which can't be followed; write its"),
    (f"{ONE}\nRRULE:RSCALE=HEBREW;FREQ=YEARLY", "RSCALE, which can't be followed; write its"),
    (f"{ONE}\nRRULE:FREQ=YEARLY;BYDAY=99MO", "an RRULE that can't be followed; write its dates"),
    (f"{ONE}\nEXRULE:FREQ=YEARLY", "has an EXRULE, which is not understood; write its dates as"),
    (f"{ONE}\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261224", "make this one an event of its own"),
    (f"{ONE}\nDURATION:P99999999D", "outside of all years that are known; correct it"),
]  # fmt: skip


@pytest.mark.parametrize(("event", "says"), MISTAKES)
def test_an_event_that_can_not_be_followed_is_a_mistake(event: str, says: str) -> None:
    reading = read("DTSTART;VALUE=DATE:20261231", event)
    ((message, line),) = reading.mistakes
    assert says in message
    # The second event begins there.
    assert line == 8


def test_a_file_that_recurs_beyond_measure_is_a_mistake() -> None:
    daily = "DTSTART;VALUE=DATE:19700101\nRRULE:FREQ=DAILY"
    (said,) = read(*[daily] * 2).mistakes
    assert "recurs too often" in said.message
    # What was before all years of a calendar does not count.
    old = read("DTSTART;VALUE=DATE:16010101\nRRULE:FREQ=DAILY")
    assert len(old.closings.days) == (date(LAST_YEAR + 1, 1, 1) - date(FIRST_YEAR, 1, 1)).days


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("", "begins with BEGIN:VCALENDAR", 1),
        ("hello", "begins with BEGIN:VCALENDAR", 1),
        ("BEGIN:VCARD\nEND:VCARD", "begins with BEGIN:VCALENDAR", 1),
        (f"{HEAD}who knows\r\nEND:VCALENDAR", "is no iCalendar file (RFC 5545); export", 4),
        (file_of(ONE).replace("END:VCALENDAR", ""), "ends with END:VCALENDAR", 7),
        (file_of(), "holds no event, so it closes nothing", None),
    ],
)
def test_a_file_without_a_calendar_is_a_mistake(text: str, says: str, line: int | None) -> None:
    ((message, at),) = read_ics(text, "company.ics").mistakes
    assert (says in message, at) == (True, line), message


def test_events_that_close_nothing_are_told_and_may_be_meant() -> None:
    (said,) = read("DTSTART:20261224T100000Z\nSUMMARY:Ping").oddities
    assert said.message.startswith("the event 'Ping' closes no time")
    (said,) = read("DTSTART;VALUE=DATE:19500101\nSUMMARY:Past", ONE).oddities
    assert said.line == 4
    (said,) = read(f"{ONE}\nSTATUS:CANCELLED").oddities
    assert said.message == "every event in it is cancelled, so it closes nothing"


# --- against another reader ---

DATES = st.dates(date(2020, 1, 1), date(2030, 12, 31))
TIMES = st.sampled_from([9, 13, 22]).map(lambda hour: timedelta(hours=hour))
WEEKDAYS = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR"]), min_size=1, unique=True)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    rule: dict[str, Any] = {"freq": draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))}
    if draw(st.booleans()):
        rule["interval"] = draw(st.integers(1, 3))
    if rule["freq"] == "WEEKLY" and draw(st.booleans()):
        rule["byday"] = draw(WEEKDAYS)
    if rule["freq"] == "MONTHLY" and draw(st.booleans()):
        rule["bymonthday"] = draw(st.integers(1, 31))
    if draw(st.booleans()):
        rule["count"] = draw(st.integers(1, 30))
    return rule


@st.composite
def series(draw: st.DrawFn) -> list[Event]:
    """An event, maybe recurring, and what stands in the place of some of its recurrences."""
    first = draw(DATES)
    zone = draw(st.sampled_from([None, "date", UTC, MADRID]))

    def moment(day: date) -> date:
        if zone == "date":
            return day
        return datetime.combine(day, datetime.min.time(), zone) + hour  # type: ignore[arg-type]

    hour = draw(TIMES)
    length = timedelta(days=draw(st.integers(1, 3)))
    if zone != "date":
        length = timedelta(hours=draw(st.integers(1, 30)))
    event = Event()
    event.add("uid", draw(st.uuids()).hex)
    event.add("summary", "x")
    event.add("dtstart", moment(first))
    event.add("dtend", moment(first) + length)
    made = [event]
    if draw(st.booleans()):
        event.add("rrule", draw(rules()))
        for _ in range(draw(st.integers(0, 2))):
            event.add("exdate", moment(first + timedelta(days=draw(st.integers(1, 40)))))
        if draw(st.booleans()):
            event.add("rdate", moment(draw(DATES)))
        recurs = recurring_ical_events.of(_calendar(made)).between(first, first + timedelta(800))
        for each in recurs[1:]:
            if draw(st.integers(0, 9)) == 0:
                other = Event()
                other.add("uid", event["uid"])
                other.add("recurrence-id", each["DTSTART"].dt)
                moved = moment(draw(DATES))
                other.add("dtstart", moved)
                other.add("dtend", moved + length)
                if draw(st.booleans()):
                    other.add("status", "CANCELLED")
                made.append(other)
    return made


def _calendar(events: list[Event]) -> Calendar:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//x//EN")
    for event in events:
        calendar.add_component(event)
    return calendar


def _instants(start: date, end: date) -> tuple[str, str] | list[str]:
    if not isinstance(start, datetime):
        return [str(start + timedelta(days=each)) for each in range((end - start).days)]
    ends = [each.astimezone(UTC) if each.tzinfo else each for each in (start, end)]  # type: ignore[attr-defined]
    return f"{ends[0]:%F %R%z}", f"{ends[1]:%F %R%z}"


@settings(max_examples=50)
@given(st.lists(series(), min_size=1, max_size=3))
def test_another_reader_finds_the_same_times(drawn: list[list[Event]]) -> None:
    calendar = _calendar([event for events in drawn for event in events])
    closed: set[str] = set()
    spans: set[tuple[str, str]] = set()
    for event in recurring_ical_events.of(calendar).between((2020, 1, 1), (2031, 1, 1)):
        if event.get("STATUS") == "CANCELLED":
            continue
        found = _instants(event["DTSTART"].dt, event["DTEND"].dt)
        if isinstance(found, list):
            closed.update(found)
        else:
            spans.add(found)
    reading = read_ics(calendar.to_ical().decode(), "company.ics")
    assert not reading.mistakes
    assert {str(day) for day in reading.closings.days if 2020 < day.year < 2031} == {
        day for day in closed if "2021" <= day < "2031"
    }
    told = {(f"{part.start:%F %R%z}", f"{part.end:%F %R%z}") for part in reading.closings.parts}
    assert {span for span in told if "2021" <= span[0] < "2030-12-30"} == {
        span for span in spans if "2021" <= span[0] < "2030-12-30"
    }


LINES = st.lists(
    st.sampled_from(
        ["DTSTART:2026", "RRULE:", "BEGIN:VEVENT", "END:VEVENT", "EXDATE:x", "DTEND;TZID=:1", ":",
         "BEGIN:VTIMEZONE", "TZOFFSETFROM:+9999", "RDATE;VALUE=PERIOD:1/2", "DURATION:P", "\0",
         "END:VTIMEZONE", "RECURRENCE-ID:", "SUMMARY;X:", "END:VCALENDAR", "BEGIN:VCALENDAR",
         "RRULE:FREQ=YEARLY;BYDAY=99MO", "RRULE:FREQ=DAILY;UNTIL=1", "BEGIN:STANDARD"]
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=200)
@given(LINES, st.integers(0, 8))
def test_a_spoilt_file_is_read_or_refused_and_never_fails(spoilt: list[str], at: int) -> None:
    lines = file_of(f"{ONE}\nSUMMARY:x").split("\r\n")
    lines[at:at] = spoilt
    reading = read_ics("\r\n".join(lines), "company.ics")
    assert reading.closings.days or reading.mistakes or reading.oddities


def test_what_is_frozen_comes_back_and_only_closings_count() -> None:
    given_ = read(ONE, "DTSTART:20261224T130000Z\nDURATION:PT2H\nSUMMARY:Ñandú").closings
    text, back = thawed(frozen("name = 1", {"company.ics": given_}))
    assert text == "name = 1"
    assert back == {"company.ics": given_}
    assert thawed("name = 1") == ("name = 1", {})
    assert frozen("x", {}) == "x"
    stamped = read(f"{ONE}\nDTSTAMP:20200101T000000Z\nDESCRIPTION:who knows").closings
    assert stamped == Closings({date(2026, 12, 24): "company.ics"})
