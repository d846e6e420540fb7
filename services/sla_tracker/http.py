"""Metrics and health over HTTP, in a thread of its own: it answers whatever the loop does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from sla_tracker.state import State

if TYPE_CHECKING:
    from sla_tracker.tracker import Tracker

#: Seconds without a turn of the event loop after which the process counts as hung.
HUNG_SECONDS: Final = 30.0

StartResponse = Callable[..., Any]


class Health:
    """Whether the process lives and whether its partitions can be relied on."""

    def __init__(self) -> None:
        self._beat = time.monotonic()
        self.tracker: Tracker | None = None

    def beat(self) -> None:
        """The event loop turned."""
        self._beat = time.monotonic()

    def alive(self) -> bool:
        """Whether the event loop turned lately; says nothing about the broker on purpose, since
        restarting a tracker does not mend a broker.
        """
        return time.monotonic() - self._beat < HUNG_SECONDS

    def states(self) -> dict[str, str]:
        """The state of each owned partition."""
        tasks = dict(self.tracker.tasks) if self.tracker is not None else {}
        return {str(partition.partition): task.state.value for partition, task in tasks.items()}

    def ready(self) -> bool:
        """Whether partitions are owned and none is being restored or failing."""
        states = self.states()
        return bool(states) and all(state == State.RUNNING for state in states.values())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """A probe every few seconds is no news."""


def serve(host: str, port: int, registry: CollectorRegistry, health: Health) -> _Server:
    """Serve ``/metrics``, ``/healthz`` and ``/readyz``; port 0 picks a free one.

    Raises ``OSError`` when the address can't be had.
    """
    metrics = make_wsgi_app(registry)

    def application(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            found: Iterable[bytes] = metrics(environ, start)
            return found
        if path == "/healthz":
            return _answer(start, health.alive(), {"alive": health.alive()})
        if path == "/readyz":
            return _answer(
                start, health.ready(), {"ready": health.ready(), "partitions": health.states()}
            )
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"/metrics, /healthz or /readyz\n"]

    server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    assert isinstance(server, _Server)
    return server


def _answer(start: StartResponse, good: bool, body: dict[str, Any]) -> Iterable[bytes]:  # noqa: FBT001
    status = "200 OK" if good else "503 Service Unavailable"
    start(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode() + b"\n"]
