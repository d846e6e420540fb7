"""Serves a web application with the HTTP protocol that all programs use, on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sla_runtime.header_timeout import timed_protocol


class Served:
    """The address, and the open connections."""

    def __init__(self, server: uvicorn.Server, port: int) -> None:
        self.port = port
        self.connections: set[Any] = server.server_state.connections

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, what: bytes) -> bytes:
        """The status line of the response to a request on a new connection."""
        reader, writer = await self.connect()
        try:
            writer.write(what)
            return await asyncio.wait_for(reader.readline(), 10)
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def served(app: ASGIApp, at_once: int, *seconds: float) -> AsyncIterator[Served]:
    """Serve ``app`` with at most ``at_once`` requests, whose heads and bodies must arrive within
    ``seconds``.
    """
    config = uvicorn.Config(
        app,
        http=timed_protocol(at_once, *seconds),
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server._serve([listener]))
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            yield Served(server, listener.getsockname()[1])
        finally:
            server.should_exit = True
            await serving
