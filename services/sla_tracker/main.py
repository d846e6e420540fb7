"""The tracker as a process: logs, signals, HTTP, exit status."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from sla_config.errors import UserFacingError
from sla_kafka.clients import KafkaClients
from sla_kafka.settings import KafkaSettings
from sla_policy.loading import load_policies
from sla_runtime.heartbeat import Heart
from sla_runtime.logs import configure_logs
from sla_runtime.metrics_access import metrics_access
from sla_runtime.registry import process_registry
from sla_runtime.tracing import make_tracing
from sla_tracker.health import HUNG_SECONDS, Health, Watchdog
from sla_tracker.http import serve
from sla_tracker.metrics import TrackerMetrics
from sla_tracker.settings import TrackerSettings
from sla_tracker.standing import condition_of
from sla_tracker.tracker import Tracker

log = structlog.get_logger("sla_tracker")


def run_tracker(kafka: KafkaSettings, settings: TrackerSettings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status, 1 if it ended because of an error."""
    configure_logs()
    # Normal operation leaves no reference cycles, and searching a partition's tickets for them
    # takes half a second in which no alert goes out. Failures may leave some: see Tracker.
    gc.disable()
    return asyncio.run(_run(kafka, settings))


async def _run(kafka: KafkaSettings, settings: TrackerSettings) -> int:
    try:
        book = load_policies(settings.policies)
        access = metrics_access(settings.host)
        _ = settings.erase_key  # if it can't be read, report that now
        tracing = make_tracing("sla-tracker")
    except UserFacingError as error:
        log.error("tracker must end", reason=str(error))  # noqa: TRY400  the message is for people
        return 1
    registry = process_registry()
    clients = KafkaClients(kafka)
    metrics = TrackerMetrics(book, registry)
    tracker = Tracker(book, clients, settings, metrics, tracing)
    heart = Heart(
        "tracker",
        clients,
        lambda: condition_of(tracker, settings),
        group=settings.app,
        instance=settings.instance_id,
    )
    health = Health(settings.stalled_seconds, lambda: heart.silence)
    health.tracker = tracker
    try:
        server = serve(settings.host, settings.port, registry, health, access)
    except OSError as error:
        log.error(  # noqa: TRY400  a stack trace would say less than the remedy
            "cannot serve metrics",
            address=f"{settings.host}:{settings.port}",
            error=str(error),
            remedy="set SLA_TRACKER_HTTP_PORT to a free port",
        )
        return 1
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_unheard)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tracker.stop)
    Watchdog(health, looks=int(HUNG_SECONDS)).start()
    beating = asyncio.create_task(_beat(health))
    heart.start()
    log.info("tracker started", app=settings.app, http_port=server.server_port)
    try:
        await tracker.run()
    except (UserFacingError, KafkaError) as error:
        log.error("tracker must end", reason=str(error))  # noqa: TRY400  the message is for people
        return 1
    finally:
        beating.cancel()
        await heart.stop()
        server.shutdown()
        server.server_close()
        if tracing is not None:
            tracing.stop()
    log.info("tracker stopped")
    return 0


def _unheard(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error that a client library left unhandled; the failure itself is handled elsewhere."""
    error = context.get("exception")
    log.debug("unheard", detail=context.get("message"), error=type(error).__name__)


async def _beat(health: Health) -> None:
    while True:
        health.beat()
        await asyncio.sleep(1)
