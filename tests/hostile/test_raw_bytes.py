"""Random bytes and nearly valid requests at each program's port: each connection is answered or
closed, without a server error, and later requests are answered as usual.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp
from support.board import World
from support.intake import Client
from support.serving import served

from sla_domain.policy import PolicyBook
from sla_runtime.metrics_access import MetricsAccess
from sla_runtime.probes import probe_app
from sla_tracker import health
from sla_tracker.health import Health
from sla_tracker.http import serve

EXAMPLES = int(os.environ.get("SLA_FUZZ_EXAMPLES", "150"))
PROGRAMS = ("tracker", "board", "notifier", "intake")
GOOD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"

METHODS = st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"PRI", b"get", b"", b"\0"])
PATHS = st.sampled_from(
    [b"/", b"/healthz", b"/metrics", b"/hooks/s", b"/login", b"/live", b"*", b"http://a/b", b"//x"]
)
TARGETS = st.one_of(
    PATHS,
    st.binary(max_size=60),
    st.builds(lambda a, b: a + b"?" + b, PATHS, st.binary(max_size=40)),
)
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.", b""])
NAMES = st.sampled_from(
    [
        b"Host",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"Expect",
        b"Upgrade",
        b"Content-Type",
        b"Authorization",
        b"Cookie",
        b"Accept-Language",
        b"Last-Event-ID",
        b"Origin",
        b"Range",
        b"",
        b" a",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            b"-1",
            b"5",
            b"1e9",
            b"99999999999999999999999",
            b"5, 6",
            b"chunked",
            b"gzip, chunked",
            b"chunked, chunked",
            b"100-continue",
            b"websocket",
            b"h2c",
            b"close, Upgrade",
            b"Bearer \xff\xfe",
            b"Bearer the secret",
            b"multipart/form-data",
            b"application/x-www-form-urlencoded; charset=utf-99",
            b"bytes=0-",
            b"es-AR;q=\xc2\xb2",
        ]
    ),
    st.binary(max_size=40),
)
HEADERS = st.lists(
    st.tuples(NAMES, st.sampled_from([b": ", b":", b" : ", b""]), VALUES), max_size=6
)
ENDS = st.sampled_from([b"\r\n", b"\n", b"\r"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """What is nearly a request, or is one."""
    end = draw(ENDS)
    first = b" ".join((draw(METHODS), draw(TARGETS), draw(VERSIONS)))
    lines = [first, *(b"".join(header) for header in draw(HEADERS))]
    made = end.join(lines) + end * 2 + draw(st.binary(max_size=80))
    if draw(st.booleans()):
        made = made[: draw(st.integers(0, len(made)))] + draw(st.binary(max_size=20))
    return made


def reply(port: int, sent: bytes) -> bytes:
    """All that is answered to ``sent`` by who then says nothing more."""
    with socket.create_connection(("127.0.0.1", port), timeout=8) as connection:
        answer = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while received := connection.recv(65536):
                answer += received
        return answer


@contextlib.contextmanager
def in_a_thread(app: ASGIApp) -> Iterator[int]:
    """Serves ``app`` beside the test; its port."""
    ready, done = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve_it() -> None:
        async with served(app, 50, 2.0, 2.0) as server:
            ports.append(server.port)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve_it()))
    thread.start()
    try:
        assert ready.wait(10)
        yield ports[0]
    finally:
        done.set()
        thread.join(10)


@pytest.fixture(params=PROGRAMS)
def port(
    request: pytest.FixtureRequest, book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """A port of each program, served as the program serves it."""
    others = probe_app(CollectorRegistry(), lambda: None, MetricsAccess("t0ken"))
    with contextlib.ExitStack() as stack:
        match request.param:
            case "tracker":
                access = MetricsAccess("t0ken")
                # There is no event loop behind it that could hang.
                monkeypatch.setattr(health, "HUNG_SECONDS", float("inf"))
                server = serve("127.0.0.1", 0, CollectorRegistry(), Health(30), access)
                stack.callback(server.server_close)
                stack.callback(server.shutdown)
                yield server.server_port
            case "board":
                board = World(book).server()
                stack.callback(board.state.pages.stop)
                yield stack.enter_context(in_a_thread(board))
            case "notifier":
                yield stack.enter_context(in_a_thread(others))
            case _:
                client = Client(monkeypatch)
                client.app._others = others
                yield stack.enter_context(in_a_thread(client.app))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sent=st.one_of(requests(), st.binary(max_size=300)))
@example(sent=b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n")
@example(sent=b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: \xb2\r\n\r\n")
@example(sent=b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
def test_whatever_comes_is_answered_or_closed(
    port: int, capfd: pytest.CaptureFixture[str], sent: bytes
) -> None:
    answer = reply(port, sent)
    for status in re.findall(rb"HTTP/1\.[01] (\d{3})", answer):
        assert int(status) < 500 or int(status) == 503, answer[:300]
    assert reply(port, GOOD).split(b" ", 2)[1] == b"200"
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err
