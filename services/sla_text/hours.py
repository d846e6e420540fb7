"""The hours of calendars in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from sla_domain.calendar import Calendar, Span
from sla_domain.instant import DAY
from sla_text.language import Texts
from sla_text.times import length, open_hours

#: A day that is open from one midnight to the next.
_WHOLE_DAY: Final = [(0, DAY)]


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
