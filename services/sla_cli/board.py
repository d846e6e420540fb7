"""The live terminal view of a demo: what a follower of the topics has seen, and how it is drawn."""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import ConsumerRecord
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sla_kafka.topics import BREACHES, PROGRESS, TICKETS, WARNINGS

OUTCOMES: Final = ("running", "paused", "met", "breached", "void")
SHOWN_ALERTS: Final = 8
SHOWN_DEADLINES: Final = 8

_STYLES: Final = {
    "sla.breach": "bold red",
    "sla.warning": "yellow",
    "sla.breach_retracted": "green",
    "sla.warning_retracted": "green",
}


@dataclass(slots=True)
class Board:
    """What the topics have told so far."""

    clocks: Counter[tuple[str, str]] = field(default_factory=Counter)
    alerts: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=SHOWN_ALERTS))
    counts: Counter[str] = field(default_factory=Counter)
    processed: int = 0
    _tickets: dict[bytes, list[dict[str, Any]]] = field(default_factory=dict)
    _offsets: dict[int, int] = field(default_factory=dict)

    def take_in(self, record: ConsumerRecord) -> None:
        """Learn from one record of the tracker's topics."""
        if record.topic == TICKETS.name:
            self._take_ticket(record)
        elif record.topic in (WARNINGS.name, BREACHES.name):
            alert = json.loads(record.value)
            self.counts[alert["type"]] += 1
            self.alerts.appendleft(alert)
        elif record.topic == PROGRESS.name and record.value is not None:
            self._offsets[record.partition] = json.loads(record.value)["offset"]
            self.processed = sum(self._offsets.values())

    def deadlines(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The open clocks with the earliest dues: due, ticket, clock."""
        running = (
            (clock["due"], key.decode(), clock)
            for key, clocks in self._tickets.items()
            for clock in clocks
            if clock["outcome"] == "running" and clock["due"] is not None
        )
        return sorted(running, key=lambda item: item[:2])[:SHOWN_DEADLINES]

    def _take_ticket(self, record: ConsumerRecord) -> None:
        for clock in self._tickets.pop(record.key, []):
            self.clocks[clock["clock"], clock["outcome"]] -= 1
        if record.value is None:
            return
        clocks = json.loads(record.value)["clocks"]
        self._tickets[record.key] = clocks
        for clock in clocks:
            self.clocks[clock["clock"], clock["outcome"]] += 1


def draw(board: Board, header: str) -> RenderableType:
    """The whole view."""
    return Group(
        Text(header, style="bold"),
        Text(),
        Columns([_clocks(board), _deadlines(board)], padding=(0, 4)),
        Text(),
        _alerts(board),
    )


def _clocks(board: Board) -> Table:
    table = Table(title="Clocks", title_justify="left", box=None, pad_edge=False)
    table.add_column("clock")
    for outcome in OUTCOMES:
        table.add_column(outcome, justify="right", min_width=len(outcome))
    for name in ("first_response", "resolution"):
        table.add_row(name, *(str(board.clocks[name, outcome]) for outcome in OUTCOMES))
    return table


def _deadlines(board: Board) -> Table:
    table = Table(title="Next deadlines (UTC)", title_justify="left", box=None, pad_edge=False)
    for column in ("due", "ticket", "clock", "severity"):
        table.add_column(column)
    for due, ticket, clock in board.deadlines():
        table.add_row(due[:16].replace("T", " "), ticket, clock["clock"], clock["severity"])
    return table


def _alerts(board: Board) -> Table:
    table = Table(title="Alerts, newest first", title_justify="left", box=None, pad_edge=False)
    for column in ("at (UTC)", "alert", "ticket", "clock", "severity"):
        table.add_column(column)
    for alert in board.alerts:
        data = alert["data"]
        kind = alert["type"].removeprefix("sla.")
        share = data.get("fraction") or data.get("kind")
        table.add_row(
            alert["time"][:16].replace("T", " "),
            Text(f"{kind} {share}" if share else kind, style=_STYLES[alert["type"]]),
            alert["subject"],
            data.get("clock", ""),
            str(data["severity"]),
        )
    return table
