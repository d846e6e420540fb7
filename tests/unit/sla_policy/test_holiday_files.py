"""Policies whose holidays are in iCalendar files beside them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar as File
from icalendar import Event
from support.cli import sla_json
from support.contracts import OWN_WORDS

from sla_domain.calendar import Calendar
from sla_domain.instant import HOUR, parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.memory import digest_of
from sla_lab.policy_diff import changes
from sla_lab.simulation import _read_again
from sla_policy.loading import (
    PolicyError,
    check_file,
    check_policy,
    check_versions,
    load_policy,
    policy_of,
)
from sla_text.language import Texts

WEEK = ", ".join(f'{day} = [["09:00", "18:00"]]' for day in ("mon", "tue", "wed", "thu", "fri"))
OFFICE = f'[calendars.office]\nzone = "Europe/Madrid"\nhours = {{ {WEEK} }}\n'


def event(*lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"])


def ics(*events: str) -> str:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//acme//EN"]
    return "\n".join([*head, *events, "END:VCALENDAR", ""])


EVE = event("DTSTART;VALUE=DATE:20261224", "SUMMARY:Eve")


def policy(holidays: str, calendar: str = OFFICE) -> str:
    text = f"{calendar}holidays = {holidays}\n[calendars.always]"
    return OWN_WORDS.replace("[calendars.always]", text)


def saved(folder: Path, *events: str, holidays: str = '{ ics = "company.ics" }') -> Path:
    """A policy with the file of holidays beside it."""
    (folder / "company.ics").write_text(ics(*events))
    path = folder / "policy.toml"
    path.write_text(policy(holidays))
    return path


def office(folder: Path, *events: str, holidays: str = '{ ics = "company.ics" }') -> Calendar:
    return load_policy(saved(folder, *events, holidays=holidays)).calendars["office"]


def open_on(calendar: Calendar, day: str) -> int:
    """Hours open on a date of Madrid's winter."""
    start = parse_instant(f"{day}T00:00:00+01:00")
    return calendar.between(start, start + 24 * HOUR) // HOUR


def test_a_file_closes_its_days_beside_other_sources(tmp_path: Path) -> None:
    sources = '[{ country = "ES" }, { ics = "company.ics" }, { dates = ["2026-12-23"] }]'
    birthday = event("DTSTART;VALUE=DATE:20261225", "SUMMARY:Founding")
    found = office(tmp_path, EVE, birthday, holidays=sources)
    assert [open_on(found, f"2026-12-{day}") for day in (22, 23, 24, 25, 28)] == [9, 0, 0, 0, 9]
    assert found.names[date(2026, 12, 24)] == "Eve"
    assert found.names[date(2026, 12, 25)] == "Christmas Day; Founding"


