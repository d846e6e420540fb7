"""Drawn calendars, and which minutes they open, cell by cell: what ``naive`` is for the clocks."""

from __future__ import annotations

import random
from datetime import date, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from support.naive import EPOCH, HOUR, Minutes

DAY: Final = 24 * HOUR
#: A day's spans, in minutes from midnight: closed, usual, with a lunch break, a night, all day.
SPANS: Final[list[list[tuple[int, int]]]] = [
    [],
    [(540, 1080)],
    [(540, 780), (840, 1080)],
    [(1320, 1800)],
    [(0, 1440)],
]
#: One leaves summer time at midnight within the tests' days, one lies half an hour off.
ZONES: Final = ("America/Sao_Paulo", "Europe/Madrid", "Asia/Kolkata", "UTC")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BUSINESS: Final[dict[str, Any]] = {
    "zone": "America/Argentina/Buenos_Aires",
    "week": [[(540, 1080)]] * 5 + [[], []],
    "day": 540,
}
ALL: Final[dict[str, Any]] = {"zone": "UTC", "week": [[(0, 1440)]] * 7}

Calendars = dict[str, dict[str, Any]]


def drawn_calendars(draw: random.Random) -> Calendars:
    """The usual two, and perhaps some others, one made of others."""
    found: Calendars = {"business": BUSINESS, "all": ALL}
    names = [f"c{number}" for number in range(draw.randint(0, 2))]
    for name in names:
        week = [draw.choice(SPANS) for _ in DAYS]
        if not any(week):
            week[0] = SPANS[1]
        found[name] = {
            "zone": draw.choice(ZONES),
            "week": week,
            "day": draw.choice([480, 540]),
            "holidays": draw.sample(range(60), draw.randint(0, 6)),
            "overrides": {
                draw.randrange(60): draw.choice(SPANS) for _ in range(draw.randint(0, 3))
            },
        }
    if names and draw.random() < 0.7:
        union = {"union": draw.sample([*names, "business"], draw.randint(1, len(names) + 1))}
        if draw.random() < 0.5:
            union["except"] = [draw.choice(["business", *names])]
        found["union"] = {"zone": draw.choice(ZONES), "day": 480, **union}
    return found


def written_calendars(calendars: Calendars) -> list[str]:
    """The calendars as tables of a policy file."""
    lines = []
    for name, told in calendars.items():
        lines += [f"[calendars.{name}]", f'zone = "{told["zone"]}"']
        if "day" in told:
            lines.append(f'day = "{told["day"]}m"')
        if "union" in told:
            lines += [f"{key} = {told[key]!r}" for key in ("union", "except") if key in told]
            continue
        hours = ", ".join(
            f"{day} = {_spans(spans)}"
            for day, spans in zip(DAYS, told["week"], strict=True)
            if spans
        )
        lines.append(f"hours = {{ {hours} }}")
        if told.get("holidays"):
            dates = ", ".join(f'"{_date(day)}"' for day in told["holidays"])
            lines.append(f"holidays = {{ dates = [{dates}] }}")
        if told.get("overrides"):
            inner = ", ".join(f"{_date(d)} = {_spans(s)}" for d, s in told["overrides"].items())
            lines.append(f"overrides = {{ {inner} }}")
    return lines


def _date(day: int) -> date:
    return EPOCH.date() + timedelta(days=day)


def _spans(spans: list[tuple[int, int]]) -> str:
    def time(minute: int) -> str:
        return f"{minute // HOUR:02}:{minute % HOUR:02}"

    inner = ", ".join(f'["{time(a)}", "{time(b if b <= DAY else b - DAY)}"]' for a, b in spans)
    return f"[{inner}]"


@cache
def local_minutes(zone: str, days: int) -> np.ndarray[Any, Any]:
    """The wall clock of every minute from ``EPOCH`` on, in minutes of local time after it."""
    there = ZoneInfo(zone)
    found = np.zeros(days * DAY, dtype=np.int64)
    for quarter in range(0, days * DAY, 15):
        local = (EPOCH + timedelta(minutes=quarter)).astimezone(there).replace(tzinfo=None)
        wall = int((local - EPOCH.replace(tzinfo=None)) / timedelta(minutes=1))
        found[quarter : quarter + 15] = wall + np.arange(15)
    return found


class DrawnWorld:
    """Which minutes each calendar of a contract opens, and which date they belong to."""

    def __init__(self, calendars: Calendars, days: int) -> None:
        self._calendars = calendars
        self._days = days
        #: By calendar: for each minute the date whose span it lies in, or one before all.
        self._dates: dict[str, np.ndarray[Any, Any]] = {}
        self.open: dict[str, Minutes] = {}
        for name in calendars:
            self.open[name] = self._opened(name)

    def _opened(self, name: str) -> Minutes:
        told = self._calendars[name]
        if "union" in told:
            cells = np.logical_or.reduce([self._opened(each) for each in told["union"]])
            for each in told.get("except", ()):
                cells = cells & ~self._opened(each)
            return cells
        if name not in self._dates:
            self._dates[name] = self._dated(told)
        return self._dates[name] > _NO_DATE

    def _dated(self, told: dict[str, Any]) -> np.ndarray[Any, Any]:
        wall = local_minutes(told["zone"], self._days)
        found = np.full(len(wall), _NO_DATE, dtype=np.int64)
        # What a night shares with the date on which it ends belongs to the date it begins on.
        for day in reversed(range(-2, self._days + 2)):
            spans = told["week"][day % 7]
            if day in told.get("holidays", ()):
                spans = []
            spans = told.get("overrides", {}).get(day, spans)
            for opened, closed in spans:
                found[(wall >= day * DAY + opened) & (wall < day * DAY + closed)] = day
        return found

    def closing(self, name: str, start: int, *, following: bool) -> int:
        """The end of the last open minute of the start's date, if that lies after the start; else,
        or ``following``, of the first later date that has one.
        """
        today = int(local_minutes(self._calendars[name]["zone"], self._days)[start]) // DAY
        for day in range(today + following, self._days):
            cells = np.flatnonzero(self._of_date(name, day))
            if len(cells) and int(cells[-1]) + 1 > start:
                return int(cells[-1]) + 1
        raise AssertionError(f"{name} does not open again")

    def _of_date(self, name: str, day: int) -> Minutes:
        told = self._calendars[name]
        if "union" not in told:
            cells: Minutes = self._dates[name] == day
            return cells
        cells = np.logical_or.reduce([self._of_date(each, day) for each in told["union"]])
        for each in told.get("except", ()):
            cells = cells & ~self.open[each]
        return cells


_NO_DATE: Final = -1000
