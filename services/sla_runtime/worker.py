"""Faust adapted to this project: it reads only committed records, and acknowledges only what is
done.

By default, Faust (0.15) reads uncommitted records unless it runs its own transactions, and derives
what to commit from the messages it has seen acknowledged. That skips messages still in flight, and
gets stuck at transaction markers (ADR 15). So the transport here makes its consumers from our
connection settings, and commits exactly what the application reports as done.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import signal
import socket
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

import faust
import structlog
import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faust.app.base import BootStrategy
from faust.contrib.asgi import serve_asgi
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from yarl import URL

from sla_kafka.settings import KafkaSettings
from sla_runtime.header_timeout import timed_protocol

#: Seconds between commits of what is done.
COMMIT_SECONDS: Final = 1.0
#: Seconds that requests in progress get at shutdown.
_DRAIN_SECONDS: Final = 2
#: Seconds that a worker gets to finish starting if it is told to stop while it starts; without a
#: broker it never finishes.
_START_SECONDS: Final = 10

log = structlog.get_logger("sla_runtime")


class _Thread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, with our own consumer."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        del transport
        app = cast("App", self.app)
        self._assignor = RoundRobinPartitionAssignor
        return AIOKafkaConsumer(
            **app.kafka.client_options(),
            group_id=app.conf.id,
            client_id=app.conf.id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=int(app.session_seconds * 1000),
            heartbeat_interval_ms=int(app.session_seconds * 1000 / 4),
            metadata_max_age_ms=5_000,
            fetch_max_wait_ms=100,
        )

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109  Faust's own
        found = await super().getmany(active_partitions, timeout)
        for tp, records in found.items():
            cast("App", self.app).begun.setdefault(TP(*tp), records[0].offset)
        return found


@dataclass(frozen=True, slots=True)
class Read:
    """How far an owned partition has been read: ``begun`` is the first offset read, ``next`` the
    one to read next, ``end`` the one after the last committed record, as last known. Each is
    ``None`` while it is not known.
    """

    begun: int | None
    next: int | None
    end: int | None


class _Consumer(driver.Consumer):
    """Commits the offsets in ``App.done``."""

    def read(self, tp: TP) -> Read:
        # aiokafka's own method for the position must be awaited in the consumer's thread.
        client = self._thread._consumer  # noqa: SLF001  see above
        subscription = None if client is None else client._subscription.subscription  # noqa: SLF001
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or tp not in assignment.tps:
            return Read(None, None, None)
        state = assignment.state_value(tp)
        position = state._position  # noqa: SLF001  see above
        return Read(cast("App", self.app).begun.get(tp, position), position, state.lso)

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        del topics
        return iter(list(cast("App", self.app).done))

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing. Faust derives what to commit from the gaps that transactions leave, and each
        uncommitted gap makes the next more expensive: with a thousand of them, after a record that
        could not be delivered, a worker did little else.
        """

    def _new_offset(self, tp: TP) -> int | None:
        return cast("App", self.app).done.get(tp)


class _Transport(driver.Transport):
    Consumer: ClassVar[Any] = _Consumer


class _Boot(BootStrategy):
    """Without Faust's producer: records are sent with ours, which waits for acknowledgements."""

    enable_kafka_producer = False

    def __init__(self, app: Any, **given: Any) -> None:
        super().__init__(app, **given)
        self.enable_kafka_consumer = cast("App", app).consumes


class App(faust.App):
    """A Faust app with our connection settings that creates no topics.

    ``consumes`` is whether it has agents; without agents, Faust does not connect to Kafka.
    """

    BootStrategy = _Boot

    def __init__(
        self, name: str, kafka: KafkaSettings, *, consumes: bool, session_seconds: float = 10.0
    ) -> None:
        self.kafka = kafka
        self.consumes = consumes
        #: Seconds without a sign of life after which its partitions are given to others.
        self.session_seconds = session_seconds
        #: For each partition, the offset before which everything is done.
        self.done: dict[TP, int] = {}
        #: For each partition, the first offset that was read since it is owned.
        self.begun: dict[TP, int] = {}
        super().__init__(
            name,
            broker=f"kafka://{kafka.bootstrap}",
            store="memory://",
            consumer_auto_offset_reset="earliest",
            broker_commit_interval=COMMIT_SECONDS,
            topic_allow_declare=False,
            topic_disable_leader=True,
            stream_recovery_delay=0.0,
            # The application itself waits for what is in progress.
            stream_wait_empty=False,
            autodiscover=False,
        )

    def _create_directories(self) -> None:
        """Create none: there are no tables on disk, and the disk may be read-only."""

    def _new_transport(self) -> Any:
        return _Transport([URL(f"kafka://{self.kafka.bootstrap}")], self)

    def read(self, tp: TP) -> Read:
        """How far it has read a partition that it owns; raises ``ConsumerNotStarted``."""
        return cast("_Consumer", self.consumer).read(tp)

    def forget(self, partitions: Iterable[TP]) -> None:
        """Note that these are no longer owned."""
        for partition in partitions:
            self.begun.pop(partition, None)

    def serve(self, web: Any, listener: socket.socket, *, at_once: int) -> None:
        """Serve the ASGI application ``web`` on ``listener`` from within the worker, at most
        ``at_once`` requests at a time; the others are told to try again.
        """
        host, port = listener.getsockname()[:2]
        serve_asgi(
            self,
            web,
            host=host,
            port=port,
            fd=listener.fileno(),
            http=timed_protocol(at_once),
            # No WebSockets: nothing uses them, and they would bypass the protocol's limits.
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="critical",
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            timeout_keep_alive=15,
        )


class _Worker(faust.Worker):
    """A worker that finishes starting before it obeys a signal to stop: otherwise mode would stop
    its services in no particular order, or wait for ever, and the last heartbeat would be lost.
    """

    def __init__(self, app: App, **given: Any) -> None:
        self._has_started = asyncio.Event()
        super().__init__(app, **given)

    async def on_startup_finished(self) -> None:
        self._has_started.set()
        await super().on_startup_finished()

    async def _stop_on_signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_started.wait(), _START_SECONDS)
        await super()._stop_on_signal(number)


def run_unless_asked_to_end(waiting: Coroutine[Any, Any, object]) -> bool:
    """Run what must come before a worker. False if SIGTERM or SIGINT came, which cancel ``waiting``
    at once: then the worker is no longer wanted. Raises what ``waiting`` raises.
    """
    asked = False

    async def run() -> None:
        task = asyncio.ensure_future(waiting)

        def end() -> None:
            nonlocal asked
            asked = True
            task.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end)
        await asyncio.wait([task])
        if not asked:
            await task

    asyncio.run(run())
    return not asked


def run_worker(app: App, *, started: str, **told: Any) -> int:
    """Run ``app`` until SIGTERM or SIGINT; returns the exit status, 1 if it crashed."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = _Worker(
        app,
        loop=loop,
        override_logging=False,
        redirect_stdouts=False,
        quiet=True,
        # It would print a banner and a spinner here; what matters is logged.
        stdout=io.StringIO(),
        stderr=io.StringIO(),
    )
    log.info(started, **told)
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        return int(end.code or 0)