def test_times_shorten_a_day_where_they_are_in_its_hours(tmp_path: Path) -> None:
    early = event("DTSTART:20261231T140000", "DTEND:20261231T230000", "SUMMARY:Early")
    # Noon to two in the afternoon in Madrid.
    lunch = event("DTSTART:20261230T110000Z", "DURATION:PT2H", "SUMMARY:Lunch")
    weekend = event("DTSTART:20261225T150000", "DTEND:20261228T100000", "SUMMARY:Move")
    night = event("DTSTART:20261229T200000", "DURATION:PT3H", "SUMMARY:Party")
    found = office(tmp_path, early, lunch, weekend, night)
    hours = {str(day): [(a // HOUR, b // HOUR) for a, b in s] for day, s in found.dates.items()}
    assert hours == {
        "2026-12-25": [(9, 15)],
        "2026-12-28": [(10, 18)],
        "2026-12-30": [(9, 12), (14, 18)],
        "2026-12-31": [(9, 14)],
    }
    assert found.names[date(2026, 12, 30)] == "Lunch"
    assert date(2026, 12, 29) not in found.names


def test_times_cut_the_night_that_reaches_into_their_day(tmp_path: Path) -> None:
    night = '[calendars.office]\nzone = "Europe/Madrid"\nhours = { thu = [["22:00", "06:00"]] }\n'
    path = saved(tmp_path, event("DTSTART:20261225T010000", "DTEND:20261225T040000"))
    path.write_text(policy('{ ics = "company.ics" }', night))
    found = load_policy(path).calendars["office"]
    start = parse_instant("2026-12-24T22:00:00+01:00")
    assert list(found.intervals(start, start + 24 * HOUR)) == [
        (start, start + 3 * HOUR),
        (start + 6 * HOUR, start + 8 * HOUR),
    ]


def test_an_override_comes_before_a_file(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE)
    opened = 'holidays = { ics = "company.ics" }\noverrides = { 2026-12-24 = [["09:00", "12:00"]] }'
    path.write_text(path.read_text().replace('holidays = { ics = "company.ics" }', opened))
    assert open_on(load_policy(path).calendars["office"], "2026-12-24") == 3


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(1, 9), st.text()),
        min_size=1,
        max_size=8,
    )
)
def test_exactly_the_drawn_days_are_closed(drawn: list[tuple[date, int, str]]) -> None:
    made = File()
    made.add("version", "2.0")
    made.add("prodid", "-//acme//EN")
    closed = set()
    for first, length, name in drawn:
        each = Event()
        each.add("summary", name)
        each.add("dtstart", first)
        each.add("dtend", first + timedelta(days=length))
        made.add_component(each)
        closed |= {first + timedelta(days=count) for count in range(length)}
    with TemporaryDirectory() as folder:
        path = saved(Path(folder))
        (path.parent / "company.ics").write_bytes(made.to_ical())
        found = load_policy(path).calendars["office"]
        again = policy_of(load_policy(path).source, "again").calendars["office"]
    assert {day for day, spans in found.dates.items() if not spans} == closed == found.names.keys()
    assert again.dates == found.dates
    assert again.names == found.names


def test_what_a_file_closes_is_a_part_of_the_policy(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE)
    digests = [digest_of(PolicyBook([load_policy(path)]))]
    for change in (
        # Another day, another name, another time.
        EVE.replace("20261224", "20261223"),
        EVE.replace("Eve", "Nochebuena"),
        event("DTSTART:20261224T140000Z", "DURATION:PT4H", "SUMMARY:Eve"),
        event("DTSTART:20261224T140000Z", "DURATION:PT5H", "SUMMARY:Eve"),
    ):
        saved(tmp_path, change)
        digests.append(digest_of(PolicyBook([load_policy(path)])))
    assert len(set(digests)) == len(digests)
    # When it was exported, and in which order, closes nothing else.
    saved(tmp_path, EVE.replace("END", "DTSTAMP:20260101T000000Z\nEND"))
    assert digest_of(PolicyBook([load_policy(path)])) == digests[0]


def test_a_policy_is_read_again_without_its_files(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE, event("DTSTART:20261231T140000Z", "DURATION:PT4H"))
    first = load_policy(path)
    (tmp_path / "company.ics").unlink()
    (again,) = _read_again(PolicyBook([first]).sources).versions
    assert again.source == first.source
    assert again.calendars["office"].dates == first.calendars["office"].dates
    assert not changes(first, again, Texts("en"))
    with pytest.raises(PolicyError, match="not TOML"):
        check_policy(first.source, "text")


def test_a_file_may_be_in_a_folder_of_its_own_and_named_twice(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE)
    (tmp_path / "days").mkdir()
    (tmp_path / "company.ics").rename(tmp_path / "days" / "acme.ics")
    path.write_text(policy('[{ ics = "days/acme.ics" }, { ics = "days/acme.ics" }]'))
    assert load_policy(path).calendars["office"].names == {date(2026, 12, 24): "Eve"}


def mistakes(path: Path) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        check_file(path)
    return caught.value.mistakes


