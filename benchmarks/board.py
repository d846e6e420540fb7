"""The board with many open tickets: load, first paint, list queries, updates.

Writes the tickets to a real Kafka like the tracker, and starts a board and Debian's Chromium.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from figures import percentiles, spread, told
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
    """An open ticket's row, with its resolution due in the next few days."""
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
    """Write ``rows`` in transactions of ``together`` rows."""
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
    """The value of a metric without labels."""
    shown = board.get("/metrics")[1]
    return next(
        float(line.split()[1]) for line in shown.splitlines() if line.startswith(f"{name} ")
    )


def asked(board: Program, path: str) -> float:
    """Milliseconds until the complete response was received."""
    started = time.perf_counter()
    with urllib.request.urlopen(f"{board.url}{path}", timeout=30) as answer:  # noqa: S310
        answer.read()
    return (time.perf_counter() - started) * 1000


def run(*, tickets: int = 200_000) -> dict[str, Any]:
    """Measure the board with ``tickets`` open tickets."""
    count = tickets
    found: dict[str, Any] = {"tickets": tickets}
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
        found["record_bytes"] = len(rows[0][1])
        found["loaded_seconds"] = round(time.perf_counter() - started, 1)
        queries = [
            f"/api/v1/tickets?limit=100&client=client-{n % CLIENTS}"
            if n % 3 == 0
            else f"/api/v1/tickets?limit=100&severity=high&team=team-{n % TEAMS}"
            if n % 3 == 1
            else "/api/v1/tickets?limit=100"
            for n in range(QUERIES)
        ]
        found["query_ms"] = percentiles([asked(board, path) for path in queries])
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
            found["first_paint_ms"] = spread(paints)
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
            found["updates_per_second"] = round(done / took)
            found["query_meanwhile_ms"] = percentiles(under_load)
        board.stop()
    return found


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    print(
        f"  {found['tickets']} open tickets, records of {found['record_bytes']} bytes, loaded in "
        f"{found['loaded_seconds']} s; first paint {told(found['first_paint_ms'], ' ms')}"
    )
    for what, name in (("list query", "query_ms"), ("the same under load", "query_meanwhile_ms")):
        times = found[name]
        print(
            f"  {what}: p50 {times['p50']:.1f} ms, p99 {times['p99']:.1f}, {times['max']:.1f} most"
        )
    print(f"  updates with the page open and being written: {found['updates_per_second']} a second")


if __name__ == "__main__":
    tell(run())
