"""The tracker's HTTP server: who may read metrics, and slow or too many clients."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from sla_runtime.metrics_access import PROBES_AT_ONCE, MetricsAccess
from sla_tracker import http
from sla_tracker.health import Health
from sla_tracker.http import serve


@pytest.fixture
def port() -> Iterator[int]:
    """A server with a token."""
    server = serve("127.0.0.1", 0, CollectorRegistry(), Health(30), MetricsAccess("t0ken"))
    yield server.server_port
    server.shutdown()
    server.server_close()


def get(port: int, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def test_metrics_need_the_token_and_health_does_not(port: int) -> None:
    assert get(port, "/metrics")[0] == 401
    assert get(port, "/metrics", Authorization="Bearer other")[0] == 401
    assert get(port, "/metrics", Authorization="Bearer t0ken")[0] == 200
    status, headers = get(port, "/healthz")
    assert status == 200
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert get(port, "/other")[0] == 404


def test_clients_that_say_nothing_keep_nobody_out(port: int) -> None:
    dawdling = [socket.create_connection(("127.0.0.1", port)) for _ in range(PROBES_AT_ONCE + 5)]
    try:
        for each in dawdling:
            each.sendall(b"GET /healthz HT")
        for _ in range(3):
            # Nothing is waited for: the longest there goes.
            started = time.monotonic()
            assert get(port, "/healthz")[0] == 200
            assert time.monotonic() - started < http._Quiet.timeout / 5
        threads = [each for each in threading.enumerate() if "process_request" in each.name]
        assert len(threads) <= PROBES_AT_ONCE
    finally:
        for each in dawdling:
            each.close()
