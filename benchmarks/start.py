"""How long until something answers: ``make start-bench``.

``sla --help``, and a tracker from its start to ready on an empty table, the broker on the same
machine; median and spread of RUNS runs each.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sla_cli.rig import TrackerProcess
from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_kafka.topics import DEFAULT_PARTITIONS

RUNS = 7


def help_seconds() -> float:
    """Of one ``sla --help``."""
    sla = Path(sys.executable).with_name("sla")
    started = time.perf_counter()
    subprocess.run([sla, "--help"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603  ours
    return time.perf_counter() - started


def tracker_seconds(bootstrap: str, log: Path) -> float:
    """From the start of a tracker to its ``/readyz`` saying yes."""
    started = time.perf_counter()
    tracker = TrackerProcess(bootstrap, log, replay=False)
    try:
        tracker.wait_until_ready()
        return time.perf_counter() - started
    finally:
        tracker.stop()


def told(name: str, seconds: list[float]) -> str:
    """A line of figures."""
    low, high = min(seconds), max(seconds)
    return f"{name}: {statistics.median(seconds):.2f} s ({low:.2f}-{high:.2f}) of {len(seconds)}"


def main() -> None:
    """Measure and print."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(told("sla --help", [help_seconds() for _ in range(RUNS)]))
    with tempfile.TemporaryDirectory() as made, EmbeddedKafka() as kafka:
        asyncio.run(create_topics(KafkaSettings(bootstrap=kafka.bootstrap), DEFAULT_PARTITIONS))
        log = Path(made) / "tracker.log"
        seconds = [tracker_seconds(kafka.bootstrap, log) for _ in range(RUNS)]
        print(told(f"tracker ready, {DEFAULT_PARTITIONS} empty partitions", seconds))


if __name__ == "__main__":
    main()
