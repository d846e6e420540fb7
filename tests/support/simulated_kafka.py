"""An in-memory Kafka for the tracker, on a simulated clock: logs, transactions, fencing,
``read_committed``, groups and compaction. Faults at any step (lost calls, failed batches, crashes,
sleeps) are drawn from one seed.

It implements the ``aiokafka`` calls that the tracker makes, and fails like ``aiokafka``. Iteration
here must have a defined order: a set's order changes with the hash seed, and then a seed would not
determine one run.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import (
    IllegalOperation,
    IllegalStateError,
    MessageSizeTooLargeError,
    ProducerFenced,
)

from sla_engine.wire.records import size_of
from sla_schemas.topics import Topic

T = TypeVar("T")
#: A topic's default batch limit (``message.max.bytes``).
DEFAULT_MESSAGE_BYTES = 1_048_588
#: A producer's default batch size (``batch.size``).
DEFAULT_BATCH_BYTES = 16_384
#: The size of a fetch from one partition (``max.partition.fetch.bytes``).
FETCH_BYTES = 1024 * 1024
#: When the simulated clock starts, UTC milliseconds. The broker's time advances in steps of four
#: milliseconds, so an odd deadline never coincides with a record, where either could come first.
EPOCH = 1_795_435_200_000


def even(seconds: float) -> int:
    """``seconds`` in milliseconds, rounded to the broker's steps."""
    return round(seconds * 250) * 4


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next scheduled call."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        """Like asyncio's own, but does not poll for I/O, which a simulation never has: a fifth of
        its run time.
        """
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            heapq.heappop(scheduled)._scheduled = False
        if not ready:
            if not scheduled:
                super()._run_once()  # type: ignore[misc]
                return
            self._now = max(self._now, scheduled[0]._when)
        end = self._now + self._clock_resolution  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._when < end:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()


class SimulatedRecord(NamedTuple):
    """A record as returned by a consumer."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(slots=True)
class Stored:
    """The entry at an offset; ``record`` is ``None`` for a transaction marker."""

    offset: int
    record: SimulatedRecord | None
    transaction: Transaction | None


@dataclass(slots=True, eq=False)
class Transaction:
    """One transaction of a producer: open, then committed or aborted."""

    state: str = "open"
    logs: dict[TopicPartition, int] = field(default_factory=dict)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    group: str = ""


@dataclass(slots=True)
class Coordinated:
    """The coordinator's state of a transactional id."""

    epoch: int = -1
    transaction: Transaction | None = None


class Log:
    """The log of one partition."""

    def __init__(self, partition: TopicPartition) -> None:
        self.partition = partition
        self.stored: list[Stored] = []
        self.end = 0
        self.open: set[int] = set()

    def append(self, record: SimulatedRecord | None, transaction: Transaction | None) -> None:
        self.stored.append(Stored(self.end, record, transaction))
        self.end += 1

    @property
    def last_stable(self) -> int:
        """The last stable offset: the start of the first open transaction, else the end."""
        return min(
            (
                each.offset
                for each in self.stored
                if each.transaction is not None and each.transaction.state == "open"
            ),
            default=self.end,
        )

    def committed(self, start: int, end: int) -> list[SimulatedRecord]:
        """The records of ``[start, end)`` visible to a ``read_committed`` consumer."""
        return [
            each.record
            for each in self.stored
            if start <= each.offset < end
            and each.record is not None
            and (each.transaction is None or each.transaction.state == "committed")
        ]

    def compact(self) -> None:
        """Remove records superseded by a later committed record with the same key."""
        stable = self.last_stable
        latest = {record.key: record.offset for record in self.committed(0, stable)}
        self.stored = [
            each
            for each in self.stored
            if each.offset >= stable
            or each.record is None
            or latest.get(each.record.key) == each.offset
        ]


