"""The values of a policy file: each read from its text, or refused with how it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from sla_config.wording import listed, nearest
from sla_domain.event import EVENT_TYPES, EventType
from sla_domain.instant import DAY, HOUR, MINUTE, parse_duration
from sla_domain.selector import WORDED, Selector
from sla_domain.target import BusinessDay
from sla_policy.amount import AMOUNT_FORMS, closing_day, length_of
from sla_schemas.types import MAX_ID, MAX_NAME, MAX_WORD
from sla_schemas.words import ReplyKind

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: Final[tuple[str, ...]] = get_args(Weekday)
#: How a word of the contract's own is made.
WORD_PATTERN: Final = r"[a-z0-9][a-z0-9_-]*"
MILESTONE: Final = "milestone_reached"
#: From when a clock counts that starts with no event of the ticket's.
COMMUNICATED: Final = "communicated"
#: Written in the place of hours: open day and night.
ALWAYS: Final = "always"
#: Written in the place of a target, or of all targets of a severity: nothing is promised.
NONE: Final = "none"
#: A name as such, and in another language of the texts.
_NAME_KEYS: Final = ("name", "es")
#: ``15 minutes``, and what begins with a number.
_SPOKEN: Final = re.compile(r"^\s*(\d+)\s*(days?|hours?|hrs?|minutes?|mins?)\s*$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\b")
_PERCENT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
#: Keys of a calendar that depends on a fact: which fact, and the calendar for any other value.
BY: Final = "by"
OTHERWISE: Final = "else"
#: The key of a table by the hour of arrival that names the calendar which is asked.
OF: Final = "of"
_CLOCK_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_HUNDRED_YEARS: Final = 36_525 * DAY


class UnfitError(ValueError):
    """A value does not fit its key; the message says how it is written."""


def _duration(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise UnfitError(f'{value} has no unit; write it like "{value}d" or "{value}h"')
    if not isinstance(value, str):
        raise UnfitError(f'{value!r} is not a duration; write it like "90d" or "8h"')
    duration = parse_duration(value)
    if not 0 < duration <= _HUNDRED_YEARS:
        raise UnfitError(f"{value!r} is not more than no time and at most 100 years")
    return duration


def _day(value: int) -> int:
    if value > DAY:
        raise UnfitError('a business day is at most "24h"')
    return value


@cache
def _zones() -> set[str]:
    """Every zone there is; it takes a tenth of a second to look."""
    return available_timezones()


def _zone(value: Any) -> Any:
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        like = nearest(value, _zones()) or "; write one like 'Europe/Madrid'"
        raise UnfitError(f"{value!r} is not a time zone{like}") from None
    return value


def _date(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise UnfitError(f"{value!r} is a date that does not exist") from None
    raise UnfitError(f'{value!r} is not a date; write it like "2026-12-24"')


def _span(value: Any) -> Any:
    """``["09:00", "18:00"]`` as milliseconds from midnight."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise UnfitError('a span is a pair like ["09:00", "18:00"]')
    ends = []
    for text in value:
        if not isinstance(text, str) or not _CLOCK_TIME.fullmatch(text):
            raise UnfitError(f"{text!r} is not a time between 00:00 and 24:00, written HH:MM")
        hours, minutes = text.split(":")
        ends.append(int(hours) * HOUR + int(minutes) * MINUTE)
    if ends[0] == ends[1] or ends[0] == DAY:
        raise UnfitError(f"{value[0]} to {value[1]} is no time; a whole day is 00:00 to 24:00")
    if ends[0] > ends[1]:
        # It ends on the next day.
        ends[1] += DAY
    return tuple(ends)


def _spans(value: Any) -> Any:
    if not isinstance(value, list):
        raise UnfitError('spans are a list like [["09:00", "13:00"], ["14:00", "18:00"]]')
    spans = sorted(_span(item) for item in value)
    for (_, close), (opened, _) in pairwise(spans):
        if opened < close:
            raise UnfitError("spans of a day overlap; join them to one")
    return spans


def days_of(text: str) -> list[str]:
    """``mon-fri`` as weekdays. Raises ``UnfitError`` with the remedy."""
    first, _, last = text.partition("-")
    for word in (first, last or first):
        if word not in _DAYS:
            like = nearest(word, _DAYS) or f"; days are {listed(_DAYS)}"
            raise UnfitError(f"{word!r} is not a day of the week{like}")
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    if end < begin:
        raise UnfitError(f"{text!r} goes backwards; write two spans of days, like sat-sun, mon-tue")
    return list(_DAYS[begin : end + 1])


