"""Metrics and health over HTTP, in a thread of its own: it answers whatever the loop does."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app

from sla_runtime.exposure import (
    HEADER_SECONDS,
    PLAIN_HEADERS,
    PROBES_AT_ONCE,
    MetricsAccess,
)
from sla_tracker.state import State

if TYPE_CHECKING:
    from sla_tracker.tracker import Tracker

#: Seconds without a turn of the event loop after which the process counts as hung.
HUNG_SECONDS: Final = 30.0

STALLED: Final = "stalled"

StartResponse = Callable[..., Any]

log = structlog.get_logger("sla_tracker")


class Health:
    """Whether the process lives and whether its partitions can be relied on."""

    def __init__(
        self, stalled_seconds: float, silence: Callable[[], str | None] = lambda: None
    ) -> None:
        self._stalled_seconds = stalled_seconds
        self._silence = silence
        self._beat = time.monotonic()
        self.beats = 0
        self.tracker: Tracker | None = None

    def beat(self) -> None:
        """The event loop turned."""
        self._beat = time.monotonic()
        self.beats += 1

    def alive(self) -> bool:
        """Whether the event loop turned lately; says nothing about the broker on purpose, since
        restarting a tracker does not mend a broker.
        """
        return time.monotonic() - self._beat < HUNG_SECONDS

    def states(self) -> dict[str, str]:
        """The state of each owned partition, and ``stalled`` for one that does not come on."""
        tasks = dict(self.tracker.tasks) if self.tracker is not None else {}
        return {
            str(partition.partition): STALLED
            if task.stalled() > self._stalled_seconds
            else task.state.value
            for partition, task in tasks.items()
        }

    def unready(self) -> str | None:
        """Why it can't be relied on; ``None`` where the broker answers, partitions are owned and
        none is being restored, failing or stalled.
        """
        if (silence := self._silence()) is not None:
            return silence
        states = self.states()
        if not states:
            return "it owns no partition"
        others = [f"{name} is {state}" for name, state in states.items() if state != State.RUNNING]
        return f"partition {', '.join(others)}" if others else None


class Watchdog(threading.Thread):
    """Ends the process when the event loop hangs, since nothing in the loop could.

    It counts its own looks instead of seconds, so that a process that was stopped and continued is
    not taken for one that hangs.
    """

    def __init__(self, health: Health, looks: int, seconds: float = 1.0) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._health = health
        self._looks = looks
        self._seconds = seconds

    def run(self) -> None:
        """Look again and again."""
        seen, looks = self._health.beats, 0
        while looks < self._looks:
            time.sleep(self._seconds)
            looks = looks + 1 if self._health.beats == seen else 0
            seen = self._health.beats
        log.error("tracker must end", reason="the event loop hangs", at=self._place())
        os._exit(1)

    def _place(self) -> str:
        """Where the main thread is."""
        frames = sys._current_frames()  # noqa: SLF001  how to see another thread
        frame = frames.get(threading.main_thread().ident or 0)
        return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a connection, so many at once and no more. The next one takes the place of the one
    whose request has not come for longest, so that probes are heard whoever else holds connections.
    """

    daemon_threads = True

    def __init__(self, *given: Any, **named: Any) -> None:
        self._room = threading.BoundedSemaphore(PROBES_AT_ONCE)
        #: The connections whose request has not come yet, the oldest first.
        self._waiting: dict[socket.socket, None] = {}
        super().__init__(*given, **named)

    def process_request(self, request: Any, client_address: Any) -> None:
        while not self._room.acquire(timeout=0.01):
            oldest = next(iter(tuple(self._waiting)), None)
            if oldest is not None:
                self.heard(oldest)
                with contextlib.suppress(OSError):  # it has just gone by itself
                    oldest.shutdown(socket.SHUT_RDWR)
        self._waiting[request] = None
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.heard(request)
            self._room.release()

    def heard(self, request: Any) -> None:
        """The head of its request is there, or never comes."""
        self._waiting.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Quiet(WSGIRequestHandler):
    #: Seconds that reading from a client may take, so that a slow one keeps no thread.
    timeout = HEADER_SECONDS

    def parse_request(self) -> bool:
        """Read the head."""
        read = super().parse_request()
        assert isinstance(self.server, _Server)
        self.server.heard(self.connection)
        return read

    def log_message(self, *_: object) -> None:
        """A probe every few seconds is no news."""


def serve(
    host: str, port: int, registry: CollectorRegistry, health: Health, access: MetricsAccess
) -> _Server:
    """Serve ``/metrics``, ``/healthz`` and ``/readyz``; port 0 picks a free one.

    Raises ``OSError`` when the address can't be had.
    """
    metrics = make_wsgi_app(registry)

    def application(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            if access.allows(environ.get("HTTP_AUTHORIZATION")):
                found: Iterable[bytes] = metrics(environ, start)
                return found
            return _answer(start, HTTPStatus.UNAUTHORIZED, {"detail": "a bearer token is needed"})
        if path == "/healthz":
            return _answer(start, _status(health.alive()), {"alive": health.alive()})
        if path == "/readyz":
            reason = health.unready()
            told = {"ready": reason is None, "reason": reason, "partitions": health.states()}
            return _answer(start, _status(reason is None), told)
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"/metrics, /healthz or /readyz\n"]

    server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    assert isinstance(server, _Server)
    return server


def _status(good: bool) -> HTTPStatus:  # noqa: FBT001  a question's answer
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE


def _answer(start: StartResponse, status: HTTPStatus, body: dict[str, Any]) -> Iterable[bytes]:
    headers = [("Content-Type", "application/json"), *PLAIN_HEADERS.items()]
    start(f"{status.value} {status.phrase}", headers)
    return [json.dumps(body).encode() + b"\n"]