class Broker:
    """The cluster: logs, transaction coordinator, groups."""

    def __init__(self, draw: random.Random, topics: Sequence[Topic], partitions: int) -> None:
        self.draw = draw
        self.partitions = partitions
        self.logs = {
            TopicPartition(topic.name, number): Log(TopicPartition(topic.name, number))
            for topic in topics
            for number in range(partitions)
        }
        #: The largest batch that each topic accepts, in bytes.
        self.limits = {
            topic.name: int(topic.config.get("max.message.bytes", DEFAULT_MESSAGE_BYTES))
            for topic in topics
        }
        self.coordinated: dict[str, Coordinated] = {}
        self.group_offsets: dict[TopicPartition, int] = {}
        self.members: list[GroupConsumer] = []
        self.generation = 0

    @staticmethod
    def now() -> int:
        """The broker's clock, UTC milliseconds (see ``EPOCH``)."""
        return EPOCH + even(asyncio.get_running_loop().time())

    def produce(
        self,
        topic: str,
        number: int,
        rows: Iterable[tuple[bytes | None, bytes | None, Any]],
        transaction: Transaction | None = None,
    ) -> int:
        """Append rows of key, value and headers; returns the append time."""
        log = self.logs[TopicPartition(topic, number)]
        for key, value, headers in rows:
            record = SimulatedRecord(topic, number, log.end, self.now(), key, value, tuple(headers))
            if transaction is not None:
                transaction.logs.setdefault(log.partition, log.end)
            log.append(record, transaction)
        return self.now()

    def init_producer(self, name: str) -> int:
        """Fence older producers of ``name``; returns the new epoch."""
        known = self.coordinated.setdefault(name, Coordinated())
        if known.transaction is not None:
            self.end_transaction(known, "aborted")
        known.epoch += 1
        return known.epoch

    def end_transaction(self, known: Coordinated, state: str) -> None:
        transaction = known.transaction
        assert transaction is not None
        transaction.state = state
        for partition in transaction.logs:
            self.logs[partition].append(None, transaction)
        if state == "committed":
            # For a while, a group may read offsets older than those committed.
            delay = self.draw.choice((0.0, 0.3, 1.0))
            loop = asyncio.get_running_loop()
            loop.call_later(delay, self.group_offsets.update, transaction.offsets)
        known.transaction = None

    def begin(self, known: Coordinated, transaction: Transaction, seconds: float) -> None:
        """Open a transaction. After ``seconds`` it is aborted and its producer fenced."""
        known.transaction = transaction

        def time_out() -> None:
            if known.transaction is transaction:
                known.epoch += 1
                self.end_transaction(known, "aborted")

        asyncio.get_running_loop().call_later(seconds, time_out)

    @property
    def writing(self) -> bool:
        """True while a transaction is open."""
        return any(known.transaction is not None for known in self.coordinated.values())

    def rebalance(self) -> None:
        """Assign the partitions to the members; each learns of it at its next poll."""
        self.generation += 1
        for member in self.members:
            member.target = set()
        for number in range(self.partitions):
            if self.members:
                member = self.members[(number + self.generation) % len(self.members)]
                member.target.add(number)


class Faults:
    """Decides which faults happen, and when."""

    def __init__(self, draw: random.Random, trouble: float) -> None:
        self.draw = draw
        self.trouble = trouble
        self.enabled = True

    def happens(self, share: float) -> bool:
        return self.enabled and self.draw.random() < share * self.trouble


class SimulatedClients:
    """The clients of one process; once ``dead``, nothing of it reaches the broker."""

    bootstrap = "simulated"

    def __init__(self, broker: Broker, faults: Faults) -> None:
        self.broker = broker
        self.faults = faults
        self.dead = False
        self.asleep_until = 0.0
        #: How many milliseconds its machine's clock is ahead of the broker's.
        self.clock_error = 0
        self.steps = 0
        #: The step at which the process crashes, and the callback for the crash. Steps are calls to
        #: the broker.
        self.crash_at: int | None = None
        self.on_crash: Callable[[], None] = lambda: None

    def producer(self, **options: Any) -> SimulatedProducer:
        return SimulatedProducer(self, **options)

    def consumer(self, **options: Any) -> SimulatedConsumer:
        if options.get("group_id"):
            return GroupConsumer(self)
        return SimulatedConsumer(self)

    def wall_ms(self) -> int:
        """The wall-clock time of this process's machine."""
        return self.broker.now() + self.clock_error

    async def topic_states(self) -> list[Any]:
        """Report no problems with the topics."""
        return []

    async def call(self, effect: Callable[[], T], share: float = 1.0) -> T:
        """One request and its response; either may be delayed or lost."""
        await self.step()
        if self.faults.happens(0.004 * share):
            await self.never()
        result = effect()
        await self.step()
        if self.faults.happens(0.004 * share):
            await self.never()
        return result

    async def step(self) -> None:
        """A point at which the process may be slow, asleep or crash."""
        self.steps += 1
        if self.crash_at is not None and self.steps >= self.crash_at and not self.dead:
            self.on_crash()
        loop = asyncio.get_running_loop()
        slow = self.faults.happens(0.05)
        await asyncio.sleep((0.15 if slow else 0.005) * self.faults.draw.uniform(0.2, 1))
        while not self.dead and loop.time() < self.asleep_until:
            await asyncio.sleep(self.asleep_until - loop.time())
        if self.dead:
            raise asyncio.CancelledError

    async def never(self) -> None:
        await asyncio.get_running_loop().create_future()


