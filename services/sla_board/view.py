"""What a page shows, in one language: made from the board, rendered by the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from sla_board.access import Viewer
from sla_board.board import Board, restricted, write_cursor
from sla_board.ranking import DIMENSIONS, Dimension, Filters, Place
from sla_board.reader import Freshness, Standing
from sla_board.row import NEVER, ClockRow, Row, Status
from sla_board.table import NOTHING_DECIDED, PERIODS, Attained
from sla_domain.instant import SECOND, parse_instant
from sla_domain.status import VENDOR
from sla_text.gravity import Tone, tone
from sla_text.language import Texts
from sla_text.standing import Stand, notice, undelivered, watched
from sla_text.times import left, moment, percent

#: Rows of a section on the full board, and on its own page.
SHOWN: Final = 12
PAGE: Final = 100
#: Rows of a breakdown.
_GROUPS: Final = 10
_SECTIONS: Final[tuple[tuple[str, Status], ...]] = (
    ("next", "open"),
    ("breached", "breached"),
    ("waiting", "waiting"),
)


@dataclass(frozen=True, slots=True)
class Query:
    """What the URL of a page asks for."""

    filters: Filters
    language: str
    section: str | None = None
    cursor: str | None = None

    def link(self, **changes: str | None) -> str:
        """The URL with some of its parameters changed; ``None`` removes one."""
        given: dict[str, str | None] = {"show": self.section, "lang": self.language}
        given |= {str(name): value for name, value in self.filters.items()} | changes
        return "/?" + urlencode({name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True)
class Line:
    """A ticket in a list. ``remaining_ms`` counts down while ``runs``; without it ``left`` does
    not change.
    """

    ticket_id: str
    url: str
    client: str
    severity: str
    tone: Tone
    promise: str
    when: str
    left: str
    remaining_ms: int | None
    runs: bool
    over: bool
    #: Whether the SLA is still met with no time left: it breaches when the calendar next opens.
    holds: bool
    holder: str
    team: str


@dataclass(frozen=True, slots=True)
class Section:
    """A list with its title."""

    name: str
    title: str
    when_title: str
    total: int
    lines: list[Line]
    empty: str
    more: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """Attainment of a period."""

    period: str
    share: str
    detail: str


@dataclass(frozen=True, slots=True)
class TicketGroup:
    """A row of a breakdown."""

    name: str
    url: str
    open: int
    breached: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Open tickets by one dimension."""

    title: str
    groups: list[TicketGroup]


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter and what it can be set to."""

    name: Dimension
    label: str
    #: The word for no filter, which agrees with the label.
    all: str
    value: str
    options: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class View:
    """The live part of the page."""

    now: str
    notice: str | None
    watched: str | None
    undelivered: str | None
    freshness: Freshness
    counts: list[tuple[str, str, int]]
    kept: list[Kept]
    sections: list[Section]
    breakdowns: list[Breakdown]
    empty: str | None


class Viewing:
    """Makes views for one viewer, in one language."""

    def __init__(self, board: Board, viewer: Viewer, texts: Texts) -> None:
        self._board = board
        self._viewer = viewer
        self.texts = texts
        self._names = board.book.latest.severity_names
        self._severities = board.book.severities

    def view(self, query: Query) -> View:
        """The board as ``query`` asks for it. Raises ``CursorError``."""
        board, filters = self._board, restricted(query.filters, self._viewer)
        now, table = board.now(), board.table
        standing = board.standing()
        stand = self._stand(standing)
        counts = table.counts(filters)
        shown = [
            self._section(name, status, filters, query, counts[status], now)
            for name, status in _SECTIONS
            if query.section in (None, name)
        ]
        statuses: tuple[Status, ...] = ("open", "breached", "waiting")
        empty = None
        if not counts["open"]:
            empty = self.texts("live.empty_filters" if query.filters else "live.empty")
        return View(
            now=self._moment(now),
            notice=notice(stand, self.texts),
            watched=watched(stand, self.texts),
            undelivered=undelivered(stand, self.texts),
            freshness=standing.freshness,
            counts=[(name, self.texts(f"live.{name}"), counts[name]) for name in statuses],
            kept=[self._kept(period, board.attainment(period, filters)) for period in PERIODS],
            sections=shown,
            breakdowns=[] if query.section else self._breakdowns(filters, query),
            empty=empty,
        )

    def choices(self, query: Query) -> list[Choice]:
        """The filters, with the values that exist."""
        texts, table = self.texts, self._board.table
        severities = [(name, texts.severity(name, self._names)) for name in self._severities]
        parties = self._board.book.words("party")
        holders = [(name, texts.word("holder", name)) for name in (VENDOR, *parties)]
        scope = restricted({}, self._viewer)
        options: Mapping[Dimension, list[tuple[str, str]]] = {
            "severity": severities,
            "client": [(name, name) for name in sorted(table.counts_by("client", scope))],
            "team": [(name, name) for name in sorted(table.counts_by("team", scope)) if name],
            "holder": holders,
            "agreement": [(name, name) for name in self._board.book.agreements],
        }
        shown: tuple[Dimension, ...] = DIMENSIONS
        if not self._viewer.sees_staff:
            shown = ("severity", "holder", "agreement")
        shown = tuple(name for name in shown if name != "agreement" or options[name])
        return [
            Choice(
                name,
                texts(f"live.{name}"),
                texts("live.all_severities" if name == "severity" else "live.all"),
                query.filters.get(name, ""),
                options[name],
            )
            for name in shown
        ]

    def _stand(self, standing: Standing) -> Stand:
        verdict = standing.verdict
        return Stand(
            freshness=standing.freshness,
            tickets=len(self._board.table),
            trackers=verdict.trackers,
            partitions=verdict.partitions,
            all_partitions=standing.all_partitions,
            behind_ms=verdict.behind_ms,
            last=None if verdict.last is None else self._moment(verdict.last.at),
            stopped=verdict.last is not None and verdict.last.beat.stopped,
            reason=standing.reason,
            undelivered=standing.undelivered if self._viewer.sees_staff else None,
        )

    def _moment(self, instant: int) -> str:
        return moment(instant // SECOND * SECOND, self._board.zone, self.texts)

    def _section(
        self, name: str, status: Status, filters: Filters, query: Query, total: int, now: int
    ) -> Section:
        texts = self.texts
        whole = query.section is not None

        def nothing_due(place: Place) -> bool:
            return name == "next" and place.key == NEVER

        page = self._board.page(
            status,
            filters,
            PAGE if whole else SHOWN,
            query.cursor if whole else None,
            until=nothing_due,
        )
        more = None
        if page.end is not None:
            cursor = write_cursor(page.end)
            more = query.link(cursor=cursor) if whole else query.link(show=name)
        when = {"next": "due", "breached": "broken_at", "waiting": "since"}[name]
        return Section(
            name=name,
            title=texts(f"live.{name}"),
            when_title=texts(f"live.{when}"),
            total=total,
            lines=[self._line(name, row, query, now) for row in page.rows],
            empty=texts(f"live.none_{name}"),
            more=more,
        )

    def _line(self, section: str, row: Row, query: Query, now: int) -> Line:
        texts, board = self.texts, self._board
        clock = row.breach if section == "breached" else row.running
        when = row.holder_since
        if section != "waiting":
            when = None if clock is None else clock.breaks if section == "breached" else clock.due
        countdown = None if clock is None else board.countdown(row, clock, now)
        breaks = parse_instant(clock.breaks) if clock is not None and clock.breaks else now
        told, remaining = "", None if countdown is None else countdown.remaining_ms
        if remaining is not None and remaining <= 0 and breaks > now:
            # All time is used but nothing has breached: that happens when the calendar next opens.
            told, remaining = texts("live.breaches", at=self._moment(breaks)), None
        elif remaining is not None:
            told = left(remaining, texts)
        return Line(
            ticket_id=row.ticket_id,
            url=f"/tickets/{quote(row.ticket_id, safe='')}?lang={query.language}",
            client=row.client_id,
            severity=texts.severity(row.severity, self._names),
            tone=tone(row.severity, self._severities),
            promise=self._promise(clock),
            when=self._moment(parse_instant(when)) if when else "",
            left=told,
            remaining_ms=remaining,
            runs=countdown is not None and countdown.runs,
            over=remaining is not None and remaining <= 0,
            holds=clock is not None and clock.breaks != clock.due,
            holder=texts.word("holder", row.holder or "nobody"),
            team=(row.team or "") if self._viewer.sees_staff else "",
        )

    def _promise(self, clock: ClockRow | None) -> str:
        return "" if clock is None else self.texts.word("clock", clock.clock)

    def _kept(self, period: str, attained: Mapping[str, Attained]) -> Kept:
        texts = self.texts
        total = attained.get("", NOTHING_DECIDED)
        title = texts(f"live.{period}")
        if total.share is None:
            return Kept(title, "-", texts("live.nothing_decided"))
        detail = texts("live.kept_of", kept=total.kept, decided=total.kept + total.broken)
        if total.share_without not in (None, total.share):
            without = percent(total.share_without, texts)
            detail = texts("live.kept_without", detail=detail, share=without)
        return Kept(title, percent(total.share, texts), detail)

    def _breakdowns(self, filters: Filters, query: Query) -> list[Breakdown]:
        shown: tuple[Dimension, ...] = ("severity", "agreement", "client", "team")
        if not self._viewer.sees_staff:
            shown = ("severity", "agreement")
        return [
            found
            for found in (self._breakdown(dimension, filters, query) for dimension in shown)
            if len(found.groups) > 1
        ]

    def _breakdown(self, dimension: Dimension, filters: Filters, query: Query) -> Breakdown:
        counts = self._board.table.counts_by(dimension, filters)
        largest = sorted(counts.items(), key=lambda item: (-item[1]["open"], item[0]))[:_GROUPS]
        groups = [
            TicketGroup(
                self._group_name(dimension, name),
                query.link(**{dimension: name}),
                each["open"],
                each["breached"],
                each["waiting"],
            )
            for name, each in largest
        ]
        return Breakdown(self.texts(f"live.by_{dimension}"), groups)

    def _group_name(self, dimension: Dimension, name: str) -> str:
        if dimension == "severity":
            return self.texts.severity(name, self._names)
        return name or self.texts("live.none" if dimension == "agreement" else "live.no_team")
