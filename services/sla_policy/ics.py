"""iCalendar files (RFC 5545) as what they close: whole days, and parts of days.

``icalendar`` reads the file and ``dateutil`` expands what recurs. An event that is cancelled closes
nothing; one that replaces a single recurrence (RECURRENCE-ID) stands in its place. What can't be
followed is a mistake and is never passed over, since a day would be missing unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Any, Final, NamedTuple

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event, InvalidCalendar, vRecur

from sla_config.wording import listed
from sla_domain.calendar import FIRST_YEAR, LAST_YEAR
from sla_policy.closings import Closings, Part, both_names, sorted_parts

_FIRST: Final = datetime(FIRST_YEAR, 1, 1)  # noqa: DTZ001  wall clock
_LAST: Final = datetime(LAST_YEAR, 12, 31, 23, 59, 59)  # noqa: DTZ001  wall clock
_DAY: Final = timedelta(days=1)
#: What decides when an event is: none of it may be unreadable.
_TIMES: Final = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_OFTEN: Final = ("SECONDLY", "MINUTELY", "HOURLY")
_WITHIN_A_DAY: Final = ("BYHOUR", "BYMINUTE", "BYSECOND")
#: More than any list of holidays has, in all the years of a calendar.
_MOST: Final = 100_000


class Said(NamedTuple):
    """Something about a file, at one of its lines if it can be told."""

    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file closes, what is wrong with it, and what is odd but may be meant."""

    closings: Closings = field(default_factory=Closings)
    mistakes: Sequence[Said] = ()
    oddities: Sequence[Said] = ()


class _UnfitError(ValueError):
    """An event can't be followed; the message completes "the event … "."""


def read_ics(text: str, unnamed: str) -> Reading:
    """What the text of an iCalendar file closes; an event without SUMMARY is called ``unnamed``."""
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except Exception:  # noqa: BLE001  whatever is raised, it is for what the file says
        calendars = []
    if not calendars or any(each.name != "VCALENDAR" for each in calendars):
        return Reading(mistakes=[_no_calendar(text)])
    events = [event for each in calendars for event in each.events]
    if not events:
        return Reading(
            mistakes=[
                Said("holds no event, so it closes nothing; export it once more, or name none")
            ]
        )
    return _Expansion(events, _lines_of_events(text), unnamed).reading()


def _no_calendar(text: str) -> Said:
    remedy = "is no iCalendar file (RFC 5545); export the calendar once more as .ics"
    lines = text.rstrip().split("\n")
    if lines[0].strip().upper() != "BEGIN:VCALENDAR":
        return Said(f"{remedy}, which begins with BEGIN:VCALENDAR", 1)
    for number, line in enumerate(lines, start=1):
        if line.strip() and line[0] not in " \t" and ":" not in line:
            return Said(remedy, number)
    if lines[-1].strip().upper() != "END:VCALENDAR":
        return Said(f"{remedy}, which ends with END:VCALENDAR", len(lines))
    return Said(remedy)


def _lines_of_events(text: str) -> list[int]:
    return [
        number
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip().upper() == "BEGIN:VEVENT"
    ]


