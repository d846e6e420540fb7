"""Catch-up of one tracker with everything on: ``make throughput`` (EVENTS=200000).

Publishes tickets of five events each to an embedded Kafka on the same machine, then starts a
tracker and measures until it has committed the last of them, its start included. Prints machine,
versions, events a second, CPU of the tracker and its memory: the median and spread of three runs.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lines import line

from sla_cli.feed import Feed
from sla_cli.recording import Line
from sla_cli.rig import Rig, TrackerProcess, end_offsets, wait_for_progress
from sla_domain.instant import DAY, MINUTE, parse_instant
from sla_kafka.topics import DEFAULT_PARTITIONS, EVENTS

RUNS = 3
SEED = 1
BEGIN = parse_instant("2026-09-21T00:00:00Z")
WORDS = ("created", "assigned", "waiting_on_client", "client_responded", "resolved")


def events(count: int) -> list[Line]:
    """``count`` events of tickets spread over three days, in the order they occur."""
    drawn = random.Random(SEED)  # noqa: S311  a benchmark wants the same numbers again
    lines = list(_tickets(count // len(WORDS), drawn))
    lines.sort(key=lambda each: each.occurred or 0)
    return lines


def _tickets(count: int, drawn: random.Random) -> Iterator[Line]:
    for number in range(count):
        at = BEGIN + drawn.randrange(3 * DAY)
        severity = drawn.choice(("high", "medium", "medium", "low", "low"))
        for place, word in enumerate(WORDS):
            yield line(number, place, word, at, severity)
            at += drawn.randrange(MINUTE, 30 * MINUTE)


@dataclass(frozen=True)
class Run:
    """One run's figures."""

    events_per_second: float
    cpu_us_per_event: float
    resident_mb: float


def measure(lines: list[Line]) -> Run:
    """Publish ``lines``, then time one tracker from its start to the last commit."""
    with Rig(partitions=DEFAULT_PARTITIONS, trackers=0) as rig, tempfile.TemporaryDirectory() as at:
        begun = asyncio.run(end_offsets(rig.settings, EVENTS.name))

        async def publish() -> None:
            async with Feed(rig.settings) as feed:
                for each in lines:
                    await feed.add(each)
                await feed.move_frontier(lines[-1].occurred or 0)

        asyncio.run(publish())
        goals = asyncio.run(end_offsets(rig.settings, EVENTS.name))
        started = time.perf_counter()
        tracker = rig.add_tracker(Path(at) / "tracker.log")
        asyncio.run(wait_for_progress(rig.settings, begun, goals, tracker.check))
        seconds = time.perf_counter() - started
        return Run(len(lines) / seconds, *_used(tracker, len(lines)))


def _used(tracker: TrackerProcess, count: int) -> tuple[float, float]:
    """CPU microseconds an event and resident megabytes of the tracker (Linux)."""
    process = Path("/proc") / str(tracker.pid)
    fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    resident = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return ticks / os.sysconf("SC_CLK_TCK") / count * 1e6, resident / 1e6


def main() -> None:
    """Print what three runs came to."""
    lines = events(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {os.cpu_count()} cores shared with "
        f"the broker, Python {platform.python_version()}, {len(lines)} events, "
        f"{len(lines) // len(WORDS)} tickets, {DEFAULT_PARTITIONS} partitions"
    )
    runs = [measure(lines) for _ in range(RUNS)]
    for name in Run.__dataclass_fields__:
        values = sorted(getattr(run, name) for run in runs)
        median = statistics.median(values)
        print(f"{name}: median {median:.0f}, from {values[0]:.0f} to {values[-1]:.0f}")


if __name__ == "__main__":
    main()