def _week(value: Any) -> Any:
    """``"always"`` and ``{ mon-fri = ... }`` as the spans of each weekday."""
    if value == ALWAYS:
        return {day: [["00:00", "24:00"]] for day in _DAYS}
    if not isinstance(value, dict):
        raise UnfitError(
            f'{value!r} are no hours; write them like {{ mon-fri = [["09:00", "18:00"]] }}, or '
            f'"{ALWAYS}"'
        )
    found: dict[str, Any] = {}
    for days, spans in value.items():
        for day in days_of(str(days)):
            if day in found:
                raise UnfitError(f"{day!r} has hours twice; write them once")
            found[day] = spans
    return found


def _selector(value: Any) -> Any:
    """``"resolved"`` and ``"waiting:supplier"``."""
    if isinstance(value, Selector):
        return value
    if not isinstance(value, str):
        raise UnfitError(f"{value!r} is not an event; write one like 'resolved'")
    name, colon, word = value.partition(":")
    name = MILESTONE if name == "milestone" else name
    if name not in EVENT_TYPES:
        like = nearest(name, EVENT_TYPES) or f"; events are {', '.join(EVENT_TYPES)}"
        raise UnfitError(f"{name!r} is not an event{like}")
    type_ = EVENT_TYPES[name]
    if colon and type_ not in WORDED:
        words = listed(each.word for each in sorted(WORDED))
        raise UnfitError(f"{value!r}: only {words} are told apart by a word; write {name!r}")
    if colon and not re.fullmatch(WORD_PATTERN, word):
        raise UnfitError(
            f"{value!r} has no word behind the colon, of small letters, digits, - and _; write it "
            "like 'waiting:client'"
        )
    if type_ is EventType.REPLIED and colon and word not in get_args(ReplyKind):
        like = nearest(word, get_args(ReplyKind)) or f"; a reply is {listed(get_args(ReplyKind))}"
        raise UnfitError(f"{value!r}: there is no reply {word!r}{like}")
    return Selector(type_, word if colon else None)


def _starts(value: Any) -> Any:
    if value == COMMUNICATED:
        return value
    if not isinstance(value, list) or not value:
        raise UnfitError(
            f"{value!r} is no start; write {COMMUNICATED!r}, the client's report, or events like "
            '["replied"]'
        )
    return value


def _share(value: Any) -> Any:
    if isinstance(value, str):
        raise UnfitError(f"{value!r} is a text; write the number without quotes, like 0.5")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError(f"{value!r} is not a number; write half of a target as 0.5")
    if not 0 < value < 1:
        remedy = f"{value} percent are {value / 100}" if 1 < value < 100 else "half of it is 0.5"
        raise UnfitError(f"{value} is not between 0 and 1, a part of the target; {remedy}")
    return float(value)


def _objective(value: Any) -> Any:
    """``"98%"`` as a share."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    share = Fraction(found[1]) / 100 if found else None
    if share is None or not 0 < share <= 1:
        raise UnfitError(f'{value!r} is not a share of clocks; write it like "98%" or "99.5%"')
    return share


def _wanted(value: Any) -> Any:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values:
        raise UnfitError(f'{value!r} is not a value; write it like "gold" or ["gold", "silver"]')
    for each in values:
        if not isinstance(each, str) or not 0 < len(each) <= MAX_ID:
            raise UnfitError(f"{each!r} is not a value: a text of 1 to {MAX_ID} characters")
    return values


def _calendar_by_fact(value: Any) -> Any:
    if isinstance(value, str):
        return value
    like = 'write it like "business" or { by = "region", emea = "emea", else = "us" }'
    if not isinstance(value, dict):
        raise UnfitError(f"{value!r} is not a calendar; {like}")
    _one_question(value)
    for key, why in ((BY, "by which fact"), (OTHERWISE, "which calendar for all other values")):
        if key not in value:
            raise UnfitError(f"a calendar by a fact says {why}: {key!r} is missing; {like}")
    if len(value) < 3 or not all(isinstance(each, str) for each in value.values()):
        raise UnfitError(f"a calendar by a fact names one for each value; {like}")
    return value


def _one_question(table: Mapping[str, Any]) -> None:
    """Refuse a table that goes by a fact and by the hour of arrival."""
    if BY in table and OF in table:
        raise UnfitError(
            f"a table goes by a fact or by the hour of arrival, not by both; take out {BY!r} or "
            f"{OF!r}"
        )


def _amount_by_fact(value: Any) -> Any:
    like = 'write it like { by = "team", level1 = "30m", else = "4h" }'
    _one_question(value)
    if OTHERWISE not in value:
        why = f"which amount for all other values: {OTHERWISE!r} is missing"
        raise UnfitError(f"an amount by a fact says {why}; {like}")
    if len(value) < 3 or not isinstance(value[BY], str):
        raise UnfitError(f"an amount by a fact names one for each value; {like}")
    return {
        key: each if key == BY else None if _none(each) is None else _amount(each)
        for key, each in value.items()
    }


def _amount(value: Any) -> Any:
    if not isinstance(value, str):
        raise UnfitError(f'{value!r} is not a text; write it like "8h" or "5 business days"')
    if closing_day(value) is not None:
        return value.strip()
    try:
        length = length_of(value, DAY)
    except ValueError:
        like = _meant(value) or f", or {' or '.join(repr(day.value) for day in BusinessDay)}"
        raise UnfitError(
            f"{value!r} is not an amount of time; write it like {AMOUNT_FORMS}{like}"
        ) from None
    if length <= 0:
        raise UnfitError(
            f"{value!r} is no time; write it like {AMOUNT_FORMS}, or {NONE!r} to promise nothing"
        )
    return value


def _meant(amount: str) -> str:
    """What somebody meant who wrote an amount of time in other words."""
    if "next" in amount:
        return f"; did you mean {BusinessDay.NEXT.value!r}?"
    if found := _SPOKEN.search(amount):
        return f"; did you mean '{found[1]}{found[2][0].lower()}'?"
    if found := _NUMBER.match(amount):
        return nearest(amount, [f"{found[1]} business days", BusinessDay.END.value])
    return nearest(amount, [day.value for day in BusinessDay])


def _severity_name(value: Any) -> Any:
    """``"Blocker"`` and ``{ name = "Blocker", es = "Bloqueante" }`` as the name by language."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict) or "name" not in value:
        raise UnfitError(
            f'{value!r} is not a name; write it like "Blocker" or '
            '{ name = "Blocker", es = "Bloqueante" }'
        )
    for key, text in value.items():
        if key not in _NAME_KEYS:
            like = nearest(key, _NAME_KEYS) or f"; write {listed(_NAME_KEYS)}"
            raise UnfitError(f"{key!r} is not a part of a severity's name{like}")
        if not isinstance(text, str) or not 0 < len(text) <= MAX_NAME or text != text.strip():
            raise UnfitError(
                f"{text!r} is not a name: 1 to {MAX_NAME} characters, no blank at either end"
            )
    return value


