"""The expected output, from ``sla simulate`` on the input log, and the actual output."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from aiokafka import ConsumerRecord

from chaos.story import END
from sla_domain.instant import DAY, parse_instant
from sla_kafka.reading import end_offsets, follower
from sla_kafka.settings import KafkaSettings
from sla_schemas.headers import REPLAY_FRONTIER_HEADER
from sla_schemas.topics import APPROVALS, BREACHES, DEAD_LETTERS, EVENTS, TICKETS, WARNINGS

SLA: Final = Path(sys.executable).with_name("sla")
#: How long the default policy keeps a closed ticket, and when the story is over.
RETENTION: Final = 90 * DAY
#: Topics of alerts, and the files of ``sla simulate`` that say what must be on them.
ALERTS: Final = ((WARNINGS, "warnings"), (BREACHES, "breaches"), (APPROVALS, "approvals"))


@dataclass
class Verdict:
    """How what was read differs from what must be there."""

    expected: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    table_differences: int = 0
    dead_letter_differences: int = 0
    disproved: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def flawless(self) -> bool:
        """Whether nothing at all differs."""
        return not any(
            (
                self.lost,
                self.doubled,
                self.reordered,
                self.table_differences,
                self.dead_letter_differences,
                self.disproved,
            )
        )

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)

    def hold(self, name: str, expected: Iterable[Any], found: Iterable[Any]) -> None:
        """Hold one ticket's alerts on one topic against those expected."""
        expected, found = list(expected), list(found)
        self.expected += len(expected)
        if expected == found:
            return
        missing, more = Counter(expected), Counter(found)
        missing.subtract(found)
        more.subtract(expected)
        lost, doubled = sum((+missing).values()), sum((+more).values())
        self.lost += lost
        self.doubled += doubled
        self.reordered += not lost and not doubled
        self.examples.append(f"{name}: {lost} lost, {doubled} doubled of {len(expected)}")


async def read(settings: KafkaSettings, topic: str) -> AsyncIterator[ConsumerRecord]:
    """Every committed record of ``topic``."""
    ends = await end_offsets(settings, topic)
    async with follower(settings, [topic]) as consumer:
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    yield record


async def write_input(settings: KafkaSettings, path: Path) -> int:
    """Write the input topic to ``path``, each partition in its order; answers how many events."""
    partitions: dict[int, list[bytes]] = defaultdict(list)
    async for record in read(settings, EVENTS.name):
        if REPLAY_FRONTIER_HEADER not in dict(record.headers):
            partitions[record.partition].append(record.value)
    with path.open("wb") as file:
        for number in sorted(partitions):
            file.writelines(value + b"\n" for value in partitions[number])
    return sum(map(len, partitions.values()))


def simulate(events: Path, directory: Path, policy: Path) -> None:
    """What one uninterrupted run makes of ``events``."""
    command = [SLA, "simulate", events, "--policy", policy, "--out", directory, "--json"]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)


async def judge(settings: KafkaSettings, directory: Path) -> Verdict:
    """Hold every topic against the simulation in ``directory``."""
    verdict = Verdict()
    for topic, name in ALERTS:
        found: dict[str, list[bytes]] = defaultdict(list)
        async for record in read(settings, topic.name):
            found[record.key.decode()].append(record.value)
        expected: dict[str, list[bytes]] = defaultdict(list)
        for line in (directory / f"{name}.jsonl").read_bytes().splitlines():
            expected[json.loads(line)["subject"]].append(line)
        for ticket in sorted(expected.keys() | found.keys()):
            verdict.hold(f"{topic.name} {ticket}", expected[ticket], found[ticket])
    await _hold_table(verdict, settings, directory)
    await _hold_dead_letters(verdict, settings, directory)
    return verdict


async def _hold_table(verdict: Verdict, settings: KafkaSettings, directory: Path) -> None:
    rows: dict[str, bytes] = {}
    async for record in read(settings, TICKETS.name):
        ticket = record.key.decode()
        # A tombstone ends a ticket's life in the table; its last line stays.
        rows[ticket] = record.value or rows.get(ticket, b"")
    expected = {
        json.loads(line)["ticket_id"]: line
        for line in (directory / "tickets.jsonl").read_bytes().splitlines()
    }
    for ticket in sorted(expected.keys() | rows.keys()):
        row, wanted = _read(rows.get(ticket)), _read(expected.get(ticket))
        if row is not None and wanted is not None:
            _go_back(wanted, row["as_of"])
            for told in (row, wanted):
                del told["as_of"]
        # Of one that left the table, compaction may have taken the last line before us.
        if row != wanted and (row is not None or not _has_left(wanted)):
            verdict.table_differences += 1
            verdict.examples.append(f"table {ticket}")


def _read(line: bytes | None) -> Any:
    """What a row says but for what grows with time: the simulation's rows are as of its end, those
    of a table as of what the ticket last saw.
    """
    row = json.loads(line) if line else None
    if row is not None:
        del row["client_delay"]
        for clock in row["clocks"]:
            # It may have been broken since, as if no exception had been granted.
            clock.pop("without_exceptions", None)
            for figures in (clock, *clock["limits"]):
                for name in ("used_ms", "paused_ms", "paused_by"):
                    figures.pop(name, None)
    return row


def _go_back(row: Any, as_of: str) -> None:
    """Have the clocks of ``row`` stand as they did at ``as_of``, before they broke."""
    for clock in row["clocks"]:
        if clock["outcome"] != "breached" or clock["stopped"] is not None:
            continue
        if clock["breaches_at"] > as_of:
            clock["outcome"] = "running"


def _has_left(row: Any) -> bool:
    """Whether the ticket of ``row`` was closed longer ago than it is kept."""
    if row is None or row["closed_at"] is None:
        return False
    return parse_instant(row["closed_at"]) + RETENTION <= END


async def _hold_dead_letters(verdict: Verdict, settings: KafkaSettings, directory: Path) -> None:
    expected = Counter(
        json.loads(line)["value"]
        for line in (directory / "dead_letters.jsonl").read_bytes().splitlines()
    )
    found = Counter([r.value.decode() async for r in read(settings, DEAD_LETTERS.name)])
    verdict.dead_letter_differences = sum(((expected - found) + (found - expected)).values())
