"""The board as a process."""

from __future__ import annotations

import gc
from zoneinfo import ZoneInfo

import structlog
from mode import Service

from sla_board.access import check_bind, read_access
from sla_board.board import Board
from sla_board.reader import Reader
from sla_board.server import REQUESTS_AT_ONCE, make_server
from sla_board.settings import BoardSettings
from sla_board.table import BoardTable
from sla_config.errors import UserFacingError
from sla_kafka.clients import KafkaClients
from sla_kafka.settings import KafkaSettings
from sla_policy.loading import load_policies
from sla_runtime.address import listen
from sla_runtime.logs import configure_logs
from sla_runtime.metrics_access import metrics_access
from sla_runtime.registry import process_registry
from sla_runtime.worker import App, run_worker

log = structlog.get_logger("sla_board")


def run_board(kafka: KafkaSettings, settings: BoardSettings) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit status, 1 if it had to stop by itself."""
    configure_logs()
    # Rows are many, long-lived and without cycles: scanning them all finds nothing.
    gc.set_threshold(100_000, 50, 50)
    try:
        access = read_access(settings.tokens)
        check_bind(settings.host, access)
        metrics = metrics_access(settings.host)
        book = load_policies(settings.policies)
        listener = listen(settings.host, settings.port, "SLA_BOARD_PORT")
    except UserFacingError as error:
        log.error("board must end", reason=str(error))  # noqa: TRY400  the message is for people
        return 1
    registry = process_registry()
    table = BoardTable(ZoneInfo(book.latest.business_calendar.zone))
    reader = Reader(
        KafkaClients(kafka), table, registry, settings.stale_seconds, replay=settings.replay
    )
    server = make_server(Board(table, reader, book), access, metrics, settings, registry)
    app = App("sla-board", kafka, consumes=False)

    class Following(Service):
        """The table follows its topic for as long as the worker runs."""

        @Service.task
        async def _follow(self) -> None:
            await reader.run()

        async def on_stop(self) -> None:
            server.state.pages.stop()
            await reader.stop()

    app.service(Following)
    app.serve(server, listener, at_once=settings.live_pages + REQUESTS_AT_ONCE)
    host, port = listener.getsockname()[:2]
    return run_worker(app, started="board started", url=f"http://{host}:{port}/")
