"""Steady load on trackers with everything on: ``make steady`` (RATE=1000 FOR=60 TRACKERS=1).

Publishes RATE events a second, one in twenty of which is a broken promise the moment it arrives,
and measures from the event's append to its alert's being visible to a read_committed reader on the
same machine; prints that and the CPU of the trackers.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiokafka import AIOKafkaProducer

from sla_cli.rig import TrackerProcess, follower
from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_kafka.topics import BREACHES, DEFAULT_PARTITIONS, EVENTS

#: One ticket in so many is broken when it comes.
BROKEN = 20
#: Seconds at the beginning whose alerts are left out: the broker's JVM has yet to compile itself.
WARM_UP = 10
#: Batches a second in which the load is sent.
BEATS = 20


def created(number: int, now: datetime, *, broken: bool) -> dict[str, object]:
    """A ticket that was communicated just now, or too long ago."""
    told = now - timedelta(minutes=61 if broken else 0)
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/bench",
        "type": "ticket.created",
        "subject": f"T{number}",
        "time": now.isoformat(),
        "data": {
            "client_id": f"c{number % 100}",
            "severity": "blocker" if broken else "low",
            "communicated_at": told.isoformat(),
        },
    }


async def load(settings: KafkaSettings, rate: int, seconds: int, appended: dict[str, int]) -> int:
    """Send the load; notes when the broken ones were appended. Answers how many were sent."""
    producer = AIOKafkaProducer(**settings.client_options(), acks="all", linger_ms=0)
    await producer.start()
    sent = 0
    try:
        begin = time.monotonic()
        for beat in range(seconds * BEATS):
            await asyncio.sleep(max(0.0, begin + beat / BEATS - time.monotonic()))
            now = datetime.now(UTC)
            waiting = []
            for _ in range(rate // BEATS):
                broken = sent % BROKEN == 0
                key = f"T{sent}".encode()
                value = json.dumps(created(sent, now, broken=broken)).encode()
                home = partition_for(key, DEFAULT_PARTITIONS)
                future = await producer.send(EVENTS.name, value, key=key, partition=home)
                if broken:
                    waiting.append((f"T{sent}", future))
                sent += 1
            for ticket, future in waiting:
                appended[ticket] = (await future).timestamp
        return sent
    finally:
        await producer.stop()


async def watch(settings: KafkaSettings, seen: dict[str, float], expected: int) -> None:
    """Note when the first breach of each ticket is there to be read."""
    async with follower(settings, [BREACHES.name]) as consumer:
        while len(seen) < expected:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                now = time.time() * 1000
                for record in records:
                    seen.setdefault(record.key.decode(), now)


async def measure(settings: KafkaSettings, rate: int, seconds: int) -> tuple[int, list[float]]:
    """How many were sent, and the milliseconds from append to alert once warmed up."""
    appended: dict[str, int] = {}
    seen: dict[str, float] = {}
    expected = rate // BEATS * BEATS * seconds // BROKEN
    watching = asyncio.create_task(watch(settings, seen, expected))
    sent = await load(settings, rate, seconds, appended)
    await asyncio.wait_for(watching, 120)
    begin = min(appended.values()) + WARM_UP * 1000
    return sent, [seen[ticket] - at for ticket, at in appended.items() if at >= begin]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Run once and print."""
    rate, seconds, count = (int(each) for each in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as made, EmbeddedKafka() as kafka:
        settings = KafkaSettings(bootstrap=kafka.bootstrap)
        asyncio.run(create_topics(settings, DEFAULT_PARTITIONS))
        trackers = [
            TrackerProcess(kafka.bootstrap, Path(made) / f"tracker-{number}.log", replay=False)
            for number in range(count)
        ]
        try:
            for tracker in trackers:
                tracker.wait_until_ready()
            before = sum(cpu_seconds(tracker.pid) for tracker in trackers)
            started = time.monotonic()
            sent, latencies = asyncio.run(measure(settings, rate, seconds))
            took = time.monotonic() - started
            used = sum(cpu_seconds(tracker.pid) for tracker in trackers) - before
        finally:
            for tracker in trackers:
                tracker.stop()
    cuts = statistics.quantiles(latencies, n=100)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"{count} trackers, {rate} events/s for {seconds} s: {sent} sent in {took:.0f} s; append "
        f"to alert p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, max {max(latencies):.0f} ms "
        f"of {len(latencies)}; {used / took * 100:.0f} % of a core, "
        f"{used / sent * 1e6:.0f} µs an event"
    )


if __name__ == "__main__":
    main()
