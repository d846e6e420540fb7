"""The intake as a process. It has no streams, so it runs on uvicorn alone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
import uvloop
from aiokafka.errors import KafkaError

from sla_config.errors import UserFacingError
from sla_intake.app import Intake
from sla_intake.door import COST, Door, guarded_protocol
from sla_intake.metrics import IntakeMetrics
from sla_intake.publisher import Publisher
from sla_intake.settings import LEAST_BODIES, IntakeSettings
from sla_intake.sources import Source, read_sources
from sla_kafka.clients import KafkaClients
from sla_kafka.settings import KafkaSettings
from sla_runtime.address import files_allowed, listen
from sla_runtime.heartbeat import Condition, Heart
from sla_runtime.logs import configure_logs
from sla_runtime.metrics_access import MetricsAccess, metrics_access
from sla_runtime.probes import probe_app
from sla_runtime.registry import process_registry

log = structlog.get_logger("sla_intake")


def run_intake(kafka: KafkaSettings, settings: IntakeSettings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status, 1 if it ended because of an error."""
    configure_logs()
    try:
        sources = read_sources(settings.sources)
        access = metrics_access(settings.host)
        listener = listen(settings.host, settings.port, "SLA_INTAKE_PORT")
    except UserFacingError as error:
        log.error("intake must end", reason=str(error))  # noqa: TRY400  the message is for people
        return 1
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(kafka, settings, sources, access, listener))


async def _run(
    kafka: KafkaSettings,
    settings: IntakeSettings,
    sources: list[Source],
    access: MetricsAccess,
    listener: Any,
) -> int:
    registry = process_registry()
    publisher = Publisher(KafkaClients(kafka), settings.kafka_seconds, settings.linger_ms)
    try:
        await publisher.start()
    except (KafkaError, OSError) as error:
        log.error(  # noqa: TRY400  a stack trace would say less than the remedy
            "intake must end",
            reason=f"nothing can be published at {kafka.bootstrap} ({type(error).__name__})",
            remedy="'sla doctor' shows what is missing",
        )
        await publisher.stop()
        return 1
    metrics = IntakeMetrics(registry, [source.name for source in sources])
    heart = Heart("intake", KafkaClients(kafka), lambda: _told(publisher))
    others = probe_app(registry, lambda: heart.silence, access)
    app = Intake(sources, publisher.publish, settings, metrics, others)
    room = max(settings.unproven_bytes, LEAST_BODIES * settings.max_body_bytes)
    seats = min(room // COST, files_allowed() // 2)
    config = uvicorn.Config(
        app,
        http=guarded_protocol(
            Door(room, seats, metrics.given_up.inc),
            frozenset(source.path for source in sources),
            seats + settings.in_flight,
            settings.header_seconds,
            settings.body_seconds + 1,
        ),
        # Nothing here speaks it, and it would leave the protocol and its limits behind.
        ws="none",
        # An address is that of the connection: what a header says of it anybody can write.
        proxy_headers=False,
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(settings.kafka_seconds) + 1,
    )
    host, port = listener.getsockname()[:2]
    log.info(
        "intake started",
        url=f"http://{host}:{port}/",
        hooks=[source.path for source in sources],
    )
    server = _Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.end)
    heart.start()
    try:
        await server.serve(sockets=[listener])
    finally:
        await publisher.stop()
        await heart.stop()
    log.info("intake stopped")
    return 0


def _told(publisher: Publisher) -> Condition:
    refused = publisher.refused
    return Condition(
        refused is None, [] if refused is None else [f"Kafka does not acknowledge: {refused}"]
    )


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn's own handling would end the process by the signal and not by
    its exit status.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        """Answer what is under way and take nothing more."""
        self.should_exit = True