def test_a_missing_file_is_told_with_the_line_and_the_remedy(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE, holidays='[{ country = "ES" }, { ics = "acme.ics" }]')
    line = path.read_text()[: path.read_text().index("acme")].count("\n") + 1
    (said,) = mistakes(path)
    assert said == (
        f"{path}:{line}: calendars.office.holidays.1.ics: acme.ics is not in {tmp_path}; put it "
        "there, or correct its name"
    )


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE)
    (tmp_path / "company.ics").unlink()
    (tmp_path / "company.ics").mkdir()
    (said,) = mistakes(path)
    assert "company.ics can't be read: Is a directory; let the programs read it, or" in said
    path.write_text(policy('{ ics = "a\\u0000b.ics" }'))
    (said,) = mistakes(path)
    assert "embedded null byte" in said
    path.write_text(policy('{ ics = "" }'))
    assert len(mistakes(path)) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "company.ics:1: is no iCalendar file (RFC 5545); export the calendar once more"),
        (ics().encode(), "company.ics: holds no event, so it closes nothing; export it once more"),
        (ics(EVE).encode("utf-16"), "company.ics:1: is not UTF-8 text; save it as UTF-8"),
        (
            ics(EVE, event("SUMMARY:Ferien")).encode(),
            "company.ics:8: the event 'Ferien' has no date; give it a DTSTART, or delete it",
        ),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = saved(tmp_path)
    (tmp_path / "company.ics").write_bytes(content)
    (said,) = mistakes(path)
    assert f"calendars.office.holidays.ics: {says}" in said


def test_a_file_named_twice_is_wrong_once_and_every_event_is_told(tmp_path: Path) -> None:
    twice = '[{ ics = "company.ics" }, { ics = "company.ics" }]'
    path = saved(tmp_path, event("SUMMARY:a"), EVE, event("SUMMARY:b"), holidays=twice)
    assert [said.partition("company.ics:")[2][:2] for said in mistakes(path)] == ["4:", "11"]


def test_a_policy_without_a_folder_has_no_files() -> None:
    with pytest.raises(PolicyError) as caught:
        check_policy(policy('{ ics = "company.ics" }'), "mine")
    (said,) = caught.value.mistakes
    assert said.endswith(
        "company.ics can't be looked for, since the policy is read from a text, which is in no "
        'folder; save the policy as a file beside it, or write its days like dates = ["2026-12-24"]'
    )


def test_the_packaged_policy_has_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    text = policy('{ ics = "company.ics" }')
    monkeypatch.setattr("sla_policy.loading.default_policy_text", lambda: text)
    with pytest.raises(PolicyError, match="since the packaged policy is in no folder of yours"):
        check_file()


def test_what_is_odd_in_a_file_is_a_warning(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE, event("DTSTART:20261224T100000Z", "SUMMARY:Ping"))
    (told,) = [each for each in check_file(path).warnings if "company.ics" in each]
    assert "warning: calendars.office.holidays.ics: company.ics:8: the event 'Ping' closes" in told


def test_holidays_of_a_calendar_without_hours_are_a_warning(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE)
    path.write_text(policy('{ ics = "company.ics" }', '[calendars.office]\nunion = ["always"]\n'))
    told = [each for each in check_file(path).warnings if "office.holidays:" in each]
    assert "so its holidays close nothing; write them at the calendars whose" in told[0]
    assert not [each for each in check_file(saved(tmp_path, EVE)).warnings if "holidays" in each]


def test_versions_with_files_that_clash_are_told_with_their_line(tmp_path: Path) -> None:
    path = saved(tmp_path, EVE)
    with pytest.raises(PolicyError, match=r"policy\.toml:2: version: .* is the version of"):
        check_versions([path, path])


def test_the_days_of_a_file_are_listed_with_their_names(tmp_path: Path) -> None:
    early = event("DTSTART:20261231T140000", "DTEND:20261231T230000", "SUMMARY:Early")
    path = saved(tmp_path, EVE, early, event("DTSTART;VALUE=DATE:20261228"))
    told = sla_json("calendar", "days", "office", "--year", "2026", "--policy", path)
    assert [(row["date"], row["open"], row["name"]) for row in told] == [
        ("2026-12-24", "closed", "Eve"),
        ("2026-12-28", "closed", "company.ics"),
        ("2026-12-31", "09:00-14:00", "Early"),
    ]
