"""The timeline of an explained ticket as shapes: a lane for its states, one for each limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sla_domain.explanation import SpanKind
from sla_domain.instant import DAY, HOUR, MINUTE, from_datetime, parse_instant, to_datetime
from sla_text.presentation import Document, Presenter
from sla_text.times import length

WIDTH: Final = 1000
LANE: Final = 46
_TICKS: Final = 7
#: How many cycles of a clock have a lane each.
_LANES: Final = 3
_STEPS: Final = (
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A span: where it is drawn, its kind, and its tooltip."""

    x: float
    width: float
    kind: str
    tip: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant: a tick of the axis, an event, a due or an alert."""

    x: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of bars and the marks on them."""

    label: str
    bars: list[Bar]
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything to draw, in units of which ``WIDTH`` fill the picture."""

    lanes: list[Lane]
    events: list[Mark]
    ticks: list[Mark]

    @property
    def height(self) -> int:
        """The height in the same units."""
        return LANE * len(self.lanes) + 56


def draw(document: Document, presenter: Presenter) -> Drawing | None:
    """The timeline of an explained ticket; ``None`` if it has not been created yet."""
    if not document["stages"]:
        return None
    scale = _Scale(document)
    events = [
        Mark(
            scale.x(parse_instant(event["occurred"])),
            "event",
            f"{presenter.moment(event['occurred'])}: "
            f"{presenter.texts.word('event', event['type'])}",
        )
        for event in document["events"]
        if scale.holds(parse_instant(event["occurred"]))
    ]
    lanes = [_states(document, presenter, scale)]
    cycles: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for clock in document["clocks"]:
        cycles[clock["clock"]].append(clock)
    for clocks in cycles.values():
        each = [
            [_limit(document, clock, limit, presenter, scale) for limit in clock["limits"]]
            for clock in clocks
        ]
        if len(clocks) > _LANES and all(len(limits) == 1 for limits in each):
            lanes.append(_together(clocks, [limits[0] for limits in each], presenter))
        else:
            lanes += [lane for limits in each for lane in limits]
    return Drawing(lanes, events, list(_ticks(scale, presenter)))


class _Scale:
    """Maps instants to positions: the ticket's life, up to now or to the last thing to show."""

    def __init__(self, document: Document) -> None:
        as_of = parse_instant(document["as_of"])
        self.start = parse_instant(document["communicated_at"])
        shown = [parse_instant(event["occurred"]) for event in document["events"]]
        shown += [parse_instant(alert["at"]) for alert in document["alerts"]]
        running = False
        for clock in document["clocks"]:
            running = running or (clock["stopped"] is None and bool(clock["limits"]))
            shown += [parse_instant(lim["due"]) for lim in clock["limits"] if lim["due"]]
        self.end = max([*shown, self.start + MINUTE, *([as_of] if running else [])])

    def holds(self, instant: int) -> bool:
        return self.start <= instant <= self.end

    def x(self, instant: int) -> float:
        inside = min(max(instant, self.start), self.end)
        return round((inside - self.start) * WIDTH / (self.end - self.start), 2)


def _bar(start: int, end: int, kind: str, tip: str, scale: _Scale) -> Bar:
    x = scale.x(start)
    return Bar(x, round(scale.x(end) - x, 2), kind, tip)


def _states(document: Document, presenter: Presenter, scale: _Scale) -> Lane:
    stages = document["stages"]
    ends = [parse_instant(stage["start"]) for stage in stages[1:]] + [scale.end]
    bars = []
    for stage, end in zip(stages, ends, strict=True):
        start = parse_instant(stage["start"])
        tip = f"{presenter.moment(stage['start'])}: {presenter.texts.word('state', stage['state'])}"
        bars.append(_bar(start, end, stage["state"], tip, scale))
    return Lane(presenter.texts("column.state"), bars, [])


def _limit(
    document: Document,
    clock: Mapping[str, Any],
    limit: Mapping[str, Any],
    presenter: Presenter,
    scale: _Scale,
) -> Lane:
    texts = presenter.texts
    bars = []
    for span in limit["spans"]:
        start, end = parse_instant(span["start"]), parse_instant(span["end"])
        if start < scale.end:
            tip = f"{presenter.moment(span['start'])}: {texts.word('span', span['kind'])}, "
            bars.append(_bar(start, end, span["kind"], tip + length(span["ms"], texts), scale))
    marks = [
        Mark(scale.x(parse_instant(alert["at"])), "breach", presenter.moment(alert["at"]))
        for alert in document["alerts"]
        if alert["what"] == "breach"
        and alert["retracted"] is None
        and (alert["clock"], alert["cycle"], alert["limit"])
        == (clock["clock"], clock["cycle"], limit["limit"])
    ]
    if limit["due"]:
        due = parse_instant(limit["due"])
        marks.append(Mark(scale.x(due), "due", presenter.moment(limit["due"])))
    name = texts.word("limit", limit["limit"])
    if limit["ended"]:
        name = texts("explain.ended_limit", limit=name, at=presenter.moment(limit["ended"]))
    return Lane(f"{presenter.clock_title(clock)} ({name})", bars, marks)


def _together(
    clocks: Sequence[Mapping[str, Any]], lanes: Sequence[Lane], presenter: Presenter
) -> Lane:
    """Many cycles of a clock, which come one after the other, in one lane."""
    told = presenter.texts(
        "explain.cycles_title",
        clock=presenter.texts.word("clock", clocks[0]["clock"]),
        first=clocks[0]["cycle"],
        last=clocks[-1]["cycle"],
    )
    bars = [bar for lane in lanes for bar in lane.bars if bar.kind != SpanKind.STOPPED]
    return Lane(told, bars, [mark for lane in lanes for mark in lane.marks])


def _ticks(scale: _Scale, presenter: Presenter) -> Iterator[Mark]:
    span = scale.end - scale.start
    step = next((each for each in _STEPS if span / each <= _TICKS), _STEPS[-1])
    first = to_datetime(scale.start).astimezone(presenter.zone)
    local = datetime(first.year, first.month, first.day, tzinfo=presenter.zone)
    while (at := _instant(local, presenter.zone)) <= scale.end:
        if at >= scale.start:
            form = f"{presenter.texts.weekdays[local.weekday()]} {local:%d/%m}"
            if step < DAY:
                form += f" {local:%H:%M}"
            yield Mark(scale.x(at), "tick", form)
        # Local time, so that a day is a day over a change of the clocks.
        local += timedelta(milliseconds=step)


def _instant(local: datetime, zone: ZoneInfo) -> int:
    return from_datetime(local.replace(tzinfo=zone))
