"""A real HTTP receiver that accepts, fails or stalls as configured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Received:
    """A received request, and the status of its response."""

    headers: dict[str, str]
    body: bytes
    status: int
    at: float
    path: str


#: A status, optionally with headers.
Answer = int | tuple[int, dict[str, str]]


class Receiver:
    """Listens on a free port; ``answer`` returns the status of each request, optionally with
    headers, and may block.
    """

    def __init__(self, answer: Callable[[dict[str, str], bytes], Answer] = lambda *_: 200) -> None:
        self.answer = answer
        self.received: list[Received] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = outer.answer(headers, body)
                status, more = answer if isinstance(answer, tuple) else (answer, {})
                outer.received.append(Received(headers, body, status, time.monotonic(), self.path))
                try:
                    self.send_response(status)
                    for name, value in more.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    return

            def log_message(self, *_: object) -> None:
                """Log nothing: tests read ``received``."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def host(self) -> str:
        """Its ``host:port``."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}/hook"

    @property
    def taken(self) -> list[Received]:
        """The requests that were accepted."""
        return [each for each in list(self.received) if each.status < 300]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
