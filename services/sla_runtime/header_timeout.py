"""How long a client may take to say what it wants and in how many bytes, and who goes when there
are too many.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sla_runtime.address import files_allowed
from sla_runtime.metrics_access import HEADER_SECONDS, PLAIN_HEADERS, PROBE_PATHS, PROBES_AT_ONCE

#: Seconds for a body, once its head is there.
BODY_SECONDS: Final = 30.0
#: Bytes of a request's head, and of what stands between the bytes of its body.
MAX_HEAD_BYTES: Final = 32 * 1024
#: Bytes that may come for one of a body: a body in chunks of one byte has six.
_BYTES_FOR_ONE: Final = 16
#: Requests that a connection may send before the first of them is answered.
_MAX_PIPELINED: Final = 8
#: Files that a program has open beside its connections, at most.
_OTHER_FILES: Final = 128
#: Seconds for whoever is sent away to take what it was told.
_LINGER_SECONDS: Final = 5.0
_PROBE_PATHS: Final = tuple(path.encode() for path in PROBE_PATHS)


def timed_protocol(
    at_once: int, head_seconds: float = HEADER_SECONDS, body_seconds: float = BODY_SECONDS
) -> type[HttpToolsProtocol]:
    """The protocol of one server. Each request of a connection, not only the first, has
    ``head_seconds`` for its head and then ``body_seconds`` for its body. A head has
    ``MAX_HEAD_BYTES``; what is longer is answered 431.

    ``at_once`` requests are answered at the same time; the others are told to come again, but for
    probes, which have room of their own. Twice as many connections are kept, as far as files may be
    open: the next one takes the place of the one that has waited longest without a request, so that
    whoever asks is heard however many only hold a connection.
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
    """An answer on which its connection ends, for where there is no application to ask."""
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
    """Uvicorn's protocol with limits that it has not."""

    at_once: ClassVar[int]
    #: Connections that are kept.
    most: ClassVar[int]
    head_seconds: ClassVar[float]
    body_seconds: ClassVar[float]
    #: The connections without a request under way, the one that has waited longest first.
    waiting: ClassVar[dict[TimedProtocol, None]]

    _patience: asyncio.TimerHandle | None = None
    #: Why the request is refused before it is one: a status, and what is said.
    _refusal: tuple[HTTPStatus, str] | None = None
    #: Of the request that is coming in: whether it is, all its bytes, those of head and trailers
    #: that are told by now, and those of its body.
    coming = False
    _raw = _told = _body = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.waiting[self] = None
        if len(self.connections) > self.most:
            next(iter(self.waiting)).end()
        self._wait(self.head_seconds)

    def data_received(self, data: bytes) -> None:
        # Not when a request begins: line ends before it are none, and could come for ever.
        if self._patience is None:
            self._wait(self.head_seconds)
        super().data_received(data)
        self._raw += len(data)
        # The parser keeps a line until it has all of it, however long it becomes.
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
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, "wait for the answers")
            raise httptools.HttpParserError
        self._wait(self.body_seconds)
        self.waiting.pop(self, None)
        under_way = len(self.connections) - len(self.waiting)
        room = self.at_once + PROBES_AT_ONCE * self.url.startswith(_PROBE_PATHS)
        # How uvicorn is told to answer 503; it would count idle connections too.
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
        """Answer what is no request, or one that is refused before it is read, and close."""
        status, why = self._refusal or (HTTPStatus.BAD_REQUEST, msg)
        if self.transport.is_closing():
            return
        self.transport.write(plain_answer(status, why))
        self.end()

    def end(self) -> None:
        """Close the connection, also where the other side takes nothing any more."""
        self.waiting.pop(self, None)
        self._settle()
        if not self.transport.is_closing():
            self.transport.close()
        self._patience = self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
