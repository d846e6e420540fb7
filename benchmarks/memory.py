"""Memory of one tracker over a long time: ``make memory`` (EVENTS=10000000, ten per ticket).

Tickets come and go over three years of event time; a closed one leaves the table after the policy's
90 days. Reports the memory of the tracker's process and the tickets in its table after every tenth.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

from lines import line
from prometheus_client.parser import text_string_to_metric_families

from sla_domain.instant import DAY, HOUR, parse_instant
from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_lab.feed import Feed
from sla_lab.processes import TrackerProcess
from sla_lab.recording import Line
from sla_schemas.topics import DEFAULT_PARTITIONS

SEED = 1
BEGIN = parse_instant("2023-01-02T00:00:00Z")
SPAN = 3 * 365 * DAY
WORDS = (
    "created",
    "assigned",
    *("waiting_on_client", "client_responded") * 3,
    "assigned",
    "resolved",
)
#: Otherwise the table grows without limit on the broker; a real one is compacted over weeks.
COMPACTED = {
    "log.segment.bytes": str(64 * 1024 * 1024),
    "log.cleaner.backoff.ms": "5000",
    "log.cleaner.min.cleanable.ratio": "0.3",
}


def story(tickets: int) -> Iterator[Line]:
    """All events of ``tickets`` tickets, in order of occurrence."""
    drawn = random.Random(SEED)  # noqa: S311  a benchmark wants the same numbers again
    under_way: list[tuple[int, int, int]] = []
    for number in range(tickets):
        begin = BEGIN + number * SPAN // tickets
        while under_way and under_way[0][0] < begin:
            yield from _next(under_way, drawn)
        heappush(under_way, (begin, number, 0))
    while under_way:
        yield from _next(under_way, drawn)


def _next(under_way: list[tuple[int, int, int]], drawn: random.Random) -> Iterator[Line]:
    at, number, step = heappop(under_way)
    yield line(number, step, WORDS[step], at, "medium")
    if step + 1 < len(WORDS):
        heappush(under_way, (at + drawn.randrange(HOUR, DAY), number, step + 1))


def figures(tracker: TrackerProcess) -> tuple[int, int, float]:
    """Events read, tickets in the table, resident megabytes."""
    status, text = tracker.get("/metrics")
    sums: dict[str, float] = {}
    if status == 200:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return (
        int(sums.get("sla_events_total", 0)),
        int(sums.get("sla_tickets", 0)),
        sums.get("process_resident_memory_bytes", 0) / 2**20,
    )


async def measure(
    settings: KafkaSettings, tracker: TrackerProcess, count: int
) -> list[dict[str, float]]:
    """Publish everything while the tracker reads; the figures after every tenth."""
    began = time.monotonic()
    found: list[dict[str, float]] = []

    async def publish() -> None:
        async with Feed(settings) as feed:
            for each in story(count // len(WORDS)):
                await feed.add(each)
            await feed.flush()

    publishing = asyncio.create_task(publish())
    while len(found) < 10:
        await asyncio.sleep(2)
        if publishing.done():
            publishing.result()
        tracker.check()
        read, tickets, resident = await asyncio.to_thread(figures, tracker)
        while len(found) < 10 and read >= (len(found) + 1) * count // 10:
            took = round(time.monotonic() - began)
            found.append({"events": read, "tickets": tickets, "mib": resident, "seconds": took})
            _tell_tenth(found[-1])
    return found


def run(*, events: int = 10_000_000) -> dict[str, Any]:
    """Run with ``events`` events, ten per ticket."""
    count = events // len(WORDS) * len(WORDS)
    with tempfile.TemporaryDirectory() as at, EmbeddedKafka(overrides=COMPACTED) as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap)
        asyncio.run(create_topics(settings, DEFAULT_PARTITIONS))
        tracker = TrackerProcess(broker.bootstrap, Path(at) / "tracker.log")
        try:
            tracker.wait_until_ready()
            tenths = asyncio.run(measure(settings, tracker, count))
        finally:
            tracker.stop()
    return {"events": count, "tickets": count // len(WORDS), "tenths": tenths}


def _tell_tenth(tenth: dict[str, float]) -> None:
    """Print a tenth at once: the benchmark takes long."""
    print(
        f"  {tenth['events']:>10} events  {tenth['tickets']:>7} tickets  {tenth['mib']:6.0f} MiB "
        f"resident  {tenth['seconds']:5.0f} s",
        flush=True,
    )


def tell(found: dict[str, Any]) -> None:
    """Print the summary; the tenths are already printed."""
    most = max(tenth["mib"] for tenth in found["tenths"])
    print(f"  {found['events']} events of {found['tickets']} tickets, at most {most:.0f} MiB")


if __name__ == "__main__":
    tell(run())
