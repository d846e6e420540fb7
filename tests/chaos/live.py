"""Trackers on the wall clock: tickets whose deadlines fall within the run, and tickets of yesterday
delivered all at once. Checked against the log and its append times.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Any, Final

from aiokafka import ConsumerRecord
from support import default_book
from support.disproved import disproved

from chaos.contenders import Offsets, Trackers, start_tracker
from chaos.crew import Worker
from chaos.oracle import Verdict, read
from sla_domain.instant import HOUR, MINUTE, SECOND, format_instant
from sla_engine.effects import Effects
from sla_engine.frontier import DEFAULT_GRACE, TimeRule
from sla_engine.partition import Partition
from sla_engine.wire.alerts import ALERT_TOPICS, write_alert
from sla_engine.wire.tables import write_json
from sla_kafka.settings import KafkaSettings
from sla_lab.recording import Line, as_line
from sla_schemas.topics import APPROVALS, BREACHES, DEAD_LETTERS, EVENTS, TICKETS, WARNINGS

#: How long before its delivery a ticket of yesterday began.
OUTAGE: Final = 25 * HOUR
#: Within how long a ticket of today breaks its first promise, or is answered.
SOON: Final = 20 * SECOND
#: How long after the last deadline everything must be there.
PATIENCE_SECONDS: Final = 90
_ALERTS: Final = (WARNINGS, BREACHES, APPROVALS)


class LiveTrackers(Trackers):
    """Our own, in the present."""

    replay = False

    def story(self, seed: int, events: int) -> Iterator[Line]:
        """Each line as of the moment at which it is asked for."""
        return story(seed, events)

    def launcher(self, bootstrap: str, directory: Path) -> Callable[[int], Worker]:
        """Trackers as they run in earnest."""
        return lambda place: start_tracker(bootstrap, directory, place, replay=False)

    async def finished(self, settings: KafkaSettings, begun: Offsets, goals: Offsets) -> None:
        """Their progress says so, and the last deadline of the story has passed."""
        await super().finished(settings, begun, goals)
        await asyncio.sleep((SOON + DEFAULT_GRACE) / SECOND)

    async def verdict(self, settings: KafkaSettings, directory: Path) -> Verdict:
        """By one uninterrupted run over the log, and by what of it was disproved at once."""
        expected = await expectation(settings)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            verdict = await held(expected, settings)
            if verdict.flawless or time.monotonic() > give_up:
                return verdict
            await asyncio.sleep(2)


def story(seed: int, events: int) -> Iterator[Line]:
    """About ``events`` lines, four in ten of them of tickets that come a day late."""
    draw = random.Random(seed)  # noqa: S311  no secret: a story that repeats
    number, told = count(), 0
    later: list[tuple[int, int, str, str, dict[str, Any]]] = []
    while told < events:
        ticket, now = f"T{next(number)}", _now()
        while later and later[0][0] <= now:
            at, _, other, type_, data = heappop(later)
            yield _line(other, type_, at, data)
            told += 1
        if draw.random() < 0.4:
            for type_, at, data in _of_yesterday(draw, now):
                yield _line(ticket, type_, at, data)
                told += 1
        else:
            broken = draw.randrange(SOON)
            answer = now + draw.randrange(1, SOON)
            told_at = format_instant(now + broken - HOUR)
            created = {"client_id": "c", "severity": "blocker", "communicated_at": told_at}
            yield _line(ticket, "created", now, created)
            told += 1
            heappush(later, (answer, told, ticket, "assigned", {"analyst_id": "ana"}))
            if draw.random() < 0.5:
                heappush(later, (answer + SECOND, told, ticket, "resolved", {}))
        if draw.random() < 0.01:
            yield as_line(b"{this is no JSON")


def _of_yesterday(draw: random.Random, now: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """All events of a ticket, in any order."""
    begun = now - OUTAGE
    created: dict[str, Any] = {"client_id": "c"}
    if draw.random() < 0.8:
        created["severity"] = draw.choice(("blocker", "high"))
    moves: list[tuple[str, int, dict[str, Any]]] = [("created", begun, created)]
    kept = draw.random() < 0.5
    answered = draw.randrange(1, 59 if kept else 300) * MINUTE
    moves.append(("assigned", begun + answered, {"analyst_id": "ana"}))
    if draw.random() < 0.8:
        moves.append(("resolved", begun + answered + draw.randrange(1, 500) * MINUTE, {}))
    if draw.random() < 0.2:
        moves.append(("severity_changed", begun + HOUR, {"severity": "high"}))
    draw.shuffle(moves)
    yield from moves


def _now() -> int:
    return time.time_ns() // 1_000_000


_ids = count()


def _line(ticket: str, type_: str, at: int, data: dict[str, Any]) -> Line:
    return as_line(
        write_json(
            {
                "specversion": "1.0",
                "id": f"e{next(_ids)}",
                "source": "/helpdesk",
                "type": f"ticket.{type_}",
                "subject": ticket,
                "time": format_instant(at),
                "data": data,
            }
        )
    )


class Expectation:
    """What must be there: by topic and ticket the alerts, the table, the dead letters."""

    def __init__(self) -> None:
        self.alerts: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        self.table: dict[str, bytes | None] = {}
        self.dead_letters = 0
        self.disproved: list[str] = []

    def add(self, effects: Effects) -> None:
        """What one partition came to."""
        for alert in effects.alerts:
            name = ALERT_TOPICS[alert.kind].name
            self.alerts[name, alert.ticket_id].append(write_alert(alert))
        self.table.update(effects.tickets)
        self.dead_letters += len(effects.dead_letters)


async def expectation(settings: KafkaSettings) -> Expectation:
    """What one uninterrupted run makes of the log."""
    partitions: dict[int, list[ConsumerRecord]] = defaultdict(list)
    async for record in read(settings, EVENTS.name):
        partitions[record.partition].append(record)
    expected, book = Expectation(), default_book()
    for number, records in partitions.items():
        partition = Partition(number, EVENTS.name, book, TimeRule(DEFAULT_GRACE))
        for record in records:
            partition.apply(record)
        partition.caught_up(records[-1].timestamp + SOON + 2 * DEFAULT_GRACE)
        effects = partition.drain()
        expected.add(effects)
        told = [json.loads(write_alert(alert)) for alert in effects.alerts]
        expected.disproved += disproved(records, told, book, DEFAULT_GRACE)
    return expected


async def held(expected: Expectation, settings: KafkaSettings) -> Verdict:
    """What is there, held against that."""
    verdict = Verdict()
    found: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    async for topic, record in _all_of(settings):
        found[topic, record.key.decode()].append(record.value)
    for topic, ticket in sorted(expected.alerts.keys() | found.keys()):
        name = f"{topic} {ticket}"
        verdict.hold(name, expected.alerts[topic, ticket], found[topic, ticket])
    table: dict[str, bytes | None] = {}
    async for record in read(settings, TICKETS.name):
        table[record.key.decode()] = record.value
    for ticket in sorted(expected.table.keys() | table.keys()):
        if table.get(ticket) != expected.table.get(ticket):
            verdict.table_differences += 1
            verdict.examples.append(f"table {ticket}")
    letters = len([record async for record in read(settings, DEAD_LETTERS.name)])
    verdict.dead_letter_differences = abs(letters - expected.dead_letters)
    verdict.disproved = len(expected.disproved)
    verdict.examples += expected.disproved[:10]
    return verdict


async def _all_of(settings: KafkaSettings) -> AsyncIterator[tuple[str, ConsumerRecord]]:
    for topic in _ALERTS:
        async for record in read(settings, topic.name):
            yield topic.name, record
