"""The notifier as a process: Faust agents on the alert topics."""

from __future__ import annotations

from typing import Any

import structlog
from faust.types import TP
from mode import Service

from sla_config.errors import UserFacingError
from sla_domain.policy import PolicyBook
from sla_kafka.admin import check_group
from sla_kafka.clients import KafkaClients
from sla_kafka.settings import KafkaSettings
from sla_kafka.waiting import wait_for_broker, wait_for_topics
from sla_notifier.metrics import NotifierMetrics
from sla_notifier.notifier import Notifier
from sla_notifier.routes import Routes, read_routes
from sla_notifier.samples import failing_templates
from sla_notifier.settings import NotifierSettings
from sla_notifier.standing import condition_of, unready
from sla_policy.loading import load_policies
from sla_runtime.address import listen
from sla_runtime.heartbeat import Heart
from sla_runtime.logs import configure_logs
from sla_runtime.metrics_access import PROBES_AT_ONCE, metrics_access
from sla_runtime.probes import probe_app
from sla_runtime.registry import process_registry
from sla_runtime.tracing import make_tracing
from sla_runtime.worker import App, run_unless_asked_to_end, run_worker
from sla_schemas.topics import ALERT_DEAD_LETTERS, APPROVALS, BREACHES, TICKETS, WARNINGS

log = structlog.get_logger("sla_notifier")


def check_routes(settings: NotifierSettings, book: PolicyBook, *, secrets: bool = True) -> Routes:
    """The routes, checked against the policies and, with ``secrets``, for missing secrets. Raises
    ``RoutesError``.
    """
    return read_routes(settings.routes, book, secrets=secrets)


def _warn_of_templates(routes: Routes, book: PolicyBook) -> None:
    """Log failing templates: their alerts will be dead-lettered, all others can be sent."""
    for failure in failing_templates(routes, book):
        log.warning("template fails", reason=failure)


def run_notifier(kafka: KafkaSettings, settings: NotifierSettings) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit status, 1 if it had to stop by itself."""
    configure_logs()
    registry = process_registry()
    app = App(settings.app, kafka, consumes=True, session_seconds=settings.session_seconds)
    try:
        book = load_policies(settings.policies)
        routes = check_routes(settings, book)
        _warn_of_templates(routes, book)
        metrics = NotifierMetrics(registry, [each.name for each in routes.destinations])
        tracing = make_tracing("sla-notifier")
        clients = KafkaClients(kafka)
        notifier = Notifier(clients, settings, routes, book, metrics, app.done, tracing)
        access = metrics_access(settings.host)
        listener = listen(settings.host, settings.port, "SLA_NOTIFIER_PORT")
    except UserFacingError as error:
        log.error("notifier must end", reason=str(error))  # noqa: TRY400  the message is for people
        return 1
    read = (WARNINGS, BREACHES, APPROVALS, TICKETS, ALERT_DEAD_LETTERS)
    channel = app.topic(
        *(topic.name for topic in read), key_serializer="raw", value_serializer="raw"
    )

    heart = Heart("notifier", clients, lambda: condition_of(app, notifier), group=settings.app)

    class Carrying(Service):
        """Connected while the worker runs; starts before the agents take anything."""

        async def on_start(self) -> None:
            await notifier.start()
            heart.start()

        async def on_stop(self) -> None:
            await notifier.stop()
            await heart.stop()

    @app.agent(channel, name="carry")
    async def carry(stream: Any) -> None:
        # Acknowledged is what ``notifier`` reports as done, never what the stream has passed.
        async for event in stream.noack().events():
            try:
                await notifier.take(event.message)
            except Exception as error:
                # Faust would restart the agent after this record. If we end, we start before it.
                log.exception("notifier must end", reason=repr(error))
                await app.crash(error)
                raise

    @app.on_partitions_revoked.connect  # type: ignore[arg-type]  # the stub asks for what it never gives
    async def forget(_: Any, revoked: set[TP], **__: Any) -> None:
        await notifier.leave(list(revoked))
        await app.consumer.commit()
        notifier.forget(list(revoked))
        app.forget(revoked)

    app.service(Carrying)
    web = probe_app(registry, lambda: unready(app, heart, notifier), access)
    app.serve(web, listener, at_once=PROBES_AT_ONCE)
    host, port = listener.getsockname()[:2]
    # Before Faust, which retries forever without a word when access is denied.
    ready = wait_for_broker(
        lambda: wait_for_topics(lambda: check_group(kafka, settings.app, read)), kafka.bootstrap
    )
    try:
        if not run_unless_asked_to_end(ready):
            log.info("notifier stopped")
            return 0
        return run_worker(app, started="notifier started", url=f"http://{host}:{port}/")
    except (UserFacingError, OSError) as error:
        log.error("notifier must end", reason=str(error))  # noqa: TRY400  a broker is missing
        return 1
