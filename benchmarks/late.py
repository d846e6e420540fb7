"""The cost of a late event of a ticket with SIZES events, compared with one in order (goal: at most
logarithmic, or bounded by a constant).

One process, without Kafka: a ticket that waits for its client again and again gets events in order,
then events from its beginning. A late event causes all of the ticket's events to be applied again.
A ticket is limited to 1 MiB: the size of its events plus 1 KiB for each.
"""

from __future__ import annotations

import time
from typing import Any, Final

from figures import spread, told

from sla_domain.instant import MINUTE, format_instant, parse_instant
from sla_engine.frontier import TimeRule
from sla_engine.partition import Partition
from sla_engine.wire.tables import write_json
from sla_lab.recording import Recorded
from sla_policy.loading import load_policies
from sla_schemas.topics import EVENTS

#: The last is above the limit for a ticket: its events become dead letters.
SIZES: Final = (10, 100, 800, 1_000)
#: How many events of each kind are measured together.
TOGETHER: Final = 20
BEGIN: Final = parse_instant("2026-11-02T15:00:00Z")


class _Ticket:
    """A partition with one ticket."""

    def __init__(self) -> None:
        self._partition = Partition(0, EVENTS.name, load_policies([]), TimeRule())
        self._count = 0
        self.add("created", BEGIN, client_id="c", severity="low")

    def add(self, word: str, at: int, **data: str) -> None:
        event = {
            "specversion": "1.0",
            "id": f"e{self._count}",
            "source": "/bench",
            "type": f"ticket.{word}",
            "subject": "T",
            "time": format_instant(at),
            "data": data,
        }
        now = BEGIN + self._count * MINUTE
        record = Recorded(EVENTS.name, 0, self._count, now, b"T", write_json(event), ())
        self._partition.apply(record)
        self._count += 1

    def go_on(self, until: int) -> None:
        """Add events in order until the ticket has ``until``."""
        while self._count < until:
            word = "waiting_on_client" if self._count % 2 else "client_responded"
            self.add(word, BEGIN + self._count * MINUTE)
            if self._count % 100 == 0:
                self._partition.drain()

    def late(self, count: int) -> None:
        """Add ``count`` events from its beginning."""
        for number in range(count):
            self.add("assigned", BEGIN + 1000 + number, analyst_id="x")


def measure(size: int) -> tuple[float, float]:
    """Microseconds per event in order, and per late event."""
    ticket = _Ticket()
    ticket.go_on(size)
    begin = time.perf_counter()
    ticket.go_on(size + TOGETHER)
    between = time.perf_counter()
    ticket.late(TOGETHER)
    end = time.perf_counter()
    return (between - begin) / TOGETHER * 1e6, (end - between) / TOGETHER * 1e6


def run(*, sizes: tuple[int, ...] = SIZES, runs: int = 7) -> dict[str, Any]:
    """``runs`` runs for each size."""
    found: dict[str, Any] = {}
    for size in sizes:
        pairs = [measure(size) for _ in range(runs)]
        in_order, late = zip(*pairs, strict=True)
        found[str(size)] = {"in_order_us": spread(list(in_order)), "late_us": spread(list(late))}
    return {"runs": runs, "together": TOGETHER, "sizes": found}


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    for size, of in found["sizes"].items():
        in_order, late = told(of["in_order_us"], " µs"), told(of["late_us"], " µs")
        print(f"  {size} events: {in_order} in order, {late} late")


if __name__ == "__main__":
    tell(run())
