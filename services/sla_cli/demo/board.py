"""The live terminal view of a demo: what was read from the topics, and how it is drawn."""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiokafka import ConsumerRecord
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sla_domain.policy import SeverityNames
from sla_schemas.topics import BREACHES, PROGRESS, TICKETS, WARNINGS
from sla_text.alerts import alert_text
from sla_text.language import Texts

OUTCOMES: Final = ("running", "paused", "met", "breached", "void")
SHOWN_ALERTS: Final = 8
SHOWN_DEADLINES: Final = 8
#: The recording of the demo is in UTC, as its header is.
_ZONE: Final = ZoneInfo("UTC")

_STYLES: Final = {
    "sla.breach": "bold red",
    "sla.escalation": "bold magenta",
    "sla.warning": "yellow",
    "sla.breach_retracted": "green",
    "sla.warning_retracted": "green",
    "sla.escalation_retracted": "green",
}


@dataclass(slots=True)
class DemoView:
    """What has been read from the topics so far, in the language of ``texts``."""

    texts: Texts
    severity_names: SeverityNames
    clocks: Counter[tuple[str, str]] = field(default_factory=Counter)
    alerts: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=SHOWN_ALERTS))
    counts: Counter[str] = field(default_factory=Counter)
    processed: int = 0
    _tickets: dict[bytes, list[dict[str, Any]]] = field(default_factory=dict)
    _offsets: dict[int, int] = field(default_factory=dict)

    def take_in(self, record: ConsumerRecord) -> None:
        """Process one record of the tracker's topics."""
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
        """The running clocks that are due first: due, ticket, clock."""
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


def draw(board: DemoView, header: str) -> RenderableType:
    """The whole view."""
    return Group(
        Text(header, style="bold"),
        Text(),
        _clocks(board),
        Text(),
        _deadlines(board),
        Text(),
        _alerts(board),
    )


def _clocks(board: DemoView) -> Table:
    texts = board.texts
    title = texts("board.clocks")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for outcome in OUTCOMES:
        word = texts.word("outcome", outcome)
        table.add_column(word, justify="right", min_width=len(word))
    for name in ("first_response", "resolution"):
        counts = (str(board.clocks[name, outcome]) for outcome in OUTCOMES)
        table.add_row(texts.word("clock", name), *counts)
    return table


def _deadlines(board: DemoView) -> Table:
    texts = board.texts
    title = texts("board.deadlines")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    for due, ticket, clock in board.deadlines():
        severity = texts.severity(clock["severity"], board.severity_names)
        at = due[:16].replace("T", " ")
        table.add_row(at, ticket, texts.word("clock", clock["clock"]), severity)
    return table


def _alerts(board: DemoView) -> Table:
    texts = board.texts
    title = texts("board.alerts")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column()
    for alert in board.alerts:
        told = alert_text(alert, texts, _ZONE, board.severity_names)
        table.add_row(Text(told, style=_STYLES.get(alert["type"], "")))
    return table
