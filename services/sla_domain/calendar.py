"""Business time: whether an instant is open, open time between instants, and its addition.

A calendar is a set of open instants: those whose local time, in the calendar's zone, lies in one
of the half-open spans ``[open, close)`` of that local date. Elapsed time counts, not wall-clock
labels: a span across a daylight-saving gap is shorter than it reads, one across a fold is longer.

The open intervals are kept as three sorted arrays, searched by bisection; years are added on
demand.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from typing import Final
from zoneinfo import ZoneInfo

from sla_domain.errors import CalendarError
from sla_domain.instant import DAY, from_datetime

#: A span of local time in milliseconds from local midnight, ``0 <= open < 24 h``, and at most a day
#: long: it may end on the next date, and belongs to the one it opens on.
Span = tuple[int, int]

#: The years a calendar supports; instants end at 2100, but deadlines may be later.
FIRST_YEAR: Final = 1969
LAST_YEAR: Final = 2120

_ORDINAL_1970: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Piece:
    """A UTC interval with a constant zone offset; all three in milliseconds."""

    start: int
    end: int
    offset: int


def _offset_at(zone: ZoneInfo, instant: int) -> int:
    moment = datetime.fromtimestamp(instant // 1000, UTC).astimezone(zone)
    offset = moment.utcoffset()
    return 0 if offset is None else offset // timedelta(milliseconds=1)


def _pieces(zone: ZoneInfo, start: int, end: int) -> Iterator[Piece]:
    """Split ``[start, end)`` at the zone's offset changes, located to the second."""
    begin, offset = start, _offset_at(zone, start)
    for probe in range(start, end, DAY):
        upper = min(probe + DAY, end)
        found = _offset_at(zone, upper)
        if found == offset:
            continue
        low, high = probe, upper
        while high - low > 1000:
            middle = (low + high) // 2000 * 1000
            if _offset_at(zone, middle) == offset:
                low = middle
            else:
                high = middle
        yield Piece(begin, high, offset)
        begin, offset = high, found
    yield Piece(begin, end, offset)


