"""Times as helpdesks and spreadsheets write them, turned into instants.

A local time that exists twice is its first instant, and one that does not exist is read with the
offset before the change, as iCalendar has it (RFC 5545, 3.3.5); where a ticket's times are in order
only by the other reading, that is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sla_domain.instant import (
    DAY,
    EARLIEST,
    HOUR,
    LATEST,
    MINUTE,
    SECOND,
    from_datetime,
    parse_duration,
)
from sla_import.extra import needs_extra
from sla_lab.errors import UsageError

RULE_TWICE: Final = (
    "this local time exists twice, before and after the clocks went back; the first is used, or "
    "the second if only that puts the ticket's times in order"
)
RULE_NEVER: Final = (
    "this local time does not exist, since the clocks went forward; it is read with the offset "
    "before the change, or the one after it if only that puts the ticket's times in order"
)
#: What was done to read a time, told with how often.
AS_EXCEL: Final = "days since 1900 as a spreadsheet keeps them"
AS_UNIX: Final = "seconds since 1970"
AS_UNIX_MS: Final = "milliseconds since 1970"
WITHOUT_HOUR: Final = "dates without a time of day, taken as midnight"
WITHOUT_ZONE: Final = "times without an offset"


class Reading(NamedTuple):
    """What a text may mean: one instant, or two where its local time is none or two."""

    instants: tuple[int, ...]
    #: ``RULE_TWICE`` or ``RULE_NEVER``.
    rule: str | None = None
    notes: tuple[str, ...] = ()

    def choose(self, after: int) -> int:
        """The first instant that is not before ``after``, else the first."""
        return next((each for each in self.instants if each >= after), self.instants[0])


class _Local(NamedTuple):
    """A time as it is written, with an offset or none."""

    moment: datetime
    notes: tuple[str, ...] = ()


#: Reads a text or raises ``ValueError``.
Form = Callable[[str], _Local]

_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_EXCEL: Final = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_UNIX: Final = re.compile(r"\d{9,10}(?:\.\d+)?", re.ASCII)
_UNIX_MS: Final = re.compile(r"\d{12,13}", re.ASCII)
_EXCEL_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001  a local time, as spreadsheets have it


def _iso(text: str) -> _Local:
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(text)
    date, time, offset = found.groups()
    zone = "" if offset is None else "+00:00" if offset in {"Z", "UTC", "GMT"} else offset
    moment = datetime.fromisoformat(f"{date}T{time or '00:00'}{zone}")
    return _Local(moment, () if time else (WITHOUT_HOUR,))


def _excel(text: str) -> _Local:
    if not _EXCEL.fullmatch(text):
        raise ValueError(text)
    moment = _EXCEL_ZERO + timedelta(milliseconds=round(float(text) * DAY))
    return _Local(moment, (AS_EXCEL,))


def _unix(text: str) -> _Local:
    if not _UNIX.fullmatch(text):
        raise ValueError(text)
    return _Local(datetime.fromtimestamp(float(text), UTC), (AS_UNIX,))


def _unix_ms(text: str) -> _Local:
    if not _UNIX_MS.fullmatch(text):
        raise ValueError(text)
    return _Local(datetime.fromtimestamp(int(text) / 1000, UTC), (AS_UNIX_MS,))


#: Forms by name; others are written as ``strptime`` has them.
NAMED: Final[dict[str, Form]] = {"iso": _iso, "excel": _excel, "unix": _unix, "unix_ms": _unix_ms}
#: Other names for written forms.
NAMED_PATTERNS: Final = {"jira": "%d/%b/%y %I:%M %p"}
DEFAULT_FORMS: Final = tuple(NAMED)
#: Tried to say what is wrong with a time that nothing read.
_COMMON: Final = tuple(
    f"{date} {time}"
    for date in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%m/%d/%y", "%d/%b/%y")
    for time in ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
)
_WITH_COMMA: Final = re.compile(r"\d+,\d+", re.ASCII)
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]
_WORD: Final = re.compile(r"[^\W\d_]+", re.UNICODE)
#: ``a. m.`` and its like: two letters with dots and blanks between.
_DOTTED: Final = re.compile(r"\b([^\W\d_])\.\s?([^\W\d_])\.?(?!\w)")


class Times:
    """Reads the times of one file."""

    def __init__(
        self,
        zone: ZoneInfo,
        forms: Sequence[str] = DEFAULT_FORMS,
        locale: str | None = None,
        decimal: str = ".",
    ) -> None:
        self._zone = zone
        self._decimal = decimal
        self._words = {} if locale is None else _words_of(locale)
        self._forms = [(name, _form(name, translated=bool(self._words))) for name in forms]
        self.read = lru_cache(maxsize=65536)(self._read)

    def _read(self, text: str) -> Reading:
        """What ``text`` means. Raises ``ValueError``, which says why it is no time."""
        plain = self._translated(text)
        found: dict[tuple[int, ...], tuple[str, Reading]] = {}
        outside = False
        for name, form in self._forms:
            try:
                local = form(plain)
                reading = self._in_zone(local)
            except OverflowError:
                outside = True
                continue
            except ValueError:
                continue
            found.setdefault(reading.instants, (name, reading))
        if len(found) > 1:
            names = " and ".join(repr(name) for name, _ in found.values())
            raise ValueError(
                f"the formats {names} read it as different times; keep only the right format"
            )
        for _, reading in found.values():
            return reading
        raise ValueError("it is not between 1970 and 2100" if outside else self._why(plain))

    def _translated(self, text: str) -> str:
        plain = " ".join(text.split())
        if self._decimal == "," and _WITH_COMMA.fullmatch(plain):
            plain = plain.replace(",", ".")
        if not self._words:
            return plain
        return _WORD.sub(
            lambda word: _meaning(word[0].casefold(), self._words) or word[0],
            _DOTTED.sub(r"\1\2", plain),
        )

    def _in_zone(self, local: _Local) -> Reading:
        moment, notes = local
        if not 1970 <= moment.year <= 2100:
            raise OverflowError
        if moment.tzinfo is not None:
            return Reading((_bounded(moment),), None, notes)
        first, second = (moment.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        notes = (*notes, WITHOUT_ZONE)
        if first.utcoffset() == second.utcoffset():
            return Reading((_bounded(first),), None, notes)
        exists = first.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) == moment
        rule = RULE_TWICE if exists else RULE_NEVER
        return Reading((_bounded(first), _bounded(second)), rule, notes)

    def _why(self, plain: str) -> str:
        wanted = " or ".join(
            "ISO 8601, such as 2026-11-23T18:00:00-03:00" if name == "iso" else f"{name!r}"
            for name, _ in self._forms
            if name not in {"excel", "unix", "unix_ms"} or len(self._forms) < len(NAMED)
        )
        fits = [form for form in _COMMON if _fits(plain, form)]
        if fits:
            shown = " or ".join(f'"{form}"' for form in fits)
            return f"it is not a time like {wanted}; it matches {shown}, if you set time_format"
        if _WORD.search(plain) and any(character.isdigit() for character in plain):
            return (
                f"it is not a time like {wanted}; if its words are in another language, name it "
                "with --locale, such as --locale es"
            )
        return f"it is not a time like {wanted}"


def _bounded(moment: datetime) -> int:
    instant = from_datetime(moment)
    if not EARLIEST <= instant < LATEST:
        raise OverflowError
    return instant


def _form(name: str, *, translated: bool) -> Form:
    if name in NAMED:
        return NAMED[name]
    pattern = NAMED_PATTERNS.get(name, name)
    if translated:
        pattern = pattern.replace("%B", "%b")
    return lambda text: _Local(datetime.strptime(text, pattern))  # noqa: DTZ007  a zone follows


def check_form(name: str) -> str:
    """``name`` if it is a form of times. Raises ``ValueError``."""
    if name in NAMED or name in NAMED_PATTERNS or ("%" in name and _is_pattern(name)):
        return name
    known = ", ".join([*NAMED, *NAMED_PATTERNS])
    raise ValueError(
        f"{name!r} is not a time format; write one of {known}, or one like %d/%m/%Y %H:%M"
    )


def _is_pattern(form: str) -> bool:
    try:
        datetime.strptime("", form)  # noqa: DTZ007  only the pattern is looked at
    except ValueError as error:
        return "does not match" in str(error)
    return True


def _fits(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007  only whether it can be read
    except ValueError:
        return False
    return True


def _words_of(locale: str) -> dict[str, str]:
    """The names of months and halves of a day in a language, and what ``strptime`` calls them.

    Raises ``UsageError`` for a language that is unknown.
    """
    with needs_extra("times in other languages"):
        from babel import Locale, UnknownLocaleError
    try:
        known = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise UsageError(f"{locale!r} is not a known locale; write one like es or pt_BR") from None
    words: dict[str, str] = {name.casefold(): name for name in (*_MONTHS, "AM", "PM")}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in known.months[context][width].items():
                words[_bare(name)] = _MONTHS[number - 1]
            for half, name in known.day_periods[context][width].items():
                if half in {"am", "pm"}:
                    words[_bare(name)] = half.upper()
    return words


def _bare(name: str) -> str:
    return "".join(_WORD.findall(name)).casefold()


def _meaning(word: str, words: dict[str, str]) -> str | None:
    """What a word means; a month may be cut anywhere after three letters (``sep`` for ``sept``)."""
    if word in words:
        return words[word]
    cut = {words[name] for name in words if name.startswith(word)} if len(word) >= 3 else set()
    return cut.pop() if len(cut) == 1 else None


# --- durations ---

UNITS: Final = {"seconds": SECOND, "minutes": MINUTE, "hours": HOUR, "days": DAY}
_CLOCK: Final = re.compile(r"(\d{1,9}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,12})?", re.ASCII)


def read_span(text: str, unit: str | None, decimal: str = ".") -> int:
    """Milliseconds of a span: a number of ``unit``, ``HH:MM[:SS]``, ``1h 30m`` or ``PT1H30M``.

    Raises ``ValueError``, which says why it is none.
    """
    plain = text.replace(decimal, ".") if decimal != "." else text
    if clock := _CLOCK.fullmatch(plain):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return _possible(hours * HOUR + minutes * MINUTE + seconds * SECOND)
    if _NUMBER.fullmatch(plain):
        if unit is None:
            raise ValueError('it is a number without a unit; set one, such as unit = "minutes"')
        return _possible(round(float(plain) * UNITS[unit]))
    try:
        span = parse_duration(plain)
    except ValueError:
        raise ValueError("it is not a duration like 90, 01:30, 1h 30m or PT1H30M") from None
    if span < 0:
        raise ValueError("a duration can't be negative")
    return _possible(span)


def _possible(span: int) -> int:
    if span >= LATEST:
        raise ValueError("it is longer than a century")
    return span


def order(created: Reading, others: Iterable[Reading]) -> int:
    """The instant of creation by which every other time can lie after it, else the first."""
    rest = list(others)
    for instant in created.instants:
        if all(max(each.instants) >= instant for each in rest):
            return instant
    return created.instants[0]
