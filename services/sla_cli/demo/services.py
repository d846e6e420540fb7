"""The programs around the tracker in a demo: intake, board, notifier, and a webhook receiver."""

from __future__ import annotations

import asyncio
import json
import secrets
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AsyncExitStack
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import web

from sla_kafka.embedded import free_port
from sla_lab.errors import CommandError
from sla_lab.processes import Harness
from sla_lab.recording import Line

SOURCE: Final = "demo"
_BATCH: Final = 500

_SOURCES: Final = f"""[[sources]]
name = "{SOURCE}"
kind = "cloudevents"
secret_envs = ["SLA_DEMO_TOKEN"]
"""
_ROUTES: Final = """board = "{board}"
allowed_hosts = ["127.0.0.1:{port}"]
[[destinations]]
name = "listener"
kind = "webhook"
url = "http://127.0.0.1:{port}/"
secret_env = "SLA_DEMO_SECRET"
[[routes]]
to = ["listener"]
"""


class DemoServices:
    """The programs, on the demo's broker; ``notified`` counts what the notifier delivers."""

    def __init__(self, harness: Harness) -> None:
        self._token = secrets.token_urlsafe(16)
        secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
        self._environment = {"SLA_DEMO_TOKEN": self._token, "SLA_DEMO_SECRET": secret}
        self._hook_port = free_port()
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None
        self.notified = 0
        sources, routes = harness.directory / "sources.toml", harness.directory / "routes.toml"
        sources.write_text(_SOURCES)
        environment = {**self._environment, "SLA_INTAKE_REQUESTS_PER_SECOND": "1000000"}
        self._intake = harness.add("intake", ["--sources", str(sources)], environment)
        self._board = harness.add("board", ["--replay"])
        routes.write_text(_ROUTES.format(board=self._board.url, port=self._hook_port))
        # Nobody waits for what it has not delivered when the demo ends.
        environment = {**self._environment, "SLA_NOTIFIER_DRAIN_SECONDS": "0"}
        self._notifier = harness.add("notifier", ["--routes", str(routes)], environment)

    @property
    def board_url(self) -> str:
        """The board's address."""
        return self._board.url + "/"

    def wait_until_ready(self) -> None:
        """Wait until all of them answer. Raises ``CommandError``."""
        for program in (self._intake, self._board, self._notifier):
            program.wait_until_ready()

    async def __aenter__(self) -> Self:
        """Start the receiver for the notifier, and the client session for sending."""
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        listener = web.Application()
        listener.router.add_post("/", self._take)
        runner = web.AppRunner(listener, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", self._hook_port).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def send(self, lines: Sequence[Line]) -> None:
        """Send events by HTTP to the intake, in order. Raises ``CommandError`` if it refuses."""
        for start in range(0, len(lines), _BATCH):
            batch = b"[" + b",".join(line.value for line in lines[start : start + _BATCH]) + b"]"
            await self._post(batch)

    async def _post(self, batch: bytes) -> None:
        assert self._session is not None, "sent from within the context"
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/cloudevents-batch+json",
        }
        url = f"{self._intake.url}/hooks/{SOURCE}"
        while True:
            async with self._session.post(url, data=batch, headers=headers) as answer:
                if answer.status == HTTPStatus.ACCEPTED:
                    return
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise CommandError(f"the intake refused the events: {await answer.text()}")
            await asyncio.sleep(1)

    async def _take(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        self.notified += len(body) if isinstance(body, list) else 1
        return web.Response()
