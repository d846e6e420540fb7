"""Every ticket of the tracker's table in memory, ready for the board's queries."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from sla_board.ranking import (
    DIMENSIONS,
    Dimension,
    Filters,
    Group,
    Place,
    Ranking,
    group_of,
    matches,
)
from sla_board.row import ClockRow, EarlierRow, Row, Status, local_day
from sla_schemas.words import Outcome

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
#: Statuses listed latest first.
LATEST_FIRST: Final = frozenset({"breached", "closed"})
Period = Literal["today", "week", "month"]
PERIODS: Final[tuple[Period, ...]] = get_args(Period)


class Verdict(NamedTuple):
    """A clock whose SLA was decided, and the day it counts on: whether it was met, and whether it
    would be without exceptions; ``None`` if it does not count.
    """

    day: int
    clock: str
    severity: str
    client: str
    team: str
    agreement: str
    kept: bool | None
    kept_without: bool | None


class Attained(NamedTuple):
    """SLAs met (``kept``) and breached (``broken``), and the same if no exception was granted."""

    kept: int
    broken: int
    kept_without: int
    broken_without: int

    @property
    def share(self) -> float | None:
        """The share that was met; ``None`` if there are none."""
        return _share(self.kept, self.broken)

    @property
    def share_without(self) -> float | None:
        """The same if no exception was granted."""
        return _share(self.kept_without, self.broken_without)


def _share(kept: int, broken: int) -> float | None:
    return kept / (kept + broken) if kept + broken else None


#: Where nothing was decided.
NOTHING_DECIDED: Final = Attained(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Page:
    """Some tickets in order; ``end`` is where the next page continues, if there is one."""

    rows: list[Row]
    end: Place | None


class Origin(NamedTuple):
    """Where a ticket's record is on the table topic."""

    partition: int
    offset: int


class _Known(NamedTuple):
    """A ticket as it was added, so that it can be removed the same way."""

    row: Row
    origin: Origin
    places: dict[Status, str]
    verdicts: list[Verdict]


