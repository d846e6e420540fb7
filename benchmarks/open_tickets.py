"""A million open tickets on one tracker: memory, punctual deadlines, restore, failover.

Loads TICKETS open tickets (1,000,000) into a tracker on the wall clock, and then measures, in one
run with one broker:

- memory: what the tracker's process uses more than an empty one, per ticket;
- deadlines: RATE breaches per second; from deadline plus grace to a read_committed reader;
- restore: the tracker is stopped, and a new one is started on the same table;
- failover: one of two trackers is killed with ``kill -9``;
- planned restart: one of two trackers is stopped cleanly and started again.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from figures import Used, percentiles

from sla_domain.instant import MINUTE, format_instant
from sla_engine.frontier import DEFAULT_GRACE
from sla_engine.wire.tables import write_json
from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.reading import follower
from sla_kafka.settings import KafkaSettings
from sla_lab.feed import Feed
from sla_lab.processes import TrackerProcess
from sla_lab.recording import Line
from sla_schemas.topics import BREACHES, DEFAULT_PARTITIONS

#: A blocker must get its first response within an hour, around the clock (clause C3).
PROMISE: Final = 60 * MINUTE
#: For how many seconds deadlines come at the full rate; then ``TRICKLE`` per second follow, to time
#: the restarts.
WINDOW: Final = 30
#: The first seconds are not counted: the broker's JVM is still compiling the code for alerts.
WARM_UP: Final = 10
TRICKLE: Final = 100
TRICKLE_SECONDS: Final = 150
#: A lower bound for the load rate, in events per second: the deadlines begin after the load.
SLOWEST_LOAD: Final = 12_000


@dataclass(frozen=True)
class Plan:
    """The due time of each ticket: ``due[n]`` of ticket ``n``, in UTC milliseconds."""

    tickets: int
    begin: int
    due: list[int]

    @classmethod
    def of(cls, tickets: int, rate: int) -> Plan:
        """Begin after the load, even at the slowest rate."""
        begin = int(time.time() * 1000) + 20_000 + tickets * 1000 // SLOWEST_LOAD
        rush = [begin + number * 1000 // rate for number in range(WINDOW * rate)]
        after = begin + WINDOW * 1000
        trickle = [after + number * 1000 // TRICKLE for number in range(TRICKLE_SECONDS * TRICKLE)]
        return cls(tickets, begin, (rush + trickle)[:tickets])

    def lines(self) -> Iterator[Line]:
        """The tickets, with those that come due spread among the others."""
        step = max(1, self.tickets // len(self.due))
        waiting = iter(range(len(self.due)))
        for number in range(self.tickets):
            now = int(time.time() * 1000)
            name, data = f"idle-{number}", {"client_id": f"c{number % 100}", "severity": "low"}
            if number % step == 0 and (due := next(waiting, None)) is not None:
                name, data["severity"] = f"due-{due}", "blocker"
                data["communicated_at"] = format_instant(self.due[due] - PROMISE)
            event = {
                "specversion": "1.0",
                "id": f"e{number}",
                "source": "/bench",
                "type": "ticket.created",
                "subject": name,
                "time": format_instant(now),
                "data": data,
            }
            yield Line(name.encode(), write_json(event), now)


class Watch:
    """Records when the breach of each ticket first became readable."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.seen: dict[int, float] = {}
        self._settings = settings

    async def run(self) -> None:
        """Run until cancelled."""
        async with follower(self._settings, [BREACHES.name]) as consumer:
            while True:
                for records in (await consumer.getmany(timeout_ms=20)).values():
                    now = time.time() * 1000
                    for record in records:
                        if json.loads(record.value)["data"]["clock"] == "first_response":
                            number = int(record.key.decode().partition("-")[2])
                            self.seen.setdefault(number, now)

    async def until(self, number: int, seconds: float) -> None:
        """Wait until the breach of ticket ``number`` was read."""
        async with asyncio.timeout(seconds):
            while number not in self.seen:
                await asyncio.sleep(0.01)

    def lateness(self, plan: Plan, begin: float, end: float) -> list[float]:
        """The latency of the alerts due within ``[begin, end)``, in milliseconds, without the
        grace.
        """
        return [
            self.seen[number] - due - DEFAULT_GRACE
            for number, due in enumerate(plan.due)
            if begin <= due + DEFAULT_GRACE < end and number in self.seen
        ]


class World:
    """A broker with its topics, and trackers on the wall clock."""

    def __init__(self, directory: Path, kafka: EmbeddedKafka) -> None:
        self.settings = KafkaSettings(bootstrap=kafka.bootstrap)
        self.trackers: list[TrackerProcess] = []
        self._directory = directory

    def start(self, *, wait: bool = True) -> TrackerProcess:
        """Start another tracker."""
        log = self._directory / f"tracker-{len(self.trackers)}.log"
        tracker = TrackerProcess(self.settings.bootstrap, log, replay=False)
        self.trackers.append(tracker)
        if wait:
            tracker.wait_until_ready()
        return tracker


def tickets_of(tracker: TrackerProcess) -> int:
    """How many tickets a tracker has in memory, by its metrics."""
    text = tracker.get("/metrics")[1]
    return int(
        sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line.startswith("sla_tickets{")
        )
    )


async def until_owned(tracker: TrackerProcess, tickets: int, seconds: float) -> None:
    """Wait until ``tracker`` has all tickets in memory and is running."""
    async with asyncio.timeout(seconds):
        while True:
            tracker.check()
            ready = await asyncio.to_thread(tracker.get, "/readyz")
            if ready[0] == 200 and await asyncio.to_thread(tickets_of, tracker) >= tickets:
                return
            await asyncio.sleep(0.1)


