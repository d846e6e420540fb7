"""Latency from an alert's due time until it is visible, at a steady load (goal: p99 of 50 ms).

An alert is due a grace after the append of the event that caused it (two seconds for the tracker,
in which late events may still disprove it; Kafka Streams has no grace).

Publishes RATE events per second for two minutes; one in twenty is a breach on arrival. Measures
until a read_committed reader on the same machine gets its breach. The tracker, with everything
enabled, and Kafka Streams, with its reduced job and a commit interval of 100 ms, take turns.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from contenders import Contender, kafka_streams, ours, stop
from figures import Used, percentiles

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.partitioning import partition_for
from sla_kafka.reading import follower
from sla_kafka.settings import KafkaSettings
from sla_schemas.topics import BREACHES, DEFAULT_PARTITIONS, EVENTS

RATES: Final = (1_000, 5_000)
#: One ticket in this many is breached on arrival.
BROKEN: Final = 20
#: For how many seconds at the start alerts are not counted: the JVMs are still compiling.
WARM_UP: Final = 10
#: How many batches per second the load is sent in.
BEATS: Final = 20


def created(number: int, now: datetime, *, broken: bool) -> dict[str, object]:
    """A ticket that was communicated just now, or too long ago."""
    told = now - timedelta(minutes=61 if broken else 0)
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/bench",
        "type": "ticket.created",
        "subject": f"T{number}",
        "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {
            "client_id": f"c{number % 100}",
            "severity": "blocker" if broken else "low",
            "communicated_at": told.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        },
    }


async def load(settings: KafkaSettings, rate: int, seconds: int, appended: dict[str, int]) -> int:
    """Publish the load, and record when the breached tickets were appended; returns the events
    sent.
    """
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
    """Record when the first breach of each ticket became readable."""
    async with follower(settings, [BREACHES.name]) as consumer:
        while len(seen) < expected:
            for records in (await consumer.getmany(timeout_ms=20)).values():
                now = time.time() * 1000
                for record in records:
                    seen.setdefault(record.key.decode(), now)


async def latencies(
    settings: KafkaSettings, rate: int, seconds: int, grace: int
) -> tuple[int, list[float]]:
    """The events sent, and the milliseconds from append plus grace to alert, after the warm-up."""
    appended: dict[str, int] = {}
    seen: dict[str, float] = {}
    expected = -(-(rate // BEATS * BEATS * seconds) // BROKEN)
    watching = asyncio.create_task(watch(settings, seen, expected))
    sent = await load(settings, rate, seconds, appended)
    await asyncio.wait_for(watching, 120)
    begin = min(appended.values()) + WARM_UP * 1000
    return sent, [seen[ticket] - at - grace for ticket, at in appended.items() if at >= begin]


def measure(contender: Contender, rate: int, seconds: int) -> dict[str, Any]:
    """Measure one contender at one rate, with its own broker."""
    with tempfile.TemporaryDirectory() as made, EmbeddedKafka() as kafka:
        settings = KafkaSettings(bootstrap=kafka.bootstrap)
        asyncio.run(create_topics(settings, DEFAULT_PARTITIONS))
        process = contender.start(kafka.bootstrap, Path(made) / "contender")
        try:
            time.sleep(8)  # until it owns its partitions; the warm-up hides what is left
            before = Used.by(process.pid).cpu_seconds
            sent, found = asyncio.run(latencies(settings, rate, seconds, contender.grace))
            cpu = Used.by(process.pid).cpu_seconds - before
        finally:
            stop(process)
    return {**percentiles(found), "cpu_us_per_event": cpu / sent * 1e6}


def run(*, seconds: int = 120, runs: int = 1) -> dict[str, Any]:
    """Measure both at each rate, in turns."""
    contenders = [each for each in (ours(), kafka_streams(2)) if not each.why_not]
    rates: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for rate in RATES:
        for _ in range(runs):
            for contender in contenders:
                measured = measure(contender, rate, seconds)
                rates.setdefault(str(rate), {}).setdefault(contender.name, []).append(measured)
                print(f"  {rate}/s {contender.name}: p99 {measured['p99']:.0f} ms", flush=True)
    return {"seconds": seconds, "warm_up_seconds": WARM_UP, "rates": rates}


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    for rate, of in found["rates"].items():
        for name, runs in of.items():
            for each in runs:
                print(
                    f"  {rate} events/s, {name}: p50 {each['p50']:.0f} ms, p99 {each['p99']:.0f} "
                    f"ms, at most {each['max']:.0f} ms; {each['cpu_us_per_event']:.0f} µs an event"
                )