@dataclass(slots=True, eq=False)
class Calendar:
    """A named set of open instants.

    ``week`` holds the spans of Monday to Sunday; ``dates`` replaces those of single local dates
    (a holiday is a date without spans). What is open in one of ``union`` is open, too, and what is
    open in one of ``excluded`` is not. ``day_length`` is what one business day counts, in
    milliseconds; ``None`` where it has not been said.

    ``position`` is the open time since an arbitrary fixed origin, so only differences of positions
    are meaningful. Every other method uses it or its inverse.
    """

    name: str
    zone: str
    week: Sequence[Sequence[Span]]
    dates: Mapping[date, Sequence[Span]] = field(default_factory=dict)
    day_length: int | None = None
    union: Sequence[Calendar] = ()
    excluded: Sequence[Calendar] = ()
    #: What the holidays among ``dates`` are called, for people.
    names: Mapping[date, str] = field(default_factory=dict)
    _zone: ZoneInfo = field(init=False, repr=False)
    _first: int = field(init=False, repr=False, default=0)
    _end: int = field(init=False, repr=False, default=0)
    _opens: list[int] = field(init=False, repr=False, default_factory=list)
    _closes: list[int] = field(init=False, repr=False, default_factory=list)
    _positions: list[int] = field(init=False, repr=False, default_factory=list)
    _low: int = field(init=False, repr=False, default=0)
    _high: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        self._zone = ZoneInfo(self.zone)
        if not any(self.week) and not any(self.dates.values()) and not self.union:
            raise CalendarError(f"calendar {self.name!r} never opens")

    def position(self, instant: int) -> int:
        """Open milliseconds from the origin to ``instant``; negative before the origin."""
        if not self._low <= instant < self._high:
            self._cover(instant)
        index = bisect_right(self._opens, instant) - 1
        if index < 0:
            return self._positions[0] if self._positions else 0
        close = self._closes[index]
        reached = min(close, instant)
        return self._positions[index] + reached - self._opens[index]

    def first_at(self, position: int) -> int:
        """The first instant at ``position``; for a closing time, the closing time itself.

        Raises ``CalendarError`` if the calendar has too little open time before its last year.
        """
        self._begin()
        while not self._positions or position > self._end_position():
            self._extend_right()
        while position <= self._positions[0]:
            self._extend_left()
        index = bisect_left(self._positions, position) - 1
        return self._opens[index] + position - self._positions[index]

    def last_at(self, position: int) -> int:
        """The last instant at ``position``; at a closing time, the next opening."""
        self._begin()
        while not self._positions or position >= self._end_position():
            self._extend_right()
        while position < self._positions[0]:
            self._extend_left()
        index = bisect_right(self._positions, position) - 1
        return self._opens[index] + position - self._positions[index]

    def between(self, start: int, end: int) -> int:
        """Open milliseconds in ``[start, end)``; 0 if ``end <= start``."""
        return self.position(end) - self.position(start) if end > start else 0

    def is_open(self, instant: int) -> bool:
        """True if ``instant`` is open; a closing time is not."""
        return self.between(instant, instant + 1) > 0

    def add(self, start: int, amount: int) -> int:
        """The first instant that is ``amount`` open milliseconds after ``start``.

        Zero returns ``start``. A negative amount returns the last instant with that much open time
        before ``start``.
        """
        if amount == 0:
            return start
        target = self.position(start) + amount
        return self.first_at(target) if amount > 0 else self.last_at(target)

    def intervals(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The open intervals within ``[start, end)``, in order."""
        self.position(start), self.position(end)
        index = max(bisect_right(self._opens, start) - 1, 0)
        while index < len(self._opens) and self._opens[index] < end:
            low, high = max(start, self._opens[index]), min(end, self._closes[index])
            if low < high:
                yield low, high
            index += 1

    def unusual(self, year: int) -> Iterator[tuple[date, Sequence[Span]]]:
        """The dates of a year on which its own hours are not those of the weekday, with them."""
        for day in sorted(self.dates):
            spans = self.dates[day]
            if day.year == year and list(spans) != list(self.week[day.weekday()]):
                yield day, spans

    def local_day(self, instant: int) -> int:
        """The local date of ``instant``, in days after 1970-01-01."""
        return (instant + _offset_at(self._zone, instant)) // DAY

    def closing_from(self, day: int) -> int:
        """The last closing of the first local date, ``day`` or later, on which it opens.

        Raises ``CalendarError`` if there is none before its last year.
        """
        last = date(LAST_YEAR, 12, 31).toordinal() - _ORDINAL_1970
        for each in range(day, last + 1):
            hours = self.hours_on(each)
            if hours:
                return hours[-1][1]
        raise CalendarError(f"calendar {self.name!r} does not open again by {LAST_YEAR}")

    def hours_on(self, day: int) -> list[tuple[int, int]]:
        """The open intervals that belong to a local date, in days after 1970-01-01: those of the
        spans that open on it; for each calendar of a union those of the date in its own zone.
        """
        midnight = day * DAY
        found: Iterable[tuple[int, int]] = [
            # A date begins at most a day before or after its midnight of UTC, its last span ends
            # at most a day after it does.
            interval
            for piece in _pieces(self._zone, midnight - DAY, midnight + 3 * DAY)
            for interval in self._opened_on(day, piece)
        ]
        if self.union:
            found = sorted([*found, *[each for it in self.union for each in it.hours_on(day)]])
        hours = list(_joined(found))
        for calendar in self.excluded:
            if hours:
                hours = list(_without(hours, calendar.intervals(hours[0][0], hours[-1][1])))
        return hours

    def _end_position(self) -> int:
        return self._positions[-1] + self._closes[-1] - self._opens[-1]

    def _begin(self) -> None:
        if self._first == self._end:
            self._cover(0)

    def _cover(self, instant: int) -> None:
        if self._first == self._end:
            self._first = self._end = datetime.fromtimestamp(instant // 1000, UTC).year
            self._low = self._high = _year_start(self._first)
        while instant < self._low:
            self._extend_left()
        while instant >= self._high:
            self._extend_right()

    def _extend_right(self) -> None:
        year = self._end
        if year > LAST_YEAR:
            raise CalendarError(f"calendar {self.name!r} does not open that often by {LAST_YEAR}")
        for opened, closed in self.year(year):
            if self._closes and self._closes[-1] == opened:
                self._closes[-1] = closed
                continue
            self._positions.append(self._end_position() if self._positions else 0)
            self._opens.append(opened)
            self._closes.append(closed)
        self._end, self._high = year + 1, _year_start(year + 1)

    def _extend_left(self) -> None:
        """Prepend a year, with negative positions; positions already returned remain valid."""
        year = self._first - 1
        if year < FIRST_YEAR:
            raise CalendarError(f"calendar {self.name!r} is not kept before {FIRST_YEAR}")
        earlier = list(self.year(year))
        if earlier and self._opens and earlier[-1][1] == self._opens[0]:
            opened, _ = earlier.pop()
            self._positions[0] -= self._opens[0] - opened
            self._opens[0] = opened
        position = self._positions[0] if self._positions else 0
        for opened, closed in reversed(earlier):
            position -= closed - opened
            self._positions.insert(0, position)
            self._opens.insert(0, opened)
            self._closes.insert(0, closed)
        self._first, self._low = year, _year_start(year)

    def year(self, year: int) -> Iterator[tuple[int, int]]:
        """The open intervals of one UTC year, neighbours that touch joined."""
        found = self._raw_year(year)
        if self.union:
            found = merge(found, *[member.year(year) for member in self.union])
        joined = _joined(found)
        for calendar in self.excluded:
            joined = _without(joined, calendar.year(year))
        return joined

    def _raw_year(self, year: int) -> Iterator[tuple[int, int]]:
        for piece in _pieces(self._zone, _year_start(year), _year_start(year + 1)):
            low, high = piece.start + piece.offset, piece.end + piece.offset
            # A span of the day before may reach into the first.
            for day in range(low // DAY - 1, -(-high // DAY)):
                yield from self._opened_on(day, piece)

    def _opened_on(self, day: int, piece: Piece) -> Iterator[tuple[int, int]]:
        """What of the spans of a local date lies in ``piece``."""
        midnight = day * DAY - piece.offset
        for opened, closed in self._spans(day):
            begin, end = max(piece.start, midnight + opened), min(piece.end, midnight + closed)
            if begin < end:
                yield begin, end

    def _spans(self, day: int) -> Sequence[Span]:
        """The spans of the local date ``day`` days after 1970-01-01 (a Thursday)."""
        if self.dates:
            spans = self.dates.get(date.fromordinal(day + _ORDINAL_1970))
            if spans is not None:
                return spans
        return self.week[(day + 3) % 7]


def _joined(intervals: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Intervals in the order of their openings, those that touch or overlap made one."""
    joined: tuple[int, int] | None = None
    for opened, closed in intervals:
        if joined is None:
            joined = (opened, closed)
        elif opened <= joined[1]:
            joined = (joined[0], max(joined[1], closed))
        else:
            yield joined
            joined = (opened, closed)
    if joined is not None:
        yield joined


def _without(
    intervals: Iterable[tuple[int, int]], holes: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """What of ``intervals`` lies in none of ``holes``; each in order and without overlaps."""
    cut = list(holes)
    index = 0
    for opened, closed in intervals:
        begin = opened
        while index < len(cut) and cut[index][1] <= begin:
            index += 1
        at = index
        while at < len(cut) and cut[at][0] < closed:
            if begin < cut[at][0]:
                yield begin, cut[at][0]
            begin = max(begin, cut[at][1])
            at += 1
        if begin < closed:
            yield begin, closed


def _year_start(year: int) -> int:
    return from_datetime(datetime(year, 1, 1, tzinfo=UTC))