class Batch:
    """A batch of records for one partition."""

    def __init__(self, limit: int) -> None:
        self.rows: list[tuple[bytes | None, bytes | None, Any]] = []
        self.size = 0
        self._limit = limit

    def append(
        self, *, timestamp: None, key: bytes | None, value: bytes | None, headers: Any
    ) -> object:
        size = size_of(key, value, headers)
        if len(self.rows) >= 5 or (self.rows and self.size + size > self._limit):
            return None
        self.size += size
        self.rows.append((key, value, headers))
        return self

    def record_count(self) -> int:
        return len(self.rows)

    def close(self) -> None:
        pass


class Appended(NamedTuple):
    """The response to a batch."""

    timestamp: int


class SimulatedProducer:
    """A transactional producer."""

    def __init__(
        self,
        clients: SimulatedClients,
        transactional_id: str,
        max_batch_size: int = DEFAULT_BATCH_BYTES,
        transaction_timeout_ms: int = 60_000,
        **_: Any,
    ) -> None:
        self._clients = clients
        self._id = transactional_id
        self._max_batch_size = max_batch_size
        self._transaction_seconds = transaction_timeout_ms / 1000
        self._epoch = -2
        self._transaction: Transaction | None = None
        # A partition's batches are sent one at a time, as by an idempotent producer.
        self._lanes: dict[tuple[str, int], asyncio.Lock] = {}
        # Used to dismantle an abandoned producer.
        self._sender = type("Sender", (), {"sender_task": None})

    async def start(self) -> None:
        broker = self._clients.broker
        self._epoch = await self._clients.call(lambda: broker.init_producer(self._id))

    async def stop(self) -> None:
        if not self._clients.dead:
            await self._clients.step()

    async def begin_transaction(self) -> None:
        assert self._transaction is None, "a transaction is open"
        self._transaction = Transaction()

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(self._clients.broker.partitions))

    def create_batch(self) -> Batch:
        return Batch(self._max_batch_size)

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int
    ) -> asyncio.Future[object]:
        if self._transaction is None:
            raise IllegalOperation
        return asyncio.ensure_future(self._deliver(batch, topic, partition))

    async def _deliver(self, batch: Batch, topic: str, partition: int) -> object:
        def append() -> Appended:
            known = self._current()
            broker = self._clients.broker
            if batch.size > broker.limits[topic] or self._clients.faults.happens(0.01):
                raise MessageSizeTooLargeError
            return Appended(broker.produce(topic, partition, batch.rows, known.transaction))

        async with self._lanes.setdefault((topic, partition), asyncio.Lock()):
            return await self._clients.call(append)

    async def send_offsets_to_transaction(
        self, offsets: dict[TopicPartition, int], group: str
    ) -> None:
        def add() -> None:
            known = self._current()
            assert known.transaction is not None
            known.transaction.offsets.update(offsets)

        await self._clients.call(add)

    async def commit_transaction(self) -> None:
        def commit() -> None:
            known = self._current(begin=False)
            if known.transaction is not None:
                self._clients.broker.end_transaction(known, "committed")

        await self._clients.call(commit, share=3)
        self._transaction = None

    def _current(self, *, begin: bool = True) -> Coordinated:
        known = self._clients.broker.coordinated[self._id]
        if known.epoch != self._epoch:
            raise ProducerFenced
        if begin and known.transaction is None and self._transaction is not None:
            self._clients.broker.begin(known, self._transaction, self._transaction_seconds)
        return known


class FetchRequest:
    """A fetch of some partitions; its response is stored in ``found``."""

    def __init__(self, partitions: list[TopicPartition]) -> None:
        self.topics = [(each.topic, [(each.partition,)]) for each in partitions]
        self.partitions = partitions
        self.found: dict[TopicPartition, list[SimulatedRecord]] = {}


class Fetched:
    """A partition's fetch state: when the last response was read."""

    timestamp: int | None = None


class SimulatedFetcher:
    """The internal fetcher of ``aiokafka``'s consumers, as far as ``sla_kafka.clients`` uses it."""

    def __init__(self, clients: SimulatedClients, fetch: Callable[..., Any]) -> None:
        self._clients = clients
        self._fetch = fetch
        self._fetched: dict[TopicPartition, Fetched] = {}

    def state_value(self, partition: TopicPartition) -> Fetched:
        return self._fetched.setdefault(partition, Fetched())

    def forget(self) -> None:
        """Forget all fetch states after a rebalance."""
        self._fetched = {}

    async def _proc_fetch_request(self, _assignment: Any, _node: int, request: Any) -> bool:
        # The client itself repeats a fetch whose response is lost.
        request.found = await self._clients.call(lambda: self._fetch(request.partitions), share=0)
        if self._clients.faults.happens(0.03):
            await asyncio.sleep(self._clients.faults.draw.uniform(0.2, 1.0))
        for partition in request.partitions:
            self.state_value(partition).timestamp = self._clients.wall_ms()
        return bool(request.found)


