"""How long a client may take to say what it wants, and who goes when there are too many."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sla_runtime.exposure import HEADER_SECONDS, PROBE_PATHS, PROBES_AT_ONCE

#: Seconds for a body, once its head is there.
BODY_SECONDS: Final = 30.0
_PROBE_PATHS: Final = tuple(path.encode() for path in PROBE_PATHS)


def patient_protocol(
    at_once: int, head_seconds: float = HEADER_SECONDS, body_seconds: float = BODY_SECONDS
) -> type[HttpToolsProtocol]:
    """The protocol of one server. Each request of a connection, not only the first, has
    ``head_seconds`` for its head and then ``body_seconds`` for its body.

    ``at_once`` requests are answered at the same time; the others are told to come again, but for
    probes, which have room of their own. Twice as many connections are kept: the next one takes the
    place of the one that has waited longest without a request, so that whoever asks is heard
    however many only hold a connection.
    """
    limits = {
        "at_once": at_once,
        "head_seconds": head_seconds,
        "body_seconds": body_seconds,
        "waiting": {},
    }
    return type("Patient", (_Patient,), limits)


class _Patient(HttpToolsProtocol):
    """Uvicorn's protocol with limits that it has not."""

    at_once: ClassVar[int]
    head_seconds: ClassVar[float]
    body_seconds: ClassVar[float]
    #: The connections without a request under way, the one that has waited longest first.
    waiting: ClassVar[dict[_Patient, None]]

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.waiting[self] = None
        if len(self.connections) > 2 * self.at_once + PROBES_AT_ONCE:
            next(iter(self.waiting)).end()
        self._wait(self.head_seconds)

    def data_received(self, data: bytes) -> None:
        # Not when a request begins: line ends before it are none, and could come for ever.
        if self._patience is None:
            self._wait(self.head_seconds)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._wait(self.body_seconds)
        self.waiting.pop(self, None)
        under_way = len(self.connections) - len(self.waiting)
        room = self.at_once + PROBES_AT_ONCE * self.url.startswith(_PROBE_PATHS)
        # How uvicorn is told to answer 503; it would count idle connections too.
        self.limit_concurrency = 0 if under_way > room else None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
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

    def end(self) -> None:
        """Close the connection."""
        self.waiting.pop(self, None)
        self._settle()
        if not self.transport.is_closing():
            self.transport.close()
