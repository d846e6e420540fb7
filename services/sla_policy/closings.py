"""What closes a calendar beside its week, as files of holidays say it, and how it is kept.

A policy is its text and what it read from other files. So that it can be read again without them,
and so that other contents are another policy, its source holds both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sla_domain.calendar import FIRST_YEAR, LAST_YEAR, Span

#: Between a policy's text and the closings that were read for it: no TOML text can hold it.
_MARK: Final = "\0"
_DAY: Final = timedelta(days=1)
_MS: Final = timedelta(milliseconds=1)


class Part(NamedTuple):
    """A time in which nothing is open. With a zone the two ends are instants; without, they are
    read from the wall clock of the calendar that is closed.
    """

    start: datetime
    end: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Closings:
    """The dates that are closed, by what they are called, and the parts of dates."""

    days: Mapping[date, str] = field(default_factory=dict)
    parts: Sequence[Part] = ()


def both_names(one: str | None, other: str) -> str:
    """What a date is called that has two names."""
    names = [*(one or "").split("; "), other]
    return "; ".join(dict.fromkeys(filter(None, names)))


def shorten(
    dates: dict[date, Sequence[Span]],
    names: dict[date, str],
    week: Sequence[Sequence[Span]],
    zone: str,
    parts: Iterable[Part],
) -> None:
    """Take ``parts`` out of the spans of the dates they touch, and name those that lose any.

    A span that reaches into the next date loses what is closed there, too.
    """
    of_calendar = ZoneInfo(zone)
    for part in parts:
        begin, end = _local(part.start, of_calendar), _local(part.end, of_calendar)
        # A span of the day before may reach into the first.
        day = max(begin.date() - _DAY, date(FIRST_YEAR, 1, 1))
        while day <= min(end.date(), date(LAST_YEAR, 12, 31)):
            midnight = datetime.combine(day, time())
            spans = list(dates.get(day, week[day.weekday()]))
            rest = _without(spans, (begin - midnight) // _MS, (end - midnight) // _MS)
            if rest != spans:
                dates[day] = rest
                names[day] = both_names(names.get(day), part.name)
            day += _DAY


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)


def _without(spans: Iterable[Span], low: int, high: int) -> list[Span]:
    """What of ``spans`` lies before ``low`` or from ``high`` on."""
    rest = []
    for opened, closed in spans:
        left = [(opened, min(closed, low)), (max(opened, high), closed)]
        rest += [(begin, end) for begin, end in left if begin < end]
    return rest


def frozen(text: str, read: Mapping[str, Closings]) -> str:
    """The source of a policy: its text, and the closings that were read for it by file."""
    if not read:
        return text
    kept = {
        name: {
            "days": {day.isoformat(): called for day, called in sorted(each.days.items())},
            "parts": [
                (part.start.isoformat(), part.end.isoformat(), part.name) for part in each.parts
            ],
        }
        for name, each in sorted(read.items())
    }
    return f"{text}{_MARK}{json.dumps(kept, ensure_ascii=False)}"


def thawed(source: str) -> tuple[str, dict[str, Closings]]:
    """What ``frozen`` was given."""
    text, mark, kept = source.partition(_MARK)
    if not mark:
        return text, {}
    return text, {
        name: Closings(
            {date.fromisoformat(day): called for day, called in each["days"].items()},
            tuple(
                Part(datetime.fromisoformat(start), datetime.fromisoformat(end), called)
                for start, end, called in each["parts"]
            ),
        )
        for name, each in json.loads(kept).items()
    }


def sorted_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts in an order that does not depend on that of the file."""
    found = set(parts)
    return tuple(
        sorted(found, key=lambda part: (part.start.isoformat(), part.end.isoformat(), part.name))
    )
