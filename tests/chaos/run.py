"""One complete chaos run, and its report."""

from __future__ import annotations

import asyncio
import contextlib
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median_high
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chaos.cluster import Cluster
from chaos.contenders import Contender
from chaos.crew import Crew, Kill
from chaos.faults import Plan, bring_about
from chaos.oracle import Verdict, read, write_input
from sla_engine.wire.progress import read_progress
from sla_kafka.admin import create_topics
from sla_kafka.partitioning import partition_for
from sla_kafka.reading import end_offsets
from sla_kafka.settings import KafkaSettings
from sla_lab.recording import Line
from sla_schemas.headers import REPLAY_FRONTIER_HEADER
from sla_schemas.topics import EVENTS, PROGRESS

PARTITIONS = 12
Say = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What happened, and what came of it."""

    events: int
    faults: dict[str, int]
    verdict: Verdict
    longest_gap_seconds: float
    takeovers: list[float]
    ended_by_themselves: list[str]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For people and for a file."""
        return {
            "events": self.events,
            "faults": self.faults,
            **self.verdict.as_dict(),
            "longest_gap_seconds": round(self.longest_gap_seconds, 1),
            "takeover_seconds": {
                "count": len(self.takeovers),
                "p50": round(median_high(self.takeovers or [0.0]), 1),
                "max": round(max(self.takeovers, default=0), 1),
            },
            "ended_by_themselves": self.ended_by_themselves,
            "seconds": round(self.seconds),
        }


async def run(
    directory: Path,
    contender: Contender,
    *,
    events: int,
    seed: int,
    plan: Plan,
    nodes: int,
    say: Say,
) -> Report:
    """Publish the story of ``seed`` while ``plan`` is brought about; judge what is there in the
    end.
    """
    began = time.monotonic()
    async with Cluster(directory / "kafka", nodes) as cluster:
        settings = KafkaSettings(bootstrap=cluster.bootstrap)
        await create_topics(settings, PARTITIONS, cluster.replicas)
        begun = await end_offsets(settings, EVENTS.name)
        await contender.prepare(settings, PARTITIONS, cluster.replicas)
        crew = Crew(contender.launcher(cluster.bootstrap, directory))
        for place in range(len(crew.places)):
            crew.start(place)
        try:
            say(f"{events} events, {plan.seconds:.0f} s of faults, {nodes} broker(s)")
            async with publisher(settings) as producer:
                last = await _publish(
                    producer,
                    contender.story(seed, events),
                    events / plan.seconds,
                    plan,
                    seed,
                    cluster,
                    crew,
                )
                say(f"all faults done: {dict(crew.faults)}; reading to the end")
                if contender.replay:
                    await _move_frontier(producer, last)
            goals = await end_offsets(settings, EVENTS.name)
            supervising = asyncio.create_task(crew.supervise())
            try:
                await contender.finished(settings, begun, goals)
            finally:
                supervising.cancel()
            count = await write_input(settings, directory / "events.jsonl")
            say(f"{count} events in the log; looking at what came of them")
            verdict = await contender.verdict(settings, directory)
            gap, takeovers = await _times(settings, crew.kills)
        finally:
            crew.close()
    return Report(
        count,
        dict(crew.faults),
        verdict,
        gap,
        takeovers,
        crew.ended,
        time.monotonic() - began,
    )


@asynccontextmanager
async def publisher(settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that outlives its brokers."""
    producer = AIOKafkaProducer(
        **settings.client_options(),
        enable_idempotence=True,
        acks="all",
        linger_ms=20,
        request_timeout_ms=60_000,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _publish(
    producer: AIOKafkaProducer,
    lines: Iterable[Line],
    rate: float,
    plan: Plan,
    seed: int,
    cluster: Cluster,
    crew: Crew,
) -> int:
    """Send the lines at ``rate`` while faults happen; answers when the last event occurred."""
    faults = asyncio.create_task(bring_about(plan, seed, cluster, crew))
    began, last = time.monotonic(), 0
    waiting: set[asyncio.Future[Any]] = set()
    try:
        for number, line in enumerate(lines):
            partition = partition_for(line.key, PARTITIONS)
            sent = await producer.send(EVENTS.name, line.value, line.key, partition)
            waiting.add(sent)
            sent.add_done_callback(waiting.discard)
            last = max(last, line.occurred or 0)
            if number % 100 == 0:
                await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
                if faults.done():
                    faults.result()
        await asyncio.gather(*waiting)
        await faults
    finally:
        faults.cancel()
        with contextlib.suppress(asyncio.CancelledError, KafkaError):
            await faults
    return last


async def _move_frontier(producer: AIOKafkaProducer, last: int) -> None:
    header = [(REPLAY_FRONTIER_HEADER, str(last).encode())]
    for partition in range(PARTITIONS):
        await producer.send_and_wait(EVENTS.name, b"", None, partition, headers=header)


async def _times(settings: KafkaSettings, kills: Iterable[Kill]) -> tuple[float, list[float]]:
    """The longest time that a partition had something to read and made no progress, and for each
    kill how long it took until all partitions of the tracker made progress again; in seconds, by
    the broker's own clock.
    """
    came_on: dict[int, list[tuple[int, int]]] = defaultdict(list)
    async for record in read(settings, PROGRESS.name):
        offset = read_progress(record.value).offset
        came_on[record.partition].append((record.timestamp, offset))
    appended: dict[int, list[tuple[int, int]]] = defaultdict(list)
    async for record in read(settings, EVENTS.name):
        appended[record.partition].append((record.offset, record.timestamp))
    longest = max(
        (
            after - max(before, _appended_from(appended[partition], offset, after))
            for partition, moments in came_on.items()
            for (before, offset), (after, _) in pairwise(moments)
        ),
        default=0,
    )
    takeovers = [
        max(
            _first_after((moment for moment, _ in came_on[partition]), kill.at) - kill.at
            for partition in kill.partitions
        )
        for kill in kills
        if kill.partitions
    ]
    return longest / 1000, [milliseconds / 1000 for milliseconds in takeovers]


def _appended_from(records: Sequence[tuple[int, int]], offset: int, otherwise: int) -> int:
    """When the first record from ``offset`` on was appended."""
    place = bisect_left(records, (offset, 0))
    return records[place][1] if place < len(records) else otherwise


def _first_after(moments: Iterable[int], at: int) -> int:
    return next((moment for moment in moments if moment > at), at)
