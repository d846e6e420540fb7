"""Instants and durations as text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_domain.instant import (
    LATEST,
    NaiveTimeError,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
    to_datetime,
)


@given(st.integers(0, LATEST - 1))
def test_an_instant_survives_being_written(instant: int) -> None:
    assert parse_instant(format_instant(instant)) == instant
    assert to_datetime(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z") == (
        format_instant(instant)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T17:42:10.250-03:00", "2026-11-23T20:42:10.250Z"),
        ("2026-11-23T20:42:10Z", "2026-11-23T20:42:10.000Z"),
        # Digits finer than a millisecond are cut, not rounded.
        ("2026-11-23T20:42:10.9999999Z", "2026-11-23T20:42:10.999Z"),
    ],
)
def test_reading_a_time(text: str, expected: str) -> None:
    assert format_instant(parse_instant(text)) == expected


@pytest.mark.parametrize("text", ["2026-11-23T17:42:10", "2026-11-23"])
def test_a_time_without_an_offset_is_no_instant(text: str) -> None:
    with pytest.raises(NaiveTimeError):
        parse_instant(text)


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "soon", ""])
def test_what_is_no_time_between_1970_and_2100_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "ms", "iso"),
    [
        ("90d", 90 * 86_400_000, "PT2160H"),
        ("1h 30m", 5_400_000, "PT1H30M"),
        ("250ms", 250, "PT0.25S"),
        ("-2h", -7_200_000, "-PT2H"),
        ("PT1H30M", 5_400_000, "PT1H30M"),
        ("P1DT1S", 86_401_000, "PT24H1S"),
        ("PT0.05S", 50, "PT0.05S"),
        ("0s", 0, "PT0S"),
    ],
)
def test_durations(text: str, ms: int, iso: str) -> None:
    assert parse_duration(text) == ms
    assert format_duration(ms) == iso


@pytest.mark.parametrize("text", ["", "5", "5 parsecs", "P", "PT", "h", "1h-2m"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        parse_duration(text)


@given(st.integers(-(10**12), 10**12))
def test_a_duration_survives_being_written(ms: int) -> None:
    assert parse_duration(format_duration(ms)) == ms


def test_to_datetime_is_aware() -> None:
    assert to_datetime(0) == datetime(1970, 1, 1, tzinfo=UTC)