class _Expansion:
    """The events of a file, each with its recurrences."""

    def __init__(self, events: Sequence[Event], lines: Sequence[int], unnamed: str) -> None:
        self._unnamed = unnamed
        # An event in a part of the file that the library leaves out would shift all lines.
        self._events = [
            (event, line)
            for event, line in zip(
                events, lines if len(lines) == len(events) else [None] * len(events), strict=True
            )
        ]
        self._days: dict[date, str] = {}
        self._parts: list[Part] = []
        self._count = 0
        #: By UID: the recurrences that events of their own stand for.
        self._replaced: dict[str, list[date]] = {}

    def reading(self) -> Reading:
        """All that they close."""
        mistakes, oddities, left = [], [], []
        for event, line in self._events:
            try:
                self._note_replaced(event)
            except _UnfitError as error:
                mistakes.append(Said(f"the event {self._name_of(event)!r} {error}", line))
                continue
            if _text(event, "STATUS").upper() != "CANCELLED":
                left.append((event, line))
        for event, line in left:
            name = self._name_of(event)
            try:
                closes = self._add(event, name)
            except _UnfitError as error:
                mistakes.append(Said(f"the event {name!r} {error}", line))
                continue
            except OverflowError:
                said = f"the event {name!r} is outside of all years that are known; correct it"
                mistakes.append(Said(said, line))
                continue
            if not closes:
                said = f"the event {name!r} closes no time from {FIRST_YEAR} to {LAST_YEAR}"
                oddities.append(Said(f"{said}; give it an end, or make it all-day", line))
        if not mistakes and not oddities and not (self._days or self._parts):
            oddities.append(Said("every event in it is cancelled, so it closes nothing"))
        return Reading(Closings(self._days, sorted_parts(self._parts)), mistakes, oddities)

    def _name_of(self, event: Event) -> str:
        return _text(event, "SUMMARY") or self._unnamed

    def _note_replaced(self, event: Event) -> None:
        _check_readable(event)
        if (moment := event.get("RECURRENCE-ID")) is None:
            return
        if moment.params.get("RANGE"):
            raise _UnfitError(
                "replaces all that follow one recurrence (RANGE), which is not understood; end the "
                "one before it with UNTIL and make this one an event of its own"
            )
        self._replaced.setdefault(_text(event, "UID"), []).append(moment.dt)

    def _add(self, event: Event, name: str) -> bool:
        """Close what an event closes; whether that is any time, where it takes place at all."""
        times = _Times(event)
        replaced = self._replaced.get(_text(event, "UID"), [])
        if event.get("RECURRENCE-ID") is not None:
            replaced = []
        closes = None
        for start, end in times.occurrences(replaced):
            self._count += 1
            if self._count > _MOST:
                raise _UnfitError(
                    f"recurs too often: a file may close {_MOST} times; end it with UNTIL"
                )
            if end < _FIRST or start > _LAST or start >= end:
                closes = closes or False
                continue
            closes = True
            if not times.all_day:
                self._parts.append(Part(times.moment(start), times.moment(end), name))
                continue
            day = max(start, _FIRST)
            while day < min(end, _LAST):
                self._days[day.date()] = both_names(self._days.get(day.date()), name)
                day += _DAY
        return closes is not False


