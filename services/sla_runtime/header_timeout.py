"""Limits for HTTP clients: the time and size of a request, and which connection is closed when
there are too many.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sla_runtime.address import files_allowed
from sla_runtime.metrics_access import HEADER_SECONDS, PLAIN_HEADERS, PROBE_PATHS, PROBES_AT_ONCE

#: Seconds for a body, after its head is complete.
BODY_SECONDS: Final = 30.0
#: Bytes of a request's head, and of the chunk framing in its body.
MAX_HEAD_BYTES: Final = 32 * 1024
#: Bytes on the wire per byte of a body: a body in chunks of one byte needs six.
_BYTES_FOR_ONE: Final = 16
#: Requests that a connection may send before the first of them is answered.
_MAX_PIPELINED: Final = 8
#: The most files that a program has open in addition to its connections.
_OTHER_FILES: Final = 128
#: Seconds for a refused client to read its answer.
_LINGER_SECONDS: Final = 5.0
_PROBE_PATHS: Final = tuple(path.encode() for path in PROBE_PATHS)


def timed_protocol(
    at_once: int, head_seconds: float = HEADER_SECONDS, body_seconds: float = BODY_SECONDS
) -> type[HttpToolsProtocol]:
    """The protocol of one server. Each request of a connection, not only the first, has
    ``head_seconds`` for its head and then ``body_seconds`` for its body. A head has at most
    ``MAX_HEAD_BYTES``; the answer to a longer one is 431.

    ``at_once`` requests are answered at the same time; the others are told to try again, except
    probes, which have a limit of their own. Twice as many connections are kept, as far as the limit
    of open files allows. A new one then replaces the one that has been idle the longest, so that
    requests are answered however many idle connections there are.
    """
    limits = {
        "at_once": at_once,
        "most": min(2 * at_once + PROBES_AT_ONCE, files_allowed() - _OTHER_FILES),
        "head_seconds": head_seconds,
        "body_seconds": body_seconds,
        "waiting": {},
    }
    return type("Patient", (TimedProtocol,), limits)


def plain_answer(status: HTTPStatus, why: str, *headers: str) -> bytes:
    """An answer after which the connection is closed, sent without the application."""
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: text/plain; charset=utf-8",
        f"content-length: {len(why)}",
        *[f"{name.lower()}: {value}" for name, value in PLAIN_HEADERS.items()],
        *headers,
        "connection: close",
    ]
    return "\r\n".join([*lines, "", why]).encode("ascii")


class TimedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, with limits that it lacks."""

    at_once: ClassVar[int]
    #: Connections that are kept.
    most: ClassVar[int]
    head_seconds: ClassVar[float]
    body_seconds: ClassVar[float]
    #: The connections without a request in progress, the one idle the longest first.
    waiting: ClassVar[dict[TimedProtocol, None]]

    _patience: asyncio.TimerHandle | None = None
    #: Why the request is refused before it is complete: a status and a message.
    _refusal: tuple[HTTPStatus, str] | None = None
    #: Whether a request is being received; all its bytes so far, those of head and trailers that
    #: have been parsed, and those of its body.
    coming = False
    _raw = _told = _body = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.waiting[self] = None
        if len(self.connections) > self.most:
            next(iter(self.waiting)).end()
        self._wait(self.head_seconds)

    def data_received(self, data: bytes) -> None:
        # Not only when a request begins: line ends before it could arrive for ever.
        if self._patience is None:
            self._wait(self.head_seconds)
        super().data_received(data)
        self._raw += len(data)
        # The parser buffers a line until it is complete, however long it becomes.
        if self.coming and self._raw > MAX_HEAD_BYTES + _BYTES_FOR_ONE * self._body:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too large")
            self.send_400_response("")

    def on_message_begin(self) -> None:
        self.coming, self._raw, self._told, self._body = True, 0, 0, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._tell(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._tell(len(name) + len(value))

    def _tell(self, size: int) -> None:
        self._told += size + 4
        if self._told > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too large")
            raise httptools.HttpParserError

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= _MAX_PIPELINED:
            self._refuse(
                HTTPStatus.TOO_MANY_REQUESTS, "wait for answers before sending more requests"
            )
            raise httptools.HttpParserError
        self._wait(self.body_seconds)
        self.waiting.pop(self, None)
        under_way = len(self.connections) - len(self.waiting)
        room = self.at_once + PROBES_AT_ONCE * self.url.startswith(_PROBE_PATHS)
        # This makes uvicorn answer 503; its own check would count idle connections too.
        self.limit_concurrency = 0 if under_way > room else None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.coming = False
        self._settle()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self.waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.pop(self, None)
        self._settle()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        self._settle()
        self._patience = self.loop.call_later(seconds, self.end)

    def _settle(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._refusal = self._refusal or (status, why)

    def send_400_response(self, msg: str) -> None:
        """Answer an invalid request, or one that is refused before it is read, and close."""
        status, why = self._refusal or (HTTPStatus.BAD_REQUEST, msg)
        if self.transport.is_closing():
            return
        self.transport.write(plain_answer(status, why))
        self.end()

    def end(self) -> None:
        """Close the connection, even if the other side no longer reads."""
        self.waiting.pop(self, None)
        self._settle()
        if not self.transport.is_closing():
            self.transport.close()
        self._patience = self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
