"""Start times: ``sla --help`` (goal: 0.25 s), and a tracker from start to ready with an empty table
and the broker on the same machine (goal: 1.5 s).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import spread, told

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import TrackerProcess
from sla_schemas.topics import DEFAULT_PARTITIONS


def help_seconds() -> float:
    """Seconds for one ``sla --help``."""
    sla = Path(sys.executable).with_name("sla")
    started = time.perf_counter()
    subprocess.run([sla, "--help"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603  ours
    return time.perf_counter() - started


def tracker_seconds(bootstrap: str, log: Path) -> float:
    """Seconds from the start of a tracker until ``/readyz`` succeeds."""
    started = time.perf_counter()
    tracker = TrackerProcess(bootstrap, log, replay=False)
    try:
        tracker.wait_until_ready()
        return time.perf_counter() - started
    finally:
        tracker.stop()


def run(*, runs: int = 7) -> dict[str, Any]:
    """``runs`` runs of each."""
    with tempfile.TemporaryDirectory() as made, EmbeddedKafka() as kafka:
        asyncio.run(create_topics(KafkaSettings(bootstrap=kafka.bootstrap), DEFAULT_PARTITIONS))
        log = Path(made) / "tracker.log"
        ready = [tracker_seconds(kafka.bootstrap, log) for _ in range(runs)]
    return {
        "help_seconds": spread([help_seconds() for _ in range(runs)]),
        "ready_seconds": spread(ready),
        "partitions": DEFAULT_PARTITIONS,
    }


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    print(f"  sla --help: {told(found['help_seconds'], ' s')}")
    print(
        f"  a tracker from its start to ready, {found['partitions']} empty partitions: "
        f"{told(found['ready_seconds'], ' s')}"
    )
