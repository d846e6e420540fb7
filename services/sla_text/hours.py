"""The hours of calendars in words, and the dates on which they are other ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sla_domain.calendar import Calendar, Span
from sla_domain.instant import DAY, to_datetime
from sla_text.language import Texts
from sla_text.times import length, open_hours

#: A day that is open from one midnight to the next.
_WHOLE_DAY: Final = [(0, DAY)]
_ORDINAL_1970: Final = date(1970, 1, 1).toordinal()
_MS: Final = timedelta(milliseconds=1)


def always_open(calendar: Calendar) -> bool:
    """Whether it is open around the clock on every date."""
    return _whole_week(calendar.week) and not calendar.dates and not calendar.excluded


def told_hours(calendar: Calendar, texts: Texts) -> str:
    """When a calendar is open, and how long a business day of it is."""
    parts = []
    if _whole_week(calendar.week):
        parts.append(texts("contract.always_but" if calendar.dates else "contract.always"))
    elif any(calendar.week):
        parts.append(_told_week(calendar.week, texts))
    if calendar.union:
        parts.append(_told_union(calendar.union, texts))
    if calendar.excluded:
        excluded = _listed(calendar.excluded, "contract.or", texts)
        parts[-1] += texts("contract.except", calendars=excluded)
    if calendar.day_length is not None and calendar.day_length < DAY:
        parts.append(texts("contract.day", length=length(calendar.day_length, texts)))
    return "; ".join(parts)


class Unusual(NamedTuple):
    """A date on which a calendar has other hours than on its weekday, and what it is called."""

    day: date
    spans: Sequence[Span]
    name: str


def unusual_days(calendar: Calendar, year: int) -> Iterator[Unusual]:
    """Those dates of a year, also of a calendar that is made of others: what they do to it."""
    if not calendar.union and not calendar.excluded:
        for day, spans in calendar.unusual(year):
            yield Unusual(day, spans, calendar.names.get(day, ""))
        return
    usual, zone = _without_dates(calendar), ZoneInfo(calendar.zone)
    names = _names(calendar)
    # In another zone a date may end on the next one, and a night does so everywhere.
    near = {day + timedelta(days=by) for day in names for by in (-1, 0, 1)}
    for day in sorted(day for day in near if day.year == year):
        number = day.toordinal() - _ORDINAL_1970
        hours = calendar.hours_on(number)
        if hours != ([] if usual is None else usual.hours_on(number)):
            yield Unusual(day, [_local(each, day, zone) for each in hours], names.get(day, ""))


def _names(calendar: Calendar) -> dict[date, str]:
    """The dates of a calendar and all that it is made of, and what they are called."""
    found = {day: calendar.names.get(day, "") for day in calendar.dates}
    for part in (*calendar.union, *calendar.excluded):
        for day, name in _names(part).items():
            found[day] = found.get(day) or name
    return found


def _without_dates(calendar: Calendar) -> Calendar | None:
    """A calendar as its weekdays are; ``None`` where it then never opens."""
    union = [part for each in calendar.union if (part := _without_dates(each))]
    if not union and not any(calendar.week):
        return None
    excluded = [part for each in calendar.excluded if (part := _without_dates(each))]
    return Calendar(calendar.name, calendar.zone, calendar.week, union=union, excluded=excluded)


def _local(interval: Span, day: date, zone: ZoneInfo) -> Span:
    """An open interval as a span of a local date."""
    begin, end = (to_datetime(each).astimezone(zone).replace(tzinfo=None) for each in interval)
    opened = (begin - datetime.combine(day, time())) // _MS
    # Of another zone it may begin on the day before; the hour is told, whichever the day.
    opened = opened % DAY if opened < 0 else opened
    return opened, opened + (end - begin) // _MS


def _told_union(union: Sequence[Calendar], texts: Texts) -> str:
    return texts.counted(
        "contract.union", len(union), calendars=_listed(union, "contract.and", texts)
    )


def _listed(calendars: Sequence[Calendar], joined: str, texts: Texts) -> str:
    *most, last = [texts.word("calendar", each.name) for each in calendars]
    return texts(joined, most=", ".join(most), last=last) if most else last


def _whole_week(week: Sequence[Sequence[Span]]) -> bool:
    return all(list(spans) == _WHOLE_DAY for spans in week)


def _told_week(week: Sequence[Sequence[Span]], texts: Texts) -> str:
    """``Mon-Fri 09:00-18:00; Sat 09:00-13:00``."""
    parts = []
    for spans, days in groupby(range(7), key=lambda day: list(week[day])):
        if spans:
            first, *rest = days
            name = texts.weekdays[first]
            if rest:
                name += f"-{texts.weekdays[rest[-1]]}"
            parts.append(f"{name} {open_hours(spans)}")
    return "; ".join(parts)
