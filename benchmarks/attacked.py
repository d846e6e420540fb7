"""The effect of late events of one old ticket on all other tickets: latency from an alert's due
time until it is visible, alone and while one source sends ATTACK late events per second of a ticket
with 700 events (goal: p99 of 100 ms).

The other events come at 1,000 per second on all partitions, the attack on one.
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
from contenders import ours, stop
from figures import percentiles
from latency import WARM_UP, latencies

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_schemas.topics import DEFAULT_PARTITIONS, EVENTS

#: Late events per second: none, and a tenth of a source's limit at the intake.
ATTACKS: Final = (0, 500)
#: How many events the ticket has before the late ones.
KNOWN: Final = 700
RATE: Final = 1_000
_TICKET: Final = "OLD"


def event(number: int, word: str, at: datetime, data: dict[str, Any]) -> bytes:
    """An event of the old ticket."""
    told = {
        "specversion": "1.0",
        "id": f"o{number}",
        "source": "/attack",
        "type": f"ticket.{word}",
        "subject": _TICKET,
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(told).encode()


async def attack(settings: KafkaSettings, a_second: int, seconds: int) -> None:
    """Create the ticket, resolved and reopened many times, and send late events of it."""
    producer = AIOKafkaProducer(**settings.client_options(), acks="all", linger_ms=0)
    await producer.start()
    key = _TICKET.encode()
    home = partition_for(key, DEFAULT_PARTITIONS)
    began = datetime.now(UTC) - timedelta(days=3)

    async def send(values: list[bytes]) -> None:
        for value in values:
            await producer.send(EVENTS.name, value, key=key, partition=home)
        await producer.flush()

    try:
        first = {"client_id": "attacker", "severity": "low", "channel": "ticketing"}
        known = [event(0, "created", began, first)]
        for number in range(1, KNOWN):
            word = "resolved" if number % 2 else "reopened"
            known.append(event(number, word, began + timedelta(minutes=number), {}))
        await send(known)
        begin, sent = time.monotonic(), 0
        while sent < a_second * seconds:
            await asyncio.sleep(max(0.0, begin + sent / a_second - time.monotonic()))
            late = began + timedelta(seconds=1, milliseconds=sent)
            values = [
                event(KNOWN + sent + n, "assigned", late, {"analyst_id": "x"})
                for n in range(a_second // 10)
            ]
            await send(values)
            sent += len(values)
    finally:
        await producer.stop()


async def both(settings: KafkaSettings, a_second: int, seconds: int) -> list[float]:
    """The latencies of the other tickets, in milliseconds, during the attack."""
    attacking = asyncio.create_task(attack(settings, a_second, seconds))
    _, found = await latencies(settings, RATE, seconds, ours().grace)
    await attacking
    return found


def run(*, seconds: int = 60, runs: int = 1) -> dict[str, Any]:
    """Run without and with the attack."""
    rates: dict[str, list[dict[str, Any]]] = {}
    for _ in range(runs):
        for a_second in ATTACKS:
            with tempfile.TemporaryDirectory() as made, EmbeddedKafka() as kafka:
                settings = KafkaSettings(bootstrap=kafka.bootstrap)
                asyncio.run(create_topics(settings, DEFAULT_PARTITIONS))
                process = ours().start(kafka.bootstrap, Path(made) / "tracker")
                try:
                    time.sleep(8)  # until it owns its partitions
                    found = percentiles(asyncio.run(both(settings, a_second, seconds)))
                finally:
                    stop(process)
            rates.setdefault(str(a_second), []).append(found)
            print(f"  {a_second} late events/s: p99 {found['p99']:.0f} ms", flush=True)
    return {"seconds": seconds, "warm_up_seconds": WARM_UP, "rates": rates}


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    for rate, runs in found["rates"].items():
        for each in runs:
            print(
                f"  {rate} late events/s: the neighbours' p50 {each['p50']:.0f} ms, p99 "
                f"{each['p99']:.0f} ms, at most {each['max']:.0f} ms"
            )


if __name__ == "__main__":
    tell(run())
