"""Catch-up with 1, 2 and 3 trackers, and with 12, 48 and 96 partitions on one; the cost of idling.

Each partition has its own transactional producer, which aiokafka needs to fence the owner of one
partition; this measures its cost.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from contenders import ours
from figures import Used, spread, told
from throughput import Run, events, measure

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import TrackerProcess
from sla_schemas.topics import DEFAULT_PARTITIONS

TRACKERS: Final = (1, 2, 3)
PARTITIONS: Final = (12, 48, 96)
IDLE_SECONDS: Final = 20


def idle(partitions: int) -> dict[str, float]:
    """The seconds until a tracker is ready, and the share of a core it uses when idle."""
    with tempfile.TemporaryDirectory() as made, EmbeddedKafka() as kafka:
        asyncio.run(create_topics(KafkaSettings(bootstrap=kafka.bootstrap), partitions))
        begun = time.monotonic()
        tracker = TrackerProcess(kafka.bootstrap, Path(made) / "log", replay=False)
        try:
            tracker.wait_until_ready()
            ready = time.monotonic() - begun
            time.sleep(3)  # the first looks at everything are over
            before = Used.by(tracker.pid).cpu_seconds
            time.sleep(IDLE_SECONDS)
            used = Used.by(tracker.pid)
        finally:
            tracker.stop()
    share = (used.cpu_seconds - before) / IDLE_SECONDS * 100
    return {"ready_seconds": ready, "idle_percent": share, "resident_mb": used.resident_mb}


def run(*, count: int = 500_000, runs: int = 3) -> dict[str, Any]:
    """Run all combinations in turns."""
    lines = events(count)
    layouts = [(trackers, DEFAULT_PARTITIONS) for trackers in TRACKERS]
    layouts += [(1, partitions) for partitions in PARTITIONS if partitions != DEFAULT_PARTITIONS]
    measured: dict[tuple[int, int], list[Run]] = {layout: [] for layout in layouts}
    for _ in range(runs):
        for trackers, partitions in layouts:
            found = measure(ours("--replay", processes=trackers), lines, partitions)
            measured[trackers, partitions].append(found)
            print(
                f"  {trackers} trackers, {partitions} partitions: "
                f"{found.events_per_second:,.0f} events/s",
                flush=True,
            )
    return {
        "events": count,
        "layouts": [
            {"trackers": trackers, "partitions": partitions}
            | {
                name: spread([getattr(each, name) for each in of])
                for name in Run.__dataclass_fields__
            }
            for (trackers, partitions), of in measured.items()
        ],
        "idle": {str(partitions): idle(partitions) for partitions in PARTITIONS},
    }


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    for of in found["layouts"]:
        print(
            f"  {of['trackers']} trackers, {of['partitions']} partitions: "
            f"{told(of['events_per_second'], ' events/s')}, "
            f"{told(of['cpu_us_per_event'], ' µs CPU an event')}"
        )
    for partitions, of in found["idle"].items():
        print(
            f"  {partitions} partitions, idle: {of['idle_percent']:.1f} % of a core, "
            f"{of['resident_mb']:.0f} MB, ready after {of['ready_seconds']:.2f} s"
        )