class BoardTable:
    """The rows, sorted and counted as they change. ``zone`` decides when a day begins."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        #: Increases with every change.
        self.version = 0
        self._known: dict[str, _Known] = {}
        self._rankings: dict[Status, Ranking] = {status: Ranking() for status in STATUSES}
        self._groups: dict[Group, Counter[Status]] = {}
        self._days: dict[int, Counter[Verdict]] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """How many tickets there are."""
        return len(self._known)

    def ids(self) -> set[str]:
        """The ids of all tickets."""
        return set(self._known)

    def put(self, row: Row, origin: Origin) -> None:
        """Store a ticket's new record."""
        known = _Known(row, origin, row.places(), list(self._verdicts(row)))
        self._replace(self._known.get(row.ticket_id), known)
        self._known[row.ticket_id] = known
        self.version += 1

    def remove(self, ticket_id: str) -> None:
        """Remove a ticket that left the tracker's table."""
        self._replace(self._known.pop(ticket_id, None), None)
        self.version += 1

    def announce(self) -> None:
        """Wake everyone waiting for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def changes(self, since: int, seconds: float) -> None:
        """Wait for a version newer than ``since``, for ``seconds`` at most."""
        changed = self._changed
        if self.version == since:
            try:
                async with asyncio.timeout(seconds):
                    await changed.wait()
            except TimeoutError:
                return

    def get(self, ticket_id: str) -> Row | None:
        """A ticket by its id."""
        known = self._known.get(ticket_id)
        return None if known is None else known.row

    def origin(self, ticket_id: str) -> Origin | None:
        """Where a ticket's whole record is."""
        known = self._known.get(ticket_id)
        return None if known is None else known.origin

    def page(
        self,
        status: Status,
        filters: Filters,
        limit: int,
        after: Place | None = None,
        *,
        backwards: bool | None = None,
        until: Callable[[Place], bool] | None = None,
    ) -> Page:
        """The tickets of ``status`` that match, after ``after``, at most ``limit``.

        Those that breached or closed last come first unless ``backwards`` says otherwise; the page
        ends before the first place for which ``until`` is true.
        """
        if backwards is None:
            backwards = status in LATEST_FIRST
        found: list[Row] = []
        last: Place | None = None
        for place in self._rankings[status].places(filters, after, backwards=backwards):
            if until is not None and until(place):
                break
            row = self._known[place.ticket_id].row
            if matches(row, filters):
                if len(found) == limit:
                    return Page(found, last)
                found.append(row)
                last = place
        return Page(found, None)

    def counts(self, filters: Filters) -> Counter[Status]:
        """How many tickets of each status match."""
        total: Counter[Status] = Counter()
        for _, counts in self._matching(filters):
            total.update(counts)
        return total

    def counts_by(self, dimension: Dimension, filters: Filters) -> dict[str, Counter[Status]]:
        """The same for each value of ``dimension``; open tickets only."""
        at = DIMENSIONS.index(dimension)
        found: dict[str, Counter[Status]] = {}
        for group, counts in self._matching(filters):
            if counts["open"]:
                found.setdefault(group[at], Counter()).update(counts)
        return found

    def attainment(
        self,
        first: int,
        last: int,
        filters: Filters,
        by: Callable[[Verdict], str] = lambda _: "",
    ) -> dict[str, Attained]:
        """SLAs met and breached from day ``first`` to day ``last``, grouped by ``by``.

        A clock that met its SLA counts on the day it stopped, a breached one on the day it was
        due. The filter ``holder`` is ignored here.
        """
        found: dict[str, list[int]] = {}
        for day in range(first, last + 1):
            for verdict, count in self._days.get(day, {}).items():
                if all(
                    getattr(verdict, dimension) == value
                    for dimension, value in filters.items()
                    if dimension != "holder"
                ):
                    counts = found.setdefault(by(verdict), [0, 0, 0, 0])
                    for place, kept in ((0, verdict.kept), (2, verdict.kept_without)):
                        if kept is not None:
                            counts[place + (not kept)] += count
        return {name: Attained(*counts) for name, counts in sorted(found.items())}

    def _matching(self, filters: Filters) -> Iterator[tuple[Group, Counter[Status]]]:
        wanted = [(DIMENSIONS.index(dimension), value) for dimension, value in filters.items()]
        for group, counts in self._groups.items():
            if all(group[at] == value for at, value in wanted):
                yield group, counts

    def _replace(self, old: _Known | None, new: _Known | None) -> None:
        """Sort and count again what changed; most records change little of a ticket."""
        old_group = () if old is None else group_of(old.row)
        new_group = () if new is None else group_of(new.row)
        moved = old_group != new_group
        old_places = {} if old is None else old.places
        new_places = {} if new is None else new.places
        for status in STATUSES:
            before, after = old_places.get(status), new_places.get(status)
            if before == after and not moved:
                continue
            ranking = self._rankings[status]
            if before is not None and old is not None:
                ranking.remove(Place(before, old.row.ticket_id), old_group)
            if after is not None and new is not None:
                ranking.add(Place(after, new.row.ticket_id), new_group)
        if (
            old is not None
            and new is not None
            and not moved
            and old.places.keys() == new.places.keys()
            and old.verdicts == new.verdicts
        ):
            return
        if old is not None:
            self._count(old, old_group, -1)
        if new is not None:
            self._count(new, new_group, 1)

    def _count(self, known: _Known, group: Group, by: int) -> None:
        counts = self._groups.setdefault(group, Counter())
        for status in known.places:
            counts[status] += by
        if not any(counts.values()):
            del self._groups[group]
        for verdict in known.verdicts:
            day = self._days.setdefault(verdict.day, Counter())
            day[verdict] += by
            if not day[verdict]:
                del day[verdict]

    def _verdicts(self, row: Row) -> Iterator[Verdict]:
        """The decided SLAs of a ticket; what is promised between teams is none."""
        for clock in row.promised:
            late = clock.outcome == "breached" and clock.due is not None
            decided = clock.due if late else clock.stopped
            if decided is not None and _decides(clock):
                yield _verdict(row, clock, local_day(decided, self.zone))
        for earlier in row.earlier_cycles:
            if earlier.team is None and _decides(earlier):
                verdict = _verdict(row, earlier, earlier.date.toordinal())
                yield from repeat(verdict, earlier.count)


_KEPT: Final[Mapping[Outcome, bool]] = {"met": True, "breached": False}


def _decides(clock: ClockRow | EarlierRow) -> bool:
    return clock.outcome in _KEPT or clock.without_exceptions in _KEPT


def _verdict(row: Row, clock: ClockRow | EarlierRow, day: int) -> Verdict:
    return Verdict(
        day,
        clock.clock,
        clock.severity,
        row.client_id,
        row.team or "",
        clock.agreement or "",
        _KEPT.get(clock.outcome),
        _KEPT.get(clock.without_exceptions or clock.outcome),
    )


def days_of(period: Period, today: date) -> tuple[int, int]:
    """The first and the last day of the period that ``today`` lies in, up to today; weeks begin on
    Monday.
    """
    first: Mapping[Period, int] = {
        "today": today.toordinal(),
        "week": today.toordinal() - today.weekday(),
        "month": today.replace(day=1).toordinal(),
    }
    return first[period], today.toordinal()
