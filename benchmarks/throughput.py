"""Catch-up: one tracker with everything enabled, compared with its peers (goal: 100,000 events/s).

A million events of 200,000 tickets are in an embedded Kafka on the same machine; a contender is
measured from its start until it has committed the last one. Every round has its own broker and runs
each contender once, so a slow period affects all of them. The peers do a reduced job: parse,
per-ticket state, changelog; the tracker does its full job.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from contenders import Contender, faust, kafka_streams, ours, quix, stop
from figures import Used, spread, told
from lines import line

from sla_domain.instant import DAY, MINUTE, parse_instant
from sla_kafka.reading import end_offsets
from sla_kafka.settings import KafkaSettings
from sla_lab.feed import Feed
from sla_lab.processes import Harness
from sla_lab.recording import Line
from sla_schemas.topics import DEFAULT_PARTITIONS, EVENTS

SEED: Final = 1
BEGIN: Final = parse_instant("2026-09-21T00:00:00Z")
WORDS: Final = ("created", "assigned", "waiting_on_client", "client_responded", "resolved")
#: One ticket in this many is slow, so that its clocks reach warnings and breaches.
SLOW: Final = 10
GIVE_UP_SECONDS: Final = 900.0
#: Faust takes minutes for a million events, so it gets a fraction of them; its rate is constant.
FAUST_SHARE: Final = 5


def events(count: int) -> list[Line]:
    """``count`` events of tickets spread over three days, in order of occurrence."""
    drawn = random.Random(SEED)  # noqa: S311  a benchmark wants the same numbers again
    lines = list(_tickets(count // len(WORDS), drawn))
    lines.sort(key=lambda each: each.occurred or 0)
    return lines


def _tickets(count: int, drawn: random.Random) -> Iterator[Line]:
    for number in range(count):
        at = BEGIN + drawn.randrange(3 * DAY)
        severity = drawn.choice(("high", "medium", "medium", "low", "low"))
        longest = 30 * MINUTE * (40 if number % SLOW == 0 else 1)
        for place, word in enumerate(WORDS):
            yield line(number, place, word, at, severity)
            at += drawn.randrange(MINUTE, longest)


async def publish(settings: KafkaSettings, lines: list[Line]) -> None:
    """Publish ``lines`` to the input topic."""
    async with Feed(settings) as feed:
        for each in lines:
            await feed.add(each)
        await feed.flush()


async def committed(settings: KafkaSettings, group: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until ``group`` has committed all of the input."""
    ends = await end_offsets(settings, EVENTS.name)
    admin = AIOKafkaAdminClient(**settings.client_options())
    await admin.start()
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while True:
                try:
                    offsets = await admin.list_consumer_group_offsets(group)
                except KafkaError:
                    # Nobody has requested this group's coordinator yet.
                    offsets = {}
                if all(
                    partition in offsets and offsets[partition].offset >= end
                    for partition, end in ends.items()
                ):
                    return
                if process.poll() is not None:
                    raise RuntimeError(f"the contender ended with status {process.returncode}")
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


@dataclass(frozen=True)
class Run:
    """The figures of one run."""

    events_per_second: float
    cpu_us_per_event: float
    resident_mb: float


def measure(contender: Contender, lines: list[Line], partitions: int = DEFAULT_PARTITIONS) -> Run:
    """Publish ``lines``, then measure ``contender`` from its start to its last commit."""
    with (
        Harness(partitions=partitions, trackers=0) as harness,
        tempfile.TemporaryDirectory() as made,
    ):
        asyncio.run(publish(harness.settings, lines))
        started = time.perf_counter()
        processes = [
            contender.start(harness.broker.bootstrap, Path(made) / str(number))
            for number in range(contender.processes)
        ]
        try:
            asyncio.run(committed(harness.settings, contender.group, processes[0]))
            seconds = time.perf_counter() - started
            used = [Used.by(process.pid) for process in processes]
        finally:
            for process in processes:
                stop(process)
    return Run(
        len(lines) / seconds,
        sum(each.cpu_seconds for each in used) / len(lines) * 1e6,
        sum(each.resident_mb for each in used),
    )


def run(*, count: int = 1_000_000, runs: int = 3) -> dict[str, Any]:
    """Run all contenders for ``runs`` rounds."""
    lines = events(count)
    contenders = [
        ours("--replay"),
        ours("--replay", processes=2),
        kafka_streams(2),
        kafka_streams(1),
        quix(),
        faust(),
    ]
    results: dict[str, list[Run]] = {each.name: [] for each in contenders if not each.why_not}
    for number in range(1, runs + 1):
        for contender in contenders:
            if contender.why_not:
                continue
            some = lines[: count // FAUST_SHARE] if contender.name == "Faust" else lines
            measured = measure(contender, some)
            results[contender.name].append(measured)
            print(
                f"  {number}/{runs} {contender.name}: {measured.events_per_second:,.0f} events/s, "
                f"{measured.cpu_us_per_event:.1f} µs an event, {measured.resident_mb:.0f} MB",
                flush=True,
            )
    found: dict[str, Any] = {
        "events": count,
        "tickets": count // len(WORDS),
        "partitions": DEFAULT_PARTITIONS,
        "contenders": {
            name: {
                field: spread([getattr(each, field) for each in of])
                for field in Run.__dataclass_fields__
            }
            for name, of in results.items()
        },
        "left_out": {each.name: each.why_not for each in contenders if each.why_not},
    }
    own = found["contenders"]["SLA tracker"]["events_per_second"]["median"]
    found["ratios"] = {
        name: own / of["events_per_second"]["median"]
        for name, of in found["contenders"].items()
        if not name.startswith("SLA tracker")
    }
    return found


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    for name, of in found["contenders"].items():
        ratio = found["ratios"].get(name)
        print(
            f"  {name}: {told(of['events_per_second'], ' events/s')}, "
            f"{told(of['cpu_us_per_event'], ' µs CPU an event')}, "
            f"{told(of['resident_mb'], ' MB')}" + (f"; ours {ratio:.2f}x" if ratio else "")
        )
    for name, reason in found["left_out"].items():
        print(f"  {name}: left out, {reason}")
