"""Clients that only hold a connection do not block others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from support.serving import Served, served

from sla_runtime.metrics_access import PROBES_AT_ONCE, MetricsAccess
from sla_runtime.probes import probe_routes

AT_ONCE = 4
HEAD_SECONDS = 0.4
BODY_SECONDS = 0.6
ASK = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"


class Slow:
    """Probes, and ``/slow``, which answers when ``go`` is set."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.under_way = 0
        probes = probe_routes(CollectorRegistry(), lambda: None, MetricsAccess())
        slow = Route("/slow", self._slow, methods=["GET", "POST"])
        self.app = Starlette(routes=[*probes, slow])

    async def _slow(self, _: Request) -> Response:
        self.under_way += 1
        await self.go.wait()
        return PlainTextResponse("slow")


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[tuple[Slow, Served]]:
    slow = Slow()
    async with served(slow.app, AT_ONCE, HEAD_SECONDS, BODY_SECONDS) as server:
        try:
            yield slow, server
        finally:
            slow.go.set()


async def dripped(server: Served, first: bytes, drop: bytes) -> Any:
    """Send ``first`` and then a ``drop`` again and again; whether the connection was closed before
    ten seconds of that.
    """
    reader, writer = await server.connect()
    writer.write(first)
    until = asyncio.get_running_loop().time() + 10
    closed = asyncio.ensure_future(reader.read())
    try:
        while not closed.done() and asyncio.get_running_loop().time() < until:
            writer.write(drop)
            await asyncio.sleep(0.05)
        return closed.done()
    except ConnectionError:
        return True
    finally:
        closed.cancel()
        writer.close()


#: How each begins, and what goes on for ever.
DRIPS = {
    "first head": (b"GET / HTTP/1.1\r\n", b"x: y\r\n"),
    "second head": (ASK + b"GET / HTTP/1.1\r\n", b"x: y\r\n"),
    "line ends before a head": (ASK, b"\r\n"),
    "body that is waited for": (
        b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n",
        b".",
    ),
    "body that never comes": (
        b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n",
        b"",
    ),
    "body that nobody reads": (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n",
        b".",
    ),
}


@pytest.mark.parametrize(
    ("first", "drop"),
    DRIPS.values(),
    ids=DRIPS.keys(),
)
async def test_what_comes_in_drops_has_a_limit(first: bytes, drop: bytes) -> None:
    async with serving() as (_, server):
        assert await dripped(server, first, drop)


async def test_any_number_of_idle_connections_keep_nobody_out() -> None:
    async with serving() as (_, server):
        held = []
        for number in range(5 * (2 * AT_ONCE + PROBES_AT_ONCE)):
            held.append(await server.connect())
            # Some have asked before, some are in the middle of a head, some say nothing.
            held[-1][1].write((b"", ASK, b"GET /he")[number % 3])
        try:
            for _ in range(3):
                assert b"200" in await server.ask(ASK)
            assert len(server.connections) <= 2 * AT_ONCE + PROBES_AT_ONCE
        finally:
            for _, writer in held:
                writer.close()


async def test_probes_are_answered_beside_all_requests_there_is_room_for() -> None:
    async with serving() as (slow, server):
        asking = [asyncio.create_task(server.ask(SLOW)) for _ in range(AT_ONCE)]
        while slow.under_way < AT_ONCE:
            await asyncio.sleep(0.01)
        assert b"503" in await server.ask(SLOW)
        assert b"200" in await server.ask(ASK)
        slow.go.set()
        assert all(b"200" in line for line in await asyncio.gather(*asking))
        assert b"200" in await server.ask(SLOW)