async def _load(world: World, plan: Plan) -> None:
    async with Feed(world.settings) as feed:
        for line in plan.lines():
            await feed.add(line)
        await feed.flush()


async def _measure(world: World, tickets: int, rate: int) -> dict[str, Any]:
    first = world.start()
    empty = Used.by(first.pid)
    plan = Plan.of(tickets, rate)
    watch = Watch(world.settings)
    watching = asyncio.create_task(watch.run())
    found: dict[str, Any] = {"tickets": tickets, "deadlines_per_second": rate}
    try:
        begun = time.monotonic()
        await _load(world, plan)
        await until_owned(first, tickets, 600)
        spare = (plan.begin - time.time() * 1000) / 1000
        print(f"  {tickets:,} open tickets after {time.monotonic() - begun:.0f} s", flush=True)
        if spare < 0:
            raise RuntimeError(f"the load took {-spare:.0f} s too long for the deadlines' plan")
        await asyncio.sleep(min(2.0, spare))
        loaded = Used.by(first.pid)
        found["bytes_per_open_ticket"] = (loaded.resident_mb - empty.resident_mb) * 1e6 / tickets
        print(f"  {found['bytes_per_open_ticket']:.0f} bytes an open ticket", flush=True)

        before = Used.by(first.pid)
        await watch.until(min(WINDOW * rate, len(plan.due)) - 1, spare + WINDOW + 60)
        cpu = Used.by(first.pid).cpu_seconds - before.cpu_seconds
        begin, end = plan.begin + WARM_UP * 1000, plan.begin + WINDOW * 1000
        found["deadline_ms"] = percentiles(watch.lateness(plan, begin, end))
        found["cpu_us_per_deadline"] = cpu / (WINDOW * rate) * 1e6
        print(f"  deadlines: {found['deadline_ms']}", flush=True)

        found["restore"] = await _restore(world, first, watch, plan)
        print(f"  restore: {found['restore']}", flush=True)
        found["failover"] = await _failover(world, watch, plan)
        print(f"  failover: {found['failover']}", flush=True)
        found["planned_restart"] = await _planned(world, watch, plan)
        print(f"  planned restart: {found['planned_restart']}", flush=True)
    finally:
        watching.cancel()
        for tracker in world.trackers:
            tracker.stop()
    return found


async def _next_seen(watch: Watch, known: set[int], seconds: float) -> None:
    """Wait for an alert that is not in ``known``."""
    async with asyncio.timeout(seconds):
        while not watch.seen.keys() - known:
            await asyncio.sleep(0.01)


async def _restore(
    world: World, first: TrackerProcess, watch: Watch, plan: Plan
) -> dict[str, float]:
    """Seconds from the start of a new process to its first alert and last restored ticket."""
    await asyncio.to_thread(first.stop)
    await asyncio.sleep(1)
    known, begun = set(watch.seen), time.monotonic()
    tracker = world.start(wait=False)
    await _next_seen(watch, known, 300)
    alert = time.monotonic() - begun
    await until_owned(tracker, plan.tickets - len(plan.due), 300)
    owned = time.monotonic() - begun
    return {
        "first_alert_seconds": alert,
        "all_restored_seconds": owned,
        "tickets_per_second": plan.tickets / owned,
    }


async def _failover(world: World, watch: Watch, plan: Plan) -> dict[str, float]:
    """Kill one of two trackers; the latency of the latest alert."""
    second = world.start()
    await asyncio.sleep(5)
    begin = time.time() * 1000
    await asyncio.to_thread(second.kill)
    [left] = [each for each in world.trackers if each.exit_status is None]
    await asyncio.sleep(7)
    await until_owned(left, plan.tickets - len(plan.due), 120)
    await asyncio.sleep(DEFAULT_GRACE / 1000 + 1)
    return {"longest_gap_seconds": max(watch.lateness(plan, begin, time.time() * 1000)) / 1000}


async def _planned(world: World, watch: Watch, plan: Plan) -> dict[str, float]:
    """Stop one of two trackers cleanly and start it again; the latency of the latest alert."""
    second = world.start()
    await asyncio.sleep(5)
    begin = time.time() * 1000
    await asyncio.to_thread(second.stop)
    await asyncio.to_thread(world.start)
    await asyncio.sleep(8 + DEFAULT_GRACE / 1000)
    return {"longest_gap_seconds": max(watch.lateness(plan, begin, time.time() * 1000)) / 1000}


def run(*, tickets: int = 1_000_000, rate: int = 2_000) -> dict[str, Any]:
    """Run all measurements once."""
    with tempfile.TemporaryDirectory() as made, EmbeddedKafka() as kafka:
        world = World(Path(made), kafka)
        asyncio.run(create_topics(world.settings, DEFAULT_PARTITIONS))
        return asyncio.run(_measure(world, tickets, rate))


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    deadline, restore = found["deadline_ms"], found["restore"]
    print(
        f"  {found['tickets']:,} open tickets: {found['bytes_per_open_ticket']:.0f} bytes each; "
        f"{found['deadlines_per_second']} deadlines a second: p50 {deadline['p50']:.0f} ms, p99 "
        f"{deadline['p99']:.0f} ms, at most {deadline['max']:.0f} ms"
    )
    print(
        f"  restored in {restore['all_restored_seconds']:.1f} s, "
        f"{restore['tickets_per_second']:,.0f} tickets/s, the start included; latest alert after "
        f"kill -9 {found['failover']['longest_gap_seconds']:.1f} s late, in a planned restart "
        f"{found['planned_restart']['longest_gap_seconds']:.1f} s"
    )
