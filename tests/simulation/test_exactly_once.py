"""Exactly once, under simulated faults of every kind: the tracker's own code on a simulated Kafka,
one seed per run.

A failure names its seed; ``check_seed(SEED)`` in ``support.simulated_world`` repeats it step by
step. ``make simulate SEEDS=200000`` runs more seeds.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.simulated_kafka import Broker, Coordinated, Transaction
from support.simulated_world import (
    PARTITIONS,
    Violation,
    World,
    check_seed,
    first_failure,
    hash_seeds,
)

import sla_tracker.restore as restoring
from sla_engine.effects import Effects
from sla_engine.memory import Stored, read_stored
from sla_engine.partition import Partition
from sla_tracker import broker_clock
from sla_tracker.broker_clock import BrokerClock
from sla_tracker.errors import FatalError
from sla_tracker.restore import restore
from sla_tracker.task import PartitionTask
from sla_tracker.transaction import TransactionalWriter

SEEDS = int(os.environ.get("SLA_SEEDS", "3000"))
#: Within how many seeds each mutation must be found.
MUTATION_SEEDS = 600
TESTS = Path(__file__).parents[1]


def test_no_seed_loses_doubles_or_reorders_anything() -> None:
    failed = first_failure(SEEDS, hash_seeds(2))
    if failed is not None:
        check_seed(failed[0])  # says what went wrong
    assert failed is None


def test_a_seed_is_the_same_story_every_time() -> None:
    for seed in range(20):
        assert check_seed(seed).trace() == check_seed(seed).trace()


TRACES = """
from hashlib import sha256
from support.simulated_world import check_seed
print(sha256(repr([check_seed(seed).trace() for seed in range(16)]).encode()).hexdigest())
"""


def test_a_seed_is_the_same_story_under_every_hash_seed() -> None:
    def trace(hash_seed: int) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(TESTS)}
        done = subprocess.run(
            [sys.executable, "-c", TRACES], env=environment, check=True, capture_output=True
        )
        return done.stdout.decode()

    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(trace, hash_seeds(8)))
    assert len(found) == 1


def test_a_story_is_not_over_while_somebody_may_still_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory alone once told how far the trackers had come. A process that slept to the end, in the
    middle of a transaction, was taken for done, and the breach it was about to write for lost.
    """
    over = []

    class Watched(World):
        async def _settle(self) -> None:
            await super()._settle()
            over.append(self._all_done())
            self.broker.coordinated["somebody"] = Coordinated(0, Transaction())
            over.append(self._all_done())
            del self.broker.coordinated["somebody"]
            clients: Any = self.trackers[0]._clients
            clients.asleep_until = asyncio.get_running_loop().time() + 1
            over.append(self._all_done())

    monkeypatch.setattr("support.simulated_world.World", Watched)
    check_seed(0)
    assert over == [True, False, False]


# --- the simulation finds what it is there to find ---


def without_a_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is shut out, and nothing of an older owner is aborted."""
    original = Broker.init_producer

    def joined(self: Broker, name: str) -> int:
        known = self.coordinated.get(name)
        return original(self, name) if known is None else known.epoch

    monkeypatch.setattr(Broker, "init_producer", joined)


def read_before_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables are read first, so that an older owner may still commit behind them."""
    fence, restored = TransactionalWriter.fence, {}

    async def fence_late(self: TransactionalWriter) -> None:
        # What would be read after the fence is read before it.
        world = Partition(self._partition, "support.tickets.v1", restored["book"])
        world._time = restored["time"]
        offset = await restore(world, restored["clients"], self._settings, PARTITIONS)
        restored[self._partition] = world, offset
        await fence(self)

    async def as_read(world: Partition, *_: Any) -> int | None:
        earlier, offset = restored.pop(world.number)
        world.__dict__.update(earlier.__dict__)
        return offset

    opened = PartitionTask._open

    async def open_(self: PartitionTask, writer: TransactionalWriter) -> None:
        restored.update(book=self._book, time=self._settings.time, clients=self._clients)
        await opened(self, writer)

    monkeypatch.setattr(TransactionalWriter, "fence", fence_late)
    monkeypatch.setattr("sla_tracker.task.restore", as_read)
    monkeypatch.setattr(PartitionTask, "_open", open_)


