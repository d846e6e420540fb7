"""Metrics and health over HTTP, in a separate thread, so that it answers whatever the loop does."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry

from sla_runtime.metrics_access import HEADER_SECONDS, PROBE_PATHS, PROBES_AT_ONCE, MetricsAccess
from sla_runtime.probes import Probes
from sla_tracker.health import Health

StartResponse = Callable[..., Any]

#: Before the name of a header in WSGI's environment (PEP 3333).
_HEADER: Final = "HTTP_"


class _Server(ThreadingMixIn, WSGIServer):
    """One thread per connection, up to a limit. Beyond it, a new connection replaces the one that
    has waited longest without a request, so that probes are answered whoever holds connections.
    """

    daemon_threads = True

    def __init__(self, *given: Any, **named: Any) -> None:
        self._room = threading.BoundedSemaphore(PROBES_AT_ONCE)
        #: The connections whose request has not arrived yet, the oldest first.
        self._waiting: dict[socket.socket, None] = {}
        super().__init__(*given, **named)

    def process_request(self, request: Any, client_address: Any) -> None:
        while not self._room.acquire(timeout=0.01):
            oldest = next(iter(tuple(self._waiting)), None)
            if oldest is not None:
                self.observe(oldest)
                with contextlib.suppress(OSError):  # it has just gone by itself
                    oldest.shutdown(socket.SHUT_RDWR)
        self._waiting[request] = None
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.observe(request)
            self._room.release()

    def observe(self, request: Any) -> None:
        """The head of its request has arrived, or never will."""
        self._waiting.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do not log clients that went away."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Quiet(WSGIRequestHandler):
    #: Seconds that reading from a client may take, so that a slow one keeps no thread.
    timeout = HEADER_SECONDS

    def parse_request(self) -> bool:
        """Read the head."""
        read = super().parse_request()
        assert isinstance(self.server, _Server)
        self.server.observe(self.connection)
        return read

    def log_message(self, *_: object) -> None:
        """Do not log probes, which come every few seconds."""


def serve(
    host: str, port: int, registry: CollectorRegistry, health: Health, access: MetricsAccess
) -> _Server:
    """Serve ``/metrics``, ``/healthz`` and ``/readyz``; port 0 picks a free one.

    Raises ``OSError`` when the address can't be used.
    """
    probes = Probes(
        registry,
        health.unready,
        access,
        alive=health.alive,
        more=lambda: {"partitions": health.states()},
    )

    def application(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] not in PROBE_PATHS:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics, /healthz or /readyz\n"]
        found = probes.answer(environ["PATH_INFO"], _headers(environ))
        start(f"{found.status.value} {found.status.phrase}", list(found.headers.items()))
        return [found.body]

    server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    assert isinstance(server, _Server)
    return server


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    """The headers of a request, by lower-case names."""
    return {
        name.removeprefix(_HEADER).replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith(_HEADER)
    }
