"""The cost of firing a deadline with few and with many open tickets, compared with a helpdesk's
scan.

One process, without Kafka: a partition with many open tickets fires a thousand deadlines, including
encoding alerts and rows (goal: the same cost at any size, within a factor of 1.5). For comparison,
a scan of the same tickets in SQLite: ``select … where due <= now``, with and without an index on
``due``.
"""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from figures import spread, told

from sla_domain.instant import MINUTE, SECOND, format_instant, parse_instant
from sla_engine.frontier import TimeRule
from sla_engine.partition import Partition
from sla_engine.wire.alerts import write_alert
from sla_engine.wire.tables import write_json
from sla_lab.recording import Recorded
from sla_policy.loading import load_policies
from sla_schemas.topics import EVENTS

SIZES: Final = (1_000, 100_000, 1_000_000)
#: How many deadlines are fired, and in how many moves of the frontier.
FIRED: Final = 1_000
MOVES: Final = 10
BEGIN: Final = parse_instant("2026-11-02T15:00:00Z")
PROMISE: Final = 60 * MINUTE


def world_of(tickets: int) -> Partition:
    """A partition with ``tickets`` open tickets, of which a thousand come due, evenly spread."""
    partition = Partition(0, EVENTS.name, load_policies([]), TimeRule(0))
    for number in range(tickets):
        due = number * FIRED // tickets != (number - 1) * FIRED // tickets
        data: dict[str, object] = {"client_id": "c", "severity": "blocker" if due else "low"}
        if due:
            # The last warning, at 59 minutes, is past: its next alert is the breach.
            data["communicated_at"] = format_instant(BEGIN + SECOND + number - PROMISE)
        event = {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "/bench",
            "type": "ticket.created",
            "subject": f"T{number:07}",
            "time": format_instant(BEGIN),
            "data": data,
        }
        key = f"T{number:07}".encode()
        partition.apply(Recorded(EVENTS.name, 0, number, BEGIN, key, write_json(event), []))
        if number % 1000 == 999:
            partition.drain()
    partition.drain()
    return partition


def fire(partition: Partition, tickets: int) -> float:
    """CPU microseconds per deadline."""
    begun = time.process_time()
    fired = 0
    for move in range(1, MOVES + 1):
        partition.caught_up(BEGIN + SECOND + tickets * move // MOVES)
        effects = partition.drain()
        fired += len([write_alert(alert) for alert in effects.alerts])
    return (time.process_time() - begun) / fired * 1e6


def scan(tickets: int, *, indexed: bool) -> float:
    """CPU milliseconds per scan for due tickets."""
    with sqlite3.connect(":memory:") as database:
        database.execute("create table tickets (id text primary key, state text, due integer)")
        database.executemany(
            "insert into tickets values (?, 'open', ?)",
            ((f"T{number:07}", BEGIN + number) for number in range(tickets)),
        )
        if indexed:
            database.execute("create index due on tickets (due)")
        begun = time.process_time()
        looks = 10
        for look in range(looks):
            database.execute(
                "select id from tickets where state = 'open' and due > ? and due <= ?",
                (BEGIN + look, BEGIN + look + 20),
            ).fetchall()
        return (time.process_time() - begun) / looks * 1000


def _spread(runs: int, of: Callable[[], float]) -> dict[str, float]:
    return spread([of() for _ in range(runs)])


def run(*, sizes: Sequence[int] = SIZES, runs: int = 3) -> dict[str, Any]:
    """``runs`` runs for each size."""
    found: dict[str, Any] = {}
    gc.disable()
    for size in sizes:
        found[str(size)] = {
            "us_per_deadline": _spread(runs, lambda size=size: fire(world_of(size), size)),
            "scan_ms": _spread(runs, lambda size=size: scan(size, indexed=False)),
            "indexed_scan_ms": _spread(runs, lambda size=size: scan(size, indexed=True)),
        }
        print(f"  {size:,} tickets done", flush=True)
    costs = [of["us_per_deadline"]["median"] for of in found.values()]
    return {"sizes": found, "largest_over_smallest": max(costs) / min(costs)}


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    for size, of in found["sizes"].items():
        print(
            f"  {int(size):,} open tickets: {told(of['us_per_deadline'], ' µs a deadline')}; one "
            f"scan {told(of['scan_ms'], ' ms')}, with an index {told(of['indexed_scan_ms'], ' ms')}"
        )
    print(f"  dearest over cheapest: {found['largest_over_smallest']:.2f}")
