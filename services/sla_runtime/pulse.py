"""What the heartbeats of all programs show: which are running, and whether tickets are watched.

This does not rely on the clocks of other machines: a program is running if a heartbeat arrives
while we listen, so after ``PATIENCE_SECONDS`` it is known which are not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from sla_kafka.admin import NOT_SEEN
from sla_kafka.clients import Clients, let_go
from sla_runtime.heartbeat import EVERY_SECONDS
from sla_schemas.heartbeat import Heartbeat, PartitionStanding, Program
from sla_schemas.topics import HEARTBEATS, TICKETS

#: Seconds without a heartbeat after which a program counts as not running.
PATIENCE_SECONDS: Final = 4 * EVERY_SECONDS
_RETRY_SECONDS: Final = 2.0
_CALL_SECONDS: Final = 10.0
RUNNING: Final = "running"
FAILED: Final = "failed"

log = structlog.get_logger("sla_runtime")


class Watch(StrEnum):
    """Whether the tickets are watched."""

    #: Not listened for long enough.
    LISTENING = "listening"
    #: The heartbeats can't be read.
    UNKNOWN = "unknown"
    FRESH = "fresh"
    BEHIND = "behind"
    #: A partition has an owner that makes no progress.
    STALLED = "stalled"
    #: Some partitions have no owner.
    UNOWNED = "unowned"
    NO_TRACKER = "no_tracker"


@dataclass(frozen=True, slots=True)
class Sign:
    """The last heartbeat of a program, when the broker received it (UTC milliseconds), and when we
    heard it; ``None`` if it was written before we listened.
    """

    beat: Heartbeat
    at: int
    heard: float | None

    def at_work(self, now: float, patience: float) -> bool:
        """Whether the program was heard recently and did not report a shutdown; in seconds, ``now``
        by the monotonic clock.
        """
        return not self.beat.stopped and self.heard is not None and now - self.heard <= patience


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of the trackers. ``partitions`` are those that ``watch`` is about; ``behind_ms`` is
    how far the slowest of them is behind; ``last`` is the latest sign of any tracker.
    """

    watch: Watch
    trackers: int = 0
    partitions: tuple[int, ...] = ()
    behind_ms: int = 0
    last: Sign | None = None