def start_from_the_groups_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the group says it was, instead of where the progress record does."""
    seek = PartitionTask._begin

    async def seek_group(self: PartitionTask, offset: int | None) -> int:
        committed = self._clients.broker.group_offsets.get(self.topic_partition)  # type: ignore[attr-defined]
        return await seek(self, committed)

    monkeypatch.setattr(PartitionTask, "_begin", seek_group)


class _Careless:
    """``asyncio`` with a ``gather`` that minds no failure."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    def gather(*sent: Any) -> Any:
        return asyncio.gather(*sent, return_exceptions=True)


def sends_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit is believed, whatever became of the batches before it."""
    monkeypatch.setattr("sla_tracker.transaction.asyncio", _Careless())


def no_mark_of_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table does not remember which alerts are out."""

    def forgetful(value: bytes) -> Stored:
        stored = read_stored(value)
        stored.sent, stored.said = [], []
        return stored

    monkeypatch.setattr(restoring, "read_stored", forgetful)


def frontier_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock counts though records wait to be read."""

    async def polled(self: PartitionTask) -> None:
        if self.partition is not None:
            self._known_until = self._clients.broker.now()  # type: ignore[attr-defined]

    monkeypatch.setattr(PartitionTask, "polled", polled)


def caught_up_while_a_fetch_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The position is looked at whenever a task likes, so also when it is ahead of the inbox."""

    def looked_up(self: PartitionTask) -> int | None:
        consumer, partition = self._consumer, self.topic_partition
        end = consumer._ends.get(partition)
        if self._paused or self._inbox or end is None:
            return None
        at_end = consumer._positions.get(partition, 0) >= end
        asked = consumer._fetcher.state_value(partition).timestamp
        return self._clock.at(asked) if at_end and self._clock and asked is not None else None

    ignored = property(looked_up, lambda _self, _value: None)
    monkeypatch.setattr(PartitionTask, "_known_until", ignored, raising=False)


def the_machines_own_clock_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day of this machine counts, however it was set."""

    def at(_self: BrokerClock, asked: int) -> int:
        return broker_clock.wall_ms() - (broker_clock.uptime_ms() - asked)

    monkeypatch.setattr(BrokerClock, "at", at)


def an_answer_is_dated_by_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the broker got while its answer was on the way is believed to be read."""

    def date_late(consumer: Any, uptime_ms: Callable[[], int]) -> None:
        fetch = consumer._fetcher._proc_fetch_request

        async def dated(assignment: Any, node: int, request: Any) -> None:
            await fetch(assignment, node, request)
            for place in request.partitions:
                assignment.state_value(place).timestamp = uptime_ms()

        consumer._fetcher._proc_fetch_request = dated

    monkeypatch.setattr("sla_tracker.tracker.date_fetches", date_late)


def a_source_of_rubbish_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where most of what comes can't be used, somebody is asked to look before anything goes on."""
    write = PartitionTask._write

    async def alarmed(
        self: PartitionTask, writer: TransactionalWriter, world: Partition, effects: Effects
    ) -> None:
        if sum(effects.refused.values()) > 1:
            raise FatalError("most of what comes can't be used")
        await write(self, writer, world, effects)

    monkeypatch.setattr(PartitionTask, "_write", alarmed)


MUTATIONS: list[Callable[[pytest.MonkeyPatch], None]] = [
    without_a_fence,
    read_before_the_fence,
    start_from_the_groups_offsets,
    sends_not_awaited,
    no_mark_of_what_was_sent,
    frontier_does_not_wait,
    caught_up_while_a_fetch_is_on_its_way,
    the_machines_own_clock_is_believed,
    an_answer_is_dated_by_when_it_is_read,
    a_source_of_rubbish_ends_the_process,
]


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_a_broken_tracker_is_found_out(
    mutate: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    mutate(monkeypatch)
    for seed in range(MUTATION_SEEDS):
        try:
            check_seed(seed)
        except Violation:
            record_property("seeds", seed + 1)
            return
    pytest.fail(f"{mutate.__name__} was not found within {MUTATION_SEEDS} seeds")
