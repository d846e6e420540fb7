"""Parsing and formatting of instants and durations.

In the domain an instant is an ``int`` (milliseconds since 1970-01-01 UTC), and a duration is an
``int`` of milliseconds. Only this module formats them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

#: Instants outside ``[EARLIEST, LATEST)`` are invalid (1970-01-01 to 2100-01-01).
EARLIEST: Final = 0
LATEST: Final = 4_102_444_800_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_DURATION_UNITS: Final = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": 1}
_DURATION_PART: Final = re.compile(r"(\d+)(ms|[wdhms])")
_ISO_DURATION: Final = re.compile(
    r"(?P<sign>-)?P(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<ms>\d{1,3}))?S)?)?"
)


class NaiveTimeError(ValueError):
    """A time has no UTC offset, so its instant is unknown."""


def from_datetime(moment: datetime) -> int:
    """Milliseconds of an aware ``moment``; finer digits are truncated.

    Raises ``NaiveTimeError`` if ``moment`` has no offset.
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise NaiveTimeError(f"time without an offset: {moment.isoformat()}")
    return (moment - _EPOCH) // _MS


def to_datetime(instant: int) -> datetime:
    """The aware UTC ``datetime`` of ``instant``."""
    return _EPOCH + instant * _MS


def parse_instant(text: str) -> int:
    """Parse an RFC 3339 time with an offset.

    Raises ``NaiveTimeError`` if there is no offset, ``ValueError`` if it is no time or not within
    1970-2100.
    """
    instant = from_datetime(datetime.fromisoformat(text))
    if not EARLIEST <= instant < LATEST:
        raise ValueError(f"time outside 1970-2100: {text}")
    return instant


# Cached per minute: formatting instants is frequent, and their minutes repeat.
_SECOND_TEXTS: Final = [f"{second:02}" for second in range(60)]
_MS_TEXTS: Final = [f".{ms:03}Z" for ms in range(SECOND)]


@lru_cache(maxsize=65536)
def _minute_text(minute: int) -> str:
    return (_EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:")


def format_instant(instant: int) -> str:
    """RFC 3339, UTC, with exactly three decimals: ``2026-11-23T20:42:10.250Z``."""
    seconds = instant // SECOND
    minute = seconds // 60
    second = _SECOND_TEXTS[seconds - minute * 60]
    return _minute_text(minute) + second + _MS_TEXTS[instant - seconds * SECOND]


def format_optional(instant: int | None) -> str | None:
    """Like ``format_instant``, but ``None`` for ``None``."""
    return None if instant is None else format_instant(instant)


def parse_duration(text: str) -> int:
    """Parse ``"90d"``, ``"1h 30m"``, ``"250ms"`` or ISO 8601 ``"PT1H30M"``, optionally negative.

    A day is 24 hours. Raises ``ValueError`` for any other text.
    """
    stripped = text.strip()
    iso = _ISO_DURATION.fullmatch(stripped)
    if iso and any(iso[name] for name in ("days", "hours", "minutes", "seconds")):
        total = (
            int(iso["days"] or 0) * DAY
            + int(iso["hours"] or 0) * HOUR
            + int(iso["minutes"] or 0) * MINUTE
            + int(iso["seconds"] or 0) * SECOND
            + int((iso["ms"] or "0").ljust(3, "0"))
        )
        return -total if iso["sign"] else total
    negative = stripped.startswith("-")
    body = stripped.lstrip("-").replace(" ", "")
    parts = _DURATION_PART.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        raise ValueError(f"not a duration: {text!r}; write it like '90d', '1h 30m' or 'PT1H30M'")
    total = sum(int(number) * _DURATION_UNITS[unit] for number, unit in parts)
    return -total if negative else total


def format_duration(ms: int) -> str:
    """ISO 8601 in hours, minutes and seconds: ``PT45H``, ``PT1M0.25S``, ``-PT5S``, ``PT0S``."""
    sign = "-" if ms < 0 else ""
    hours, rest = divmod(abs(ms), HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, ms = divmod(rest, SECOND)
    text = f"{hours}H" if hours else ""
    text += f"{minutes}M" if minutes else ""
    if seconds or ms:
        text += f"{seconds}.{ms:03}".rstrip("0") + "S" if ms else f"{seconds}S"
    return f"{sign}PT{text or '0S'}"
