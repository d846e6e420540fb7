"""How the board fares with many open tickets: load, first paint, list queries, updates.

    python benchmarks/board.py 200000

Writes that many tickets to a real Kafka as the tracker does, starts a board and Debian's Chromium.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import ROOT
from support.browser import chromium

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program
from sla_schemas.topics import DEFAULT_PARTITIONS, TICKETS

SEVERITIES = ("blocker", "high", "medium", "low")
CLIENTS = 300
TEAMS = 12
SECONDS = 20
QUERIES = 300
ROW = json.loads((ROOT / "schemas/examples/ticket-record.json").read_text())


def row(number: int, turn: int, now: datetime) -> bytes:
    """An open ticket whose resolution is due some time in the next days."""
    due = now + timedelta(minutes=5 + (number * 7919 + turn * 13) % 20_000)
    record: dict[str, Any] = {
        **ROW,
        "ticket_id": f"T-{number:07}",
        "client_id": f"client-{number % CLIENTS}",
        "severity": SEVERITIES[number % 4],
        "state": "open",
        "closed_at": None,
        "holder": "vendor",
        "team": f"team-{number % TEAMS}",
        "obligations": [],
    }
    first, second = ROW["clocks"]
    running = {
        "stopped": None,
        "outcome": "running",
        "limits": [],
        "due": due.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    record["clocks"] = [first, {**second, **running}]
    return json.dumps(record, separators=(",", ":")).encode()


async def write(settings: KafkaSettings, rows: list[tuple[bytes, bytes]], together: int) -> None:
    """``rows`` in transactions of ``together``."""
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415

    producer = AIOKafkaProducer(
        **settings.client_options(),
        transactional_id=f"board-{time.monotonic_ns()}",
        linger_ms=20,
        max_batch_size=1024 * 1024,
    )
    await producer.start()
    for start in range(0, len(rows), together):
        async with producer.transaction():
            waiting = [
                await producer.send(
                    TICKETS.name, value, key=key, partition=partition_for(key, DEFAULT_PARTITIONS)
                )
                for key, value in rows[start : start + together]
            ]
            await asyncio.gather(*waiting)
    await producer.stop()


def metric(board: Program, name: str) -> float:
    """A metric without labels."""
    shown = board.get("/metrics")[1]
    return next(
        float(line.split()[1]) for line in shown.splitlines() if line.startswith(f"{name} ")
    )


def asked(board: Program, path: str) -> float:
    """Milliseconds until the whole answer is there."""
    started = time.perf_counter()
    with urllib.request.urlopen(f"{board.url}{path}", timeout=30) as answer:  # noqa: S310
        answer.read()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    now = datetime.now(UTC)
    with TemporaryDirectory() as directory, EmbeddedKafka() as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap)
        asyncio.run(create_topics(settings, DEFAULT_PARTITIONS))
        rows = [(f"T-{number:07}".encode(), row(number, 0, now)) for number in range(count)]
        asyncio.run(write(settings, rows, 10_000))
        updates = [
            (f"T-{number % count:07}".encode(), row(number % count, 1, now))
            for number in range(0, count * 3, 3)
        ]
        started = time.perf_counter()
        environment = {"SLA_BOARD_REQUESTS_PER_SECOND": "1000", "SLA_BOARD_STALE_SECONDS": "1e9"}
        board = Program("board", broker.bootstrap, Path(directory) / "log", environment=environment)
        board.wait_until_ready()
        print(f"{count} open tickets, records of {len(rows[0][1])} bytes")
        print(f"started and loaded in {time.perf_counter() - started:.1f} s")
        queries = [
            f"/api/v1/tickets?limit=100&client=client-{n % CLIENTS}"
            if n % 3 == 0
            else f"/api/v1/tickets?limit=100&severity=high&team=team-{n % TEAMS}"
            if n % 3 == 1
            else "/api/v1/tickets?limit=100"
            for n in range(QUERIES)
        ]
        told("list query", [asked(board, path) for path in queries])
        with chromium() as browser:
            page = browser.new_page()
            paints = []
            for _ in range(5):
                page.goto(board.url)
                page.wait_for_selector("#next-T-0000000, .list tbody tr")
                paints.append(
                    page.evaluate(
                        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
                    )
                )
            told("first contentful paint", paints)
            before, began = metric(board, "sla_board_updates_total"), time.perf_counter()

            writing = Thread(target=lambda: asyncio.run(write(settings, updates, 2000)))
            writing.start()
            under_load = []
            while metric(board, "sla_board_updates_total") < before + len(updates):
                under_load.append(asked(board, queries[len(under_load) % QUERIES]))
                time.sleep(0.2)
                if time.perf_counter() - began > 10 * SECONDS:
                    break
            writing.join()
            done = metric(board, "sla_board_updates_total") - before
            took = time.perf_counter() - began
            print(f"updates with the page open and being written: {done / took:.0f} a second")
            told("list query meanwhile", under_load)
        board.stop()


def told(what: str, values: list[float]) -> None:
    """Median, 99th percentile and largest, in milliseconds."""
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{what}: median {statistics.median(values):.1f} ms, p99 {p99:.1f}, most {ordered[-1]:.1f}"
    )


if __name__ == "__main__":
    main()
