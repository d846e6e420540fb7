"""From the alert topics to the destinations; nothing is acknowledged before it is delivered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping, Sequence
from typing import Any, Final, Protocol

import aiohttp
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from sla_domain.policy import PolicyBook
from sla_engine.memory import values_of
from sla_kafka.clients import Clients
from sla_notifier.alert import NOBODY, RETRACTIONS, Origin, ReceivedAlert, UnreadableError, chosen
from sla_notifier.delivery import Deliverer, Job, Room
from sla_notifier.lateness import Lateness
from sla_notifier.metrics import NotifierMetrics
from sla_notifier.positions import Positions
from sla_notifier.recall import Recall
from sla_notifier.requests import Composer, StoppedClock
from sla_notifier.routes import Destination, Routes
from sla_notifier.settings import NotifierSettings
from sla_notifier.stopped import stopped_clocks
from sla_runtime.tracing import Tracing
from sla_runtime.worker import Read
from sla_schemas.cutting import cut
from sla_schemas.headers import (
    DESTINATION_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    REASON_HEADER,
    RETRIED_HEADER,
    TOPIC_HEADER,
)
from sla_schemas.topics import ALERT_DEAD_LETTERS, TICKETS

_PARK_PAUSE: Final = 2.0
#: Characters of a reason.
_MAX_REASON: Final = 1000

log = structlog.get_logger("sla_notifier")


class Message(Protocol):
    """A record as Faust hands it out."""

    topic: str
    offset: int
    key: Any
    value: Any
    headers: Any
    tp: Any


class Notifier:
    """Takes records in the order of their partitions and gets each delivered or dead-lettered.

    It records in ``done`` how far each partition is done.
    """

    def __init__(
        self,
        clients: Clients,
        settings: NotifierSettings,
        routes: Routes,
        book: PolicyBook,
        metrics: NotifierMetrics,
        done: MutableMapping[Any, int],
        tracing: Tracing | None = None,
    ) -> None:
        self._clients = clients
        self._settings = settings
        self._routes = routes
        self._book = book
        self._metrics = metrics
        self._tracing = tracing
        self._positions: Positions[Any] = Positions(done)
        least = min(route.max_late for route in routes.routes)
        self._lateness = Lateness(clients, least * 1000)
        self._recall = Recall(clients)
        self._under_way = 0
        board = None if routes.board is None else str(routes.board)
        self._composers = {each.name: Composer(each, board, book) for each in routes.destinations}
        self._deliverers: dict[str, Deliverer] = {}
        self._session: aiohttp.ClientSession | None = None
        self._started = asyncio.Event()
        #: Whether we were handed a record that is not in progress yet; more may wait behind it.
        self._taking = False
        self._producer: AIOKafkaProducer | None = None
        metrics.in_flight.set_function(lambda: self.in_flight)

    async def start(self) -> None:
        """Connect; raises ``KafkaError`` if no broker responds."""
        # Not idempotent: a record that the broker refuses would leave it with a sequence number
        # that no other record may follow. What it would prevent, an alert dead-lettered twice,
        # happens anyway if we end before its offset is acknowledged.
        self._producer = self._clients.producer(acks="all")
        await self._producer.start()
        # No proxy from the environment: only the routes file decides what may be called.
        self._session = aiohttp.ClientSession(trust_env=False)
        for destination in self._routes.destinations:
            deliverer = Deliverer(
                destination,
                self._composers[destination.name],
                self._session,
                self._dead_letter,
                self._recall.alert,
                self._metrics,
                self._settings.lanes,
                Room(self._settings.in_flight, self._settings.waiting),
                self._tracing,
            )
            deliverer.start()
            self._deliverers[destination.name] = deliverer
        self._started.set()

    async def stop(self) -> None:
        """Let deliveries in progress finish, for a while, then stop; the rest is taken again."""
        deadline = time.monotonic() + self._settings.drain_seconds
        while self.in_flight and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        await asyncio.gather(*(each.stop() for each in self._deliverers.values()))
        await self._recall.stop()
        if self._session is not None:
            await self._session.close()
        if self._producer is not None:
            await self._producer.stop()
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.stop)

    @property
    def in_flight(self) -> int:
        """Records taken and not yet done."""
        return self._under_way

    @property
    def ended(self) -> str | None:
        """Why part of it no longer delivers; ``None`` while everything does."""
        return next((each.ended for each in self._deliverers.values() if each.ended), None)

    def reached(self, partition: Any, read: Read) -> int | None:
        """The offset of ``partition`` before which everything is done; ``None`` if unknown."""
        if self._taking or self._positions.left(partition):
            return self._positions.done(partition) or read.begun
        return read.next

    def unread(self, partition: Any, read: Read) -> int | None:
        """How many records of ``partition`` are not done: those in progress, and the offsets from
        there to its end, which may include transaction markers. ``None`` while unknown.
        """
        begun = read.next
        if self._taking:
            # Records read after it are waiting in Faust.
            taken = self._positions.next(partition)
            begun = read.begun if taken is None else taken
        if begun is None or read.end is None:
            return None
        return self._positions.left(partition) + max(0, read.end - begun)

    def closed_ways(self) -> list[str]:
        """The destinations that accept nothing at the moment, in sentences."""
        return [
            f"{name} does not take alerts; it is tried again"
            for name, deliverer in self._deliverers.items()
            if deliverer.breaker.holds(time.monotonic())
        ]

    async def leave(self, partitions: Sequence[Any]) -> None:
        """Partitions go to another notifier: start nothing more of theirs, and let what was
        started finish, for a while, so that nothing is sent by both.
        """
        for each in partitions:
            self._positions.leave(each)
        deadline = time.monotonic() + self._settings.session_seconds / 2
        while any(map(self._positions.busy, partitions)) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    def forget(self, partitions: Sequence[Any]) -> None:
        """Partitions went to another notifier, which takes again whatever was not acknowledged."""
        for partition in partitions:
            self._positions.forget(partition)
            self._lateness.forget(partition)

    async def take(self, message: Message) -> None:
        """Process one record; returns once it is in progress and there is room for another."""
        self._taking = True
        try:
            # Agents may get records before the service that connects us has started.
            await self._started.wait()
            await self._take(message)
        finally:
            self._taking = False

    async def _take(self, message: Message) -> None:
        if message.topic == TICKETS.name:
            await self._take_ticket(message)
            return
        if message.topic == ALERT_DEAD_LETTERS.name:
            await self._take_given_back(message)
            return
        try:
            headers = values_of(message.headers or ())
            alert = ReceivedAlert.read(message.value, headers, _origin(message))
        except UnreadableError as error:
            await self._set_aside(message, str(error))
            return
        await self._route(message, alert)

    async def _route(self, message: Message, alert: ReceivedAlert) -> None:
        try:
            late = await self._lateness_of(message, alert)
            ways = chosen(self._routes.routes, alert, self._book, late)
        except Exception as error:  # noqa: BLE001  one alert must not keep the others waiting
            await self._set_aside(message, f"no route can be found for it: {error!r}")
            return
        for name in ways.skipped:
            self._metrics.skipped.labels(name).inc()
        if not ways.to and not ways.skipped:
            self._metrics.unrouted.inc()
        await self._send(message, [(name, alert, route) for name, route in ways.to.items()])

    async def _lateness_of(self, message: Message, alert: ReceivedAlert) -> int:
        if alert.word in RETRACTIONS:
            return await self._lateness.of(message.tp, message.offset, alert.retracts)
        self._lateness.note(message.tp, alert.id, alert.late)
        return alert.late

    async def _take_ticket(self, message: Message) -> None:
        """Tell Alertmanager about stopped clocks; nobody else keeps alerts firing."""
        keepers = [d.name for d in self._routes.destinations if d.kind == "alertmanager"]
        stopped: list[StoppedClock] = []
        if message.value is not None and keepers:
            try:
                stopped = list(stopped_clocks(message.value, self._book))
            except Exception as error:  # noqa: BLE001  its alerts expire by themselves
                log.warning("ticket record skipped", reason=repr(error))
        await self._send(message, [(name, each, None) for name in keepers for each in stopped])

    async def _take_given_back(self, message: Message) -> None:
        """Deliver what somebody retries with ``sla dlq retry``, to its own destination only;
        everything else on that topic is what we dead-lettered ourselves.
        """
        headers = values_of(message.headers or ())
        if message.value is None or RETRIED_HEADER not in headers or REASON_HEADER in headers:
            await self._send(message, [])
            return
        name = headers.get(DESTINATION_HEADER, b"").decode("utf-8", "replace")
        try:
            alert = ReceivedAlert.read(message.value, origin=_origin(message))
        except UnreadableError as error:
            await self._set_aside(message, str(error), name)
            return
        if name in self._deliverers:
            await self._send(message, [(name, alert, None)])
        elif name == NOBODY:
            # It was not an alert then, but is one now.
            await self._route(message, alert)
        else:
            await self._set_aside(message, f"the routes file has no destination {name!r}", name)

    async def _send(self, message: Message, ways: list[tuple[str, Any, Any]]) -> None:
        partition = message.tp
        taken = self._positions.take(partition, message.offset, len(ways))
        left = len(ways)
        self._under_way += left > 0

        def done() -> None:
            nonlocal left
            left -= 1
            self._under_way -= not left

        for name, what, route in ways:
            part = self._positions.part(partition, taken, done)
            await self._deliverers[name].put(Job(what, part, route))

    async def _set_aside(self, message: Message, reason: str, destination: str = NOBODY) -> None:
        taken = self._positions.take(message.tp, message.offset, 1)
        part = self._positions.part(message.tp, taken, lambda: None)
        part.begin()
        self._metrics.unreadable.inc()
        log.error("record dead-lettered", topic=message.topic, offset=message.offset, reason=reason)
        await self._write(message.key, message.value, destination, reason, _origin(message))
        part.done()

    async def _dead_letter(
        self, alerts: Sequence[ReceivedAlert], destination: Destination, reason: str
    ) -> None:
        for alert in alerts:
            key = alert.ticket_id.encode()
            await self._write(key, alert.value, destination.name, reason, alert.origin)

    async def _write(
        self,
        key: bytes | None,
        value: bytes | None,
        destination: str,
        reason: str,
        origin: Origin | None,
    ) -> None:
        """Write a record to the dead-letter topic; keeps trying until Kafka has it. If it is too
        large with the reason, only its beginning is written, with the location of the whole.
        """
        headers: list[tuple[str, bytes | None]] = [
            (REASON_HEADER, reason[:_MAX_REASON].encode("utf-8", "replace")),
            (DESTINATION_HEADER, destination.encode()),
        ]
        if key is None and value is None:
            # Kafka accepts no record without a key and a value.
            value = b""
        whole = True
        while True:
            assert self._producer is not None, "records are taken after the start"
            try:
                await self._producer.send_and_wait(
                    ALERT_DEAD_LETTERS.name, value, key=key, headers=headers
                )
            except KafkaError as error:
                if whole and isinstance(error, MessageSizeTooLargeError):
                    log.warning("dead-lettered in part", bytes=len(value or b""), origin=origin)
                    key, value, of_whole = cut(key, value)
                    headers += [*of_whole, *_said(origin)]
                    whole = False
                    continue
                log.warning("cannot dead-letter", reason=type(error).__name__)
                await asyncio.sleep(_PARK_PAUSE)
            else:
                return


def _origin(message: Message) -> Origin:
    return Origin(message.topic, message.tp.partition, message.offset)


def _said(origin: Origin | None) -> list[tuple[str, bytes]]:
    """``origin`` as headers."""
    if origin is None:
        return []
    return [
        (TOPIC_HEADER, origin.topic.encode()),
        (PARTITION_HEADER, str(origin.partition).encode()),
        (OFFSET_HEADER, str(origin.offset).encode()),
    ]
