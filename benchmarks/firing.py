"""What firing a deadline costs with few and with many open tickets, beside what helpdesks do.

In one process, without Kafka: a partition with so many open tickets fires a thousand of its
deadlines, alerts and rows written out (goal: the same cost at any size, within 1.5). Beside it the
scan of a helpdesk over the same tickets in SQLite: ``select … where due <= now``, with an index on
``due`` and without.
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
#: How many deadlines are fired, in so many moves of the frontier.
FIRED: Final = 1_000
MOVES: Final = 10
BEGIN: Final = parse_instant("2026-11-02T15:00:00Z")
PROMISE: Final = 60 * MINUTE


def world_of(tickets: int) -> Partition:
    """A partition with so many open tickets, a thousand of which come due, a millisecond apart."""
    partition = Partition(0, EVENTS.name, load_policies([]), TimeRule(0))
    for number in range(tickets):
        due = number * FIRED // tickets != (number - 1) * FIRED // tickets
        data: dict[str, object] = {"client_id": "c", "severity": "blocker" if due else "low"}
        if due:
            # Warned of at 59 minutes already: the next thing it owes is the breach.
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
    """Microseconds of CPU a deadline."""
    begun = time.process_time()
    fired = 0
    for move in range(1, MOVES + 1):
        partition.caught_up(BEGIN + SECOND + tickets * move // MOVES)
        effects = partition.drain()
        fired += len([write_alert(alert) for alert in effects.alerts])
    return (time.process_time() - begun) / fired * 1e6


def scan(tickets: int, *, indexed: bool) -> float:
    """Milliseconds of one look for what is due over so many tickets, two thousand due a second."""
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
    """Each size, ``runs`` times."""
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
    """Print what was found."""
    for size, of in found["sizes"].items():
        print(
            f"  {int(size):,} open tickets: {told(of['us_per_deadline'], ' µs a deadline')}; one "
            f"scan {told(of['scan_ms'], ' ms')}, with an index {told(of['indexed_scan_ms'], ' ms')}"
        )
    print(f"  dearest over cheapest: {found['largest_over_smallest']:.2f}")