class _Times:
    """When an event is, in the wall clock of its zone; of an all-day event midnights are."""

    def __init__(self, event: Event) -> None:
        self._event = event
        start = _read(event, "DTSTART")
        if start is None:
            raise _UnfitError("has no date; give it a DTSTART, or delete it")
        self.all_day = not isinstance(start, datetime)
        #: Its zone; none where the wall clock of the calendar is meant.
        self.zone: tzinfo | None = start.tzinfo if isinstance(start, datetime) else None
        self._start = self._local(start)
        self._length = self._length_of(start)

    def occurrences(self, replaced: Iterable[date]) -> Iterator[tuple[datetime, datetime]]:
        """The beginning and end of each time it is, but for those that are replaced or excepted."""
        # What DTSTART says is the first, also where the rule would not have it.
        ends = {self._start: self._start + self._length}
        for rule in _several(self._event.get("RRULE")):
            for start in self._by_rule(rule):
                ends.setdefault(start, start + self._length)
        for first, until in self._event.rdates:
            start = self._local(first)
            ends[start] = start + self._length if until is None else self._local(until)
        left_out = [*replaced, *self._event.exdates]
        moments = {self._local(each) for each in left_out if isinstance(each, datetime)}
        dates = {each for each in left_out if not isinstance(each, datetime)}
        for start, end in sorted(ends.items()):
            if start not in moments and start.date() not in dates:
                yield start, end

    def moment(self, local: datetime) -> datetime:
        """An instant of its zone; or as the wall clock of any calendar."""
        return local if self.zone is None else local.replace(tzinfo=self.zone).astimezone(UTC)

    def _local(self, moment: date) -> datetime:
        if not isinstance(moment, datetime):
            return datetime.combine(moment, time())
        if self.all_day:
            return datetime.combine(moment.date(), time())
        if moment.tzinfo is not None and self.zone is not None:
            moment = moment.astimezone(self.zone)
        return moment.replace(tzinfo=None)

    def _length_of(self, start: date) -> timedelta:
        end, duration = _read(self._event, "DTEND"), _read(self._event, "DURATION")
        if end is None and duration is None:
            return _DAY if self.all_day else timedelta()
        if end is None:
            found: timedelta = duration
        elif isinstance(end, datetime) == self.all_day:
            raise _UnfitError("has a date and a time for its ends; write both as dates")
        elif not self.all_day and (end.tzinfo is None) != (self.zone is None):
            raise _UnfitError("has a time zone at one of its ends only; give both the same")
        else:
            found = self._local(end) - self._local(start)
        if found < timedelta():
            raise _UnfitError("ends before it begins; correct its DTEND")
        if self.all_day:
            if found % _DAY:
                raise _UnfitError("is of a date, but not of whole days; give it times, or days")
            # Written by some programs for one day, though the end is the day after.
            return found or _DAY
        return found

    def _by_rule(self, rule: vRecur) -> list[datetime]:
        often = str(next(iter(rule.get("FREQ", [])), ""))
        several = [key for key in _WITHIN_A_DAY if len(rule.get(key, [])) > 1]
        if often in _OFTEN or (several and not self.all_day):
            raise _UnfitError("recurs more than once a day; make it one event of the whole time")
        strange = [key for key in ("RSCALE", "SKIP") if key in rule]
        if strange or min(rule.get("INTERVAL", [1])) < 1:
            raise _UnfitError(
                f"has an RRULE with {listed(strange or ['INTERVAL=0'])}, which can't be followed; "
                "write its dates as RDATE"
            )
        kept = vRecur(rule)
        for key in _WITHIN_A_DAY if self.all_day else ():
            kept.pop(key, None)
        until = [self._until(each) for each in rule.get("UNTIL", [])]
        # Counted here, since a rule has either a count or an end.
        count = min(kept.pop("COUNT", []), default=None)
        kept["UNTIL"] = [min([*until, _LAST])]
        try:
            text = kept.to_ical().decode()  # type: ignore[no-untyped-call]  # tells no types
            # Some of what can't be is found only when it is followed.
            starts = islice(rrulestr(text, dtstart=self._start), count)
            known = (start for start in starts if start + self._length >= _FIRST)
            return list(islice(known, _MOST + 1))
        except (ValueError, TypeError, LookupError):
            raise _UnfitError(
                "has an RRULE that can't be followed; write its dates as RDATE"
            ) from None

    def _until(self, moment: date) -> datetime:
        if not self.all_day and not isinstance(moment, datetime):
            return datetime.combine(moment, time(23, 59, 59))
        return self._local(moment)


def _check_readable(event: Event) -> None:
    wrong = sorted({str(name) for name, _ in event.errors} & {*_TIMES})
    if wrong:
        raise _UnfitError(f"has a {listed(wrong)} that can't be read; correct it")
    if "EXRULE" in event:
        raise _UnfitError("has an EXRULE, which is not understood; write its dates as EXDATE")
    for name in _TIMES:
        for value in _several(event.get(name)):
            zone = getattr(value, "params", {}).get("TZID")
            moments = [each.dt for each in value.dts] if hasattr(value, "dts") else [value]
            dates = [getattr(each, "dt", each) for each in moments]
            if zone and any(isinstance(each, datetime) and each.tzinfo is None for each in dates):
                raise _UnfitError(
                    f"is in the time zone {zone!r}, which is not known; write one like "
                    "'Europe/Madrid'"
                )


def _read(event: Event, name: str) -> Any:
    try:
        return getattr(event, name)
    except InvalidCalendar:
        raise _UnfitError(f"has a {name} that can't be read; correct it") from None


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(event: Mapping[str, Any], name: str) -> str:
    return next((" ".join(str(each).split()) for each in _several(event.get(name))), "")