class Pulse:
    """Listens to the heartbeats. ``deaf`` is why it can't, ``None`` while it can."""

    def __init__(
        self,
        clients: Clients,
        answers: Callable[[], bool] = lambda: True,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.deaf: str | None = None
        self.signs: dict[str, Sign] = {}
        self.patience = patience
        self._clients = clients
        self._answers = answers
        self._clock = clock
        #: Since when it has listened without interruption; ``None`` before.
        self._since: float | None = None
        #: When each partition was last heard to be owned, and to be running.
        self._owned: dict[int, float] = {}
        self._running: dict[int, float] = {}

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except (KafkaError, OSError, TimeoutError) as error:
                name = type(error).__name__
                self._miss(f"topic {HEARTBEATS.name} {NOT_SEEN} ({name})")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        consumer = self._clients.consumer(
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=250,
            metadata_max_age_ms=5_000,
        )
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await consumer.start()
                consumer.subscribe([HEARTBEATS.name])
                while not consumer.assignment():
                    await asyncio.sleep(0.05)
                ends = dict(await consumer.end_offsets(consumer.assignment()))
                while any([await consumer.position(each) < end for each, end in ends.items()]):
                    await self._take(consumer, live=False)
            self.deaf, self._since = None, self._clock()
            while True:
                await self._take(consumer, live=True)
                if not self._answers():
                    # Nothing can be heard: silent programs may still be running.
                    self._since = self._clock()
        finally:
            await let_go(consumer, 2)

    async def _take(self, consumer: AIOKafkaConsumer, *, live: bool) -> None:
        for records in (await consumer.getmany(timeout_ms=250)).values():
            self.hear(records, self._clock() if live else None)

    def _miss(self, reason: str) -> None:
        if self.deaf is None:
            log.warning("heartbeats can't be read", reason=reason)
        self.deaf, self._since = reason, None

    def hear(self, records: Iterable[ConsumerRecord], now: float | None) -> None:
        """Process heartbeats; ``now`` is ``None`` for those written before we listened."""
        for record in records:
            key = (record.key or b"").decode(errors="replace")
            try:
                beat = Heartbeat.model_validate_json(record.value or b"")
            except ValidationError:
                # From a newer version, or a tombstone: nothing is known about that program.
                self.signs.pop(key, None)
                continue
            self.signs[key] = Sign(beat, record.timestamp, now)
            if now is None or beat.program != "tracker" or beat.stopped:
                continue
            for standing in beat.partitions:
                self._owned[standing.partition] = now
                if standing.state == RUNNING:
                    self._running[standing.partition] = now

    def of(self, program: Program) -> list[Sign]:
        """The signs of all instances of ``program``, the latest last."""
        found = [sign for sign in self.signs.values() if sign.beat.program == program]
        return sorted(found, key=lambda sign: sign.at)

    def at_work(self, program: Program) -> list[Sign]:
        """Those of them that are running."""
        now = self._clock()
        return [sign for sign in self.of(program) if sign.at_work(now, self.patience)]

    def listened(self) -> bool:
        """Whether a program that was not heard by now is not running."""
        return self._since is not None and self._clock() - self._since > self.patience

    def owned(self) -> set[int]:
        """The input partitions that were ever heard to be owned."""
        return set(self._owned)

    def reached(self) -> dict[int, int]:
        """For each input partition, the offset before which everything is done."""
        found: dict[int, int] = {}
        for sign in self.of("tracker"):
            for standing in sign.beat.partitions:
                if standing.offset is not None:
                    number = standing.partition
                    found[number] = max(found.get(number, 0), standing.offset)
        return found

    def undelivered(self) -> int | None:
        """How many alerts the running notifiers have neither delivered nor dead-lettered yet;
        ``None`` if there is no notifier, or it does not report it.
        """
        found = {
            (sign.beat.group, told.topic, told.partition): told.unread
            for sign in self.at_work("notifier")
            for told in sign.beat.partitions
            # This topic only shows it which alerts have ended.
            if told.topic != TICKETS.name
        }
        known = [unread for unread in found.values() if unread is not None]
        return sum(known) if known else None

    def verdict(self, partitions: Iterable[int], stale_seconds: float) -> Verdict:
        """The state of the trackers for all ``partitions`` of the input; a partition is behind or
        stalled if it is so by more than ``stale_seconds``.
        """
        signs, working = self.of("tracker"), self.at_work("tracker")
        last = signs[-1] if signs else None
        if self._since is None:
            return Verdict(Watch.UNKNOWN if self.deaf else Watch.LISTENING, last=last)
        if not working:
            # All of them reported a shutdown, or none was heard for long enough.
            ended = bool(signs) and all(sign.beat.stopped for sign in signs)
            away = ended or self.listened()
            return Verdict(Watch.NO_TRACKER if away else Watch.LISTENING, last=last)
        now, count = self._clock(), len(working)
        unowned = tuple(each for each in partitions if self._late(self._owned, each, now))
        if unowned:
            return Verdict(Watch.UNOWNED, count, unowned, last=last)
        stale = stale_seconds * 1000
        standings = _latest(working)
        late = {each for each in standings if self._late(self._running, each, now)}
        stalled = tuple(
            each
            for each, told in standings.items()
            if told.stalled_ms > stale or (told.state == FAILED and each in late)
        )
        if stalled:
            longest = max(standings[each].stalled_ms for each in stalled)
            return Verdict(Watch.STALLED, count, stalled, longest, last)
        behind = tuple(
            each
            for each, told in standings.items()
            if (told.lag_ms or 0) > stale or (told.state != RUNNING and each in late)
        )
        if behind:
            farthest = max(standings[each].lag_ms or 0 for each in behind)
            return Verdict(Watch.BEHIND, count, behind, farthest, last)
        return Verdict(Watch.FRESH, count, last=last)

    def _late(self, heard: dict[int, float], partition: int, now: float) -> bool:
        return now - max(heard.get(partition, 0.0), self._since or 0.0) > self.patience


def _latest(working: list[Sign]) -> dict[int, PartitionStanding]:
    """The latest report on each partition, from whichever tracker owns it."""
    return {told.partition: told for sign in working for told in sign.beat.partitions}