def _none(value: Any) -> Any:
    """What is written to say that nothing is promised."""
    return None if isinstance(value, str) and value.lower() == NONE else value


def identifier(pattern: str, words: str) -> AfterValidator:
    """A text that matches ``pattern``, which messages call ``words``."""

    def fits(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} is not made of {words}")
        return value

    return AfterValidator(fits)


#: A word of the contract's own: of a severity, an impact, a service.
Word = Annotated[
    str,
    StringConstraints(max_length=MAX_WORD),
    identifier(WORD_PATTERN, "small letters, digits, - and _, as in 'high'"),
    WithJsonSchema({"type": "string", "x-written": "word"}),
]
SeverityName = Annotated[
    dict[str, str],
    BeforeValidator(_severity_name),
    WithJsonSchema({"type": "string", "x-written": "text, or a table with `name` and `es`"}),
]
Zone = Annotated[str, BeforeValidator(_zone)]
#: Takes the word that promises nothing.
OrNone: Final = BeforeValidator(_none)
DurationText = Annotated[
    int, BeforeValidator(_duration), WithJsonSchema({"type": "string", "format": "duration"})
]
DayLength = Annotated[DurationText, AfterValidator(_day)]
Day = Annotated[date, BeforeValidator(_date)]
Spans = Annotated[
    list[tuple[int, int]],
    BeforeValidator(_spans),
    WithJsonSchema({"type": "array", "x-written": "list of spans, from opening to closing"}),
]
Hours = Annotated[
    dict[Weekday, Spans],
    BeforeValidator(_week),
    WithJsonSchema({"type": "object", "x-written": "table of spans by weekday, or `always`"}),
]
EventSelector = Annotated[
    Selector,
    PlainValidator(_selector),
    WithJsonSchema({"type": "string", "enum": list(EVENT_TYPES)}),
]
Starts = Annotated[
    list[EventSelector] | Literal["communicated"],
    BeforeValidator(_starts),
    WithJsonSchema({"type": "string", "x-written": "`communicated`, or a list of events"}),
]
Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema({"type": "number", "x-written": "number between 0 and 1"}),
]
Objective = Annotated[
    Fraction,
    BeforeValidator(_objective),
    WithJsonSchema({"type": "string", "x-written": "per cent"}),
]
#: The values of a fact that an agreement asks for.
Wanted = Annotated[
    list[str],
    BeforeValidator(_wanted),
    WithJsonSchema({"type": "array", "x-written": "text or list of text"}),
]
#: A calendar's name, or a table of names by the value of a fact.
CalendarByFact = Annotated[
    str | dict[str, str],
    BeforeValidator(_calendar_by_fact),
    WithJsonSchema({"type": "string", "x-written": "text, or a table by a fact"}),
]
Amount = Annotated[
    str,
    BeforeValidator(_amount),
    WithJsonSchema({"type": "string", "x-written": "duration, business days, or a day's closing"}),
]
#: By ``BY`` a fact, then an amount by the value of it, or none.
AmountByFact = Annotated[dict[str, str | None], BeforeValidator(_amount_by_fact)]