class SimulatedConsumer:
    """A consumer with manually assigned partitions."""

    def __init__(self, clients: SimulatedClients) -> None:
        self._clients = clients
        self._broker = clients.broker
        self._assigned: set[TopicPartition] = set()
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._fetcher = SimulatedFetcher(clients, self._fetch)
        self._ends: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        await self._clients.step()

    async def stop(self) -> None:
        if not self._clients.dead:
            await self._clients.step()

    async def topics(self) -> set[str]:
        return {partition.topic for partition in self._broker.logs}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._broker.partitions))

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self._assigned = set(partitions)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[Any, int]:
        logs = [self._broker.logs[partition] for partition in partitions]
        return await self._clients.call(lambda: {log.partition: log.last_stable for log in logs})

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[Any, int]:
        return await self._clients.call(lambda: dict.fromkeys(partitions, 0))

    async def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        for partition in partitions:
            self.seek(partition, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._mine(partition)
        self._positions[partition] = offset

    def pause(self, *partitions: TopicPartition) -> None:
        for partition in partitions:
            self._mine(partition)
            self._paused.add(partition)

    def resume(self, *partitions: TopicPartition) -> None:
        for partition in partitions:
            self._mine(partition)
            self._paused.discard(partition)

    async def position(self, partition: TopicPartition) -> int:
        self._mine(partition)
        return self._positions.get(partition, 0)

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        assert partition in self._assigned, "Partition is not assigned"
        return self._fetcher.state_value(partition).timestamp

    def highwater(self, partition: TopicPartition) -> int | None:
        assert partition in self._assigned, "Partition is not assigned"
        return self._ends.get(partition)

    def _mine(self, partition: TopicPartition) -> None:
        if partition not in self._assigned:
            raise IllegalStateError

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[SimulatedRecord]]:
        request = FetchRequest(sorted(self._assigned - self._paused))
        await self._fetcher._proc_fetch_request(self._fetcher, 0, request)
        if not request.found:
            await asyncio.sleep(timeout_ms / 1000)
        elif self._clients.faults.happens(0.2):
            # The positions are past the records found, and other tasks run before the caller gets
            # them.
            await asyncio.sleep(self._clients.faults.draw.uniform(0, 0.05))
        return request.found

    def _fetch(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Any]:
        found = {}
        for partition in partitions:
            log = self._broker.logs[partition]
            start, end = self._positions.get(partition, 0), log.last_stable
            if start + 1 < end and self._broker.draw.random() < 0.5:
                end = self._broker.draw.randint(start + 1, end)
            records = log.committed(start, end)
            if (fitting := _fitting(records)) < len(records):
                end = records[fitting].offset
            if records:
                found[partition] = records[:fitting]
            self._positions[partition] = max(start, end)
            self._ends[partition] = log.end
        return found


def _fitting(records: Sequence[SimulatedRecord]) -> int:
    """How many of ``records`` a fetch returns: at least one, and more if they fit."""
    size = 0
    for number, record in enumerate(records):
        size += size_of(record.key, record.value, record.headers)
        if size > FETCH_BYTES and number:
            return number
    return len(records)


class GroupConsumer(SimulatedConsumer):
    """A consumer with partitions assigned by the group; it learns of changes when it polls."""

    def __init__(self, clients: SimulatedClients) -> None:
        super().__init__(clients)
        self.target: set[int] = set()
        self._generation = 0
        self._topic = ""
        self._listener: Any = None

    def subscribe(self, topics: list[str], listener: Any) -> None:
        (self._topic,) = topics
        self._listener = listener
        self._broker.members.append(self)
        self._broker.rebalance()

    async def stop(self) -> None:
        self.leave()
        await super().stop()

    def leave(self) -> None:
        """Leave the group: by a clean stop or the session timeout."""
        if self in self._broker.members:
            self._broker.members.remove(self)
            self._broker.rebalance()

    @property
    def member(self) -> bool:
        return self in self._broker.members

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[SimulatedRecord]]:
        if not self.member:
            # The group removed us while we slept; join again.
            self._broker.members.append(self)
            self._broker.rebalance()
        if self._generation != self._broker.generation:
            await self._rejoin()
        return await super().getmany(timeout_ms)

    async def _rejoin(self) -> None:
        await self._listener.on_partitions_revoked(sorted(self._assigned))
        await self._clients.step()
        self._generation = self._broker.generation
        self._assigned = {TopicPartition(self._topic, number) for number in self.target}
        self._paused, self._positions, self._ends = set(), {}, {}
        self._fetcher.forget()
        for partition in sorted(self._assigned):
            self._positions[partition] = self._broker.group_offsets.get(partition, 0)
        await self._listener.on_partitions_assigned(sorted(self._assigned))
