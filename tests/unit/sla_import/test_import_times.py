"""Times as helpdesks write them: named formats, languages, time zones with offset changes."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_domain.instant import EARLIEST, HOUR, LATEST, MINUTE, format_instant, parse_instant
from sla_import.times import (
    DEFAULT_FORMS,
    RULE_NEVER,
    RULE_TWICE,
    Reading,
    Times,
    check_form,
    order,
    read_span,
)
from sla_lab.errors import UsageError

MADRID = ZoneInfo("Europe/Madrid")
BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")


def reading(text: str, *forms: str, zone: ZoneInfo = BUENOS_AIRES, locale: str = "") -> Reading:
    return Times(zone, forms or DEFAULT_FORMS, locale or None).read(text)


def only(text: str, *forms: str, locale: str = "") -> str:
    [instant] = reading(text, *forms, locale=locale).instants
    return format_instant(instant)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-16T09:12:00-03:00", "2026-11-16T12:12:00.000Z"),
        ("2026-11-16T09:12:00.250Z", "2026-11-16T09:12:00.250Z"),
        ("2026-11-16 09:12:00 -0300", "2026-11-16T12:12:00.000Z"),
        ("2026-11-16 09:12:00 UTC", "2026-11-16T09:12:00.000Z"),
        ("2026-11-16 09:12:00", "2026-11-16T12:12:00.000Z"),
        ("2026-11-16", "2026-11-16T03:00:00.000Z"),
        ("46342.3833333333", "2026-11-16T12:12:00.000Z"),
        ("46342", "2026-11-16T03:00:00.000Z"),
        ("1763251200", "2025-11-16T00:00:00.000Z"),
        ("1763251200250", "2025-11-16T00:00:00.250Z"),
    ],
)
def test_what_is_read_without_being_told_how(text: str, instant: str) -> None:
    assert only(text) == instant


@pytest.mark.parametrize(
    ("text", "form", "locale", "instant"),
    [
        ("12/Mar/24 9:41 AM", "jira", "", "2024-03-12T12:41:00.000Z"),
        ("12/mar/24 9:41 a. m.", "jira", "es", "2024-03-12T12:41:00.000Z"),
        ("12/mar/24 4:05 p. m.", "jira", "es", "2024-03-12T19:05:00.000Z"),
        ("12/mar/24 4:05 p.\u202fm.", "jira", "es_AR", "2024-03-12T19:05:00.000Z"),
        ("12/Mar/24 9:41 AM", "jira", "es", "2024-03-12T12:41:00.000Z"),
        ("1/sep/24 9:41 a.m.", "jira", "es", "2024-09-01T12:41:00.000Z"),
        ("1/sept/24 9:41 am", "jira", "es", "2024-09-01T12:41:00.000Z"),
        ("3 de agosto de 2024 09:00", "%d de %B de %Y %H:%M", "es", "2024-08-03T12:00:00.000Z"),
        ("3. März 2024 09:00", "%d. %B %Y %H:%M", "de", "2024-03-03T12:00:00.000Z"),
        ("03 août 2024 09:00", "%d %b %Y %H:%M", "fr", "2024-08-03T12:00:00.000Z"),
        ("3/dez/24 09:00", "%d/%b/%y %H:%M", "pt-BR", "2024-12-03T12:00:00.000Z"),
        ("16/11/2026 09:12", "%d/%m/%Y %H:%M", "", "2026-11-16T12:12:00.000Z"),
    ],
)
def test_forms_and_languages(text: str, form: str, locale: str, instant: str) -> None:
    assert only(text, form, locale=locale) == instant


def test_a_file_may_have_several_forms_but_no_time_two_meanings() -> None:
    forms = ("iso", "%d/%m/%Y %H:%M")
    assert only("2026-11-16T09:12:00", *forms) == "2026-11-16T12:12:00.000Z"
    assert only("16/11/2026 14:05", *forms) == "2026-11-16T17:05:00.000Z"
    both = ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")
    assert only("13/04/2026 09:12", *both) == "2026-04-13T12:12:00.000Z"
    assert only("04/04/2026 09:12", *both) == "2026-04-04T12:12:00.000Z"
    with pytest.raises(
        ValueError, match="formats '%d/%m/%Y %H:%M' and '%m/%d/%Y %H:%M' read it as"
    ):
        reading("03/04/2026 09:12", *both)


@pytest.mark.parametrize(
    ("text", "forms", "told"),
    [
        ("16/11/2026 14:05", (), 'it matches "%d/%m/%Y %H:%M", if you set time_format'),
        ("03/04/2026 09:12", (), '"%d/%m/%Y %H:%M" or "%m/%d/%Y %H:%M"'),
        ("12/mar/24 9:41 a. m.", ("jira",), "--locale"),
        ("yesterday", (), "not a time like ISO 8601"),
        ("x", ("excel",), "not a time like 'excel'"),
        ("20261116", (), "not a time like"),
        ("1969-12-31T23:59:59Z", (), "not between 1970 and 2100"),
        ("2100-01-01T00:00:00Z", (), "not between 1970 and 2100"),
        ("0001-01-01", (), "not between 1970 and 2100"),
        ("2026-02-30", (), "not a time like"),
        ("2026-11-16T25:00", (), "not a time like"),
    ],
)
def test_what_is_no_time_is_told_with_what_would_read_it(
    text: str, forms: tuple[str, ...], told: str
) -> None:
    with pytest.raises(ValueError, match="it ") as raised:
        reading(text, *forms)
    assert told in str(raised.value)


def test_a_local_time_that_exists_twice_or_never_has_a_rule() -> None:
    twice = reading("2026-10-25 02:30", zone=MADRID)
    assert [format_instant(each) for each in twice.instants] == [
        "2026-10-25T00:30:00.000Z",
        "2026-10-25T01:30:00.000Z",
    ]
    assert twice.rule == RULE_TWICE
    never = reading("2026-03-29 02:30", zone=MADRID)
    assert [format_instant(each) for each in never.instants] == [
        "2026-03-29T01:30:00.000Z",  # 03:30 by the summer's clock, which RFC 5545 asks for
        "2026-03-29T00:30:00.000Z",
    ]
    assert never.rule == RULE_NEVER
    assert reading("2026-03-29T02:30+01:00", zone=MADRID).rule is None


def test_of_two_readings_the_first_that_ends_after_its_begin() -> None:
    # Wall clocks that say 40 minutes less, or a time that no clock showed.
    for created, solved in (
        ("2026-10-25 02:30", "2026-10-25 02:10"),
        ("2026-03-29 02:30", "2026-03-29 03:10"),
    ):
        begin, end = reading(created, zone=MADRID), reading(solved, zone=MADRID)
        start = order(begin, [end])
        assert end.choose(start) - start == 40 * MINUTE
    lone = reading("2026-10-25 02:30", zone=MADRID)
    assert order(lone, [reading("2026-10-25 05:00", zone=MADRID)]) == lone.instants[0]


def test_forms_and_locales_that_are_none_are_refused() -> None:
    assert check_form("%d.%m.%Y") == "%d.%m.%Y"
    for wrong in ("%Q", "dd/MM/yyyy", ""):
        with pytest.raises(ValueError, match="is not a time format; write one of iso, "):
            check_form(wrong)
    for wrong in ("tlh", "", "e s"):
        with pytest.raises(UsageError, match="not a known locale"):
            Times(MADRID, ["jira"], wrong)


@pytest.mark.parametrize(
    ("text", "unit", "span"),
    [
        ("90", "minutes", 90 * MINUTE),
        ("1.5", "hours", 90 * MINUTE),
        ("1,5", "hours", 90 * MINUTE),
        ("01:30", None, 90 * MINUTE),
        ("0:01:30", None, 90_000),
        ("1h 30m", None, 90 * MINUTE),
        ("PT1H30M", None, 90 * MINUTE),
        ("100:00", None, 100 * HOUR),
    ],
)
def test_spans(text: str, unit: str | None, span: int) -> None:
    assert read_span(text, unit, "," if "," in text else ".") == span


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("90", "without a unit"),
        ("-1h", "negative"),
        ("soon", "not a duration"),
        ("9" * 400, "not a duration"),
    ],
)
def test_what_is_no_span_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_span(text, None)


@given(st.integers(EARLIEST, LATEST - 1))
def test_what_is_written_in_iso_is_read_back(instant: int) -> None:
    times = Times(MADRID, ["iso"])
    assert times.read(format_instant(instant)).instants == (instant,)


@given(st.text())
def test_any_text_is_a_time_or_told_in_a_sentence(text: str) -> None:
    for times in (Times(MADRID), Times(MADRID, ["jira", "%d.%m.%Y"], "es", ",")):
        why, found = "it is a time", ()
        try:
            found = times.read(text).instants
        except ValueError as error:
            why = str(error)
        assert why.startswith("it ")
        assert all(EARLIEST <= instant < LATEST for instant in found)


def test_the_instant_of_a_form_without_a_zone_is_that_of_the_zone() -> None:
    assert reading("2026-07-01 12:00", zone=MADRID).instants == (
        parse_instant("2026-07-01T12:00:00+02:00"),
    )
