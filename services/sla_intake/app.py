"""HTTP requests: verified, translated, published, and only then answered."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sla_intake.arrival import Arrivals
from sla_intake.door import GUEST, Known
from sla_intake.metrics import IntakeMetrics
from sla_intake.publisher import NotAcknowledgedError
from sla_intake.reading import Letter, Reading, understood
from sla_intake.settings import LEAST_BODIES, IntakeSettings
from sla_intake.shares import Shares
from sla_intake.signature import PROVEN_BY_HEAD, ForgedError, verify
from sla_intake.sources import Source
from sla_runtime.problem import ProblemError, problem
from sla_runtime.rate import RateLimit

log = structlog.get_logger("sla_intake")

#: A content length as RFC 9110 §8.6 writes it; one of more digits is no length of anything.
_LENGTH: Final = re.compile("[0-9]{1,19}")
#: How many reasons an answer tells.
_TOLD_REASONS: Final = 20

Publish = Callable[[Sequence[dict[str, Any]], Sequence[Letter]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Gate:
    """A source with its live secrets."""

    source: Source
    secrets: list[bytes]


class Intake:
    """The ASGI application. Requests for other paths than the sources' go to ``others``; ``clock``
    returns milliseconds.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        publish: Publish,
        settings: IntakeSettings,
        metrics: IntakeMetrics,
        others: ASGIApp,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._gates = {each.path: _Gate(each, each.secrets()) for each in sources}
        self._publish = publish
        self._settings = settings
        self._metrics = metrics
        self._others = others
        self._clock = clock
        self._limit = RateLimit(settings.requests_per_second)
        self._arrivals = Arrivals()
        self._under_way = Shares(settings.in_flight, len(self._gates))
        least = LEAST_BODIES * settings.max_body_bytes
        self._bytes = Shares(max(settings.proven_bytes, least), len(self._gates))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        gate = self._gates.get(scope.get("path", ""))
        if gate is None or scope["type"] != "http":
            await self._others(scope, receive, send)
            return
        name = gate.source.name
        try:
            answer = await self._answer(gate, scope, receive)
        except ProblemError as refused:
            answer = refused.response()
        except Exception:
            # Whatever it is, nothing is acknowledged, so the sender must keep it and repeat it.
            log.exception("a request failed", source=name)
            answer = problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "the intake failed; send the delivery again",
                headers={"Retry-After": "5"},
            )
        self._metrics.requests.labels(name, str(answer.status_code)).inc()
        await answer(scope, receive, send)

    async def _answer(self, gate: _Gate, scope: Scope, receive: Receive) -> Response:
        source, arrived = gate.source, self._arrivals.next()
        if scope["method"] != "POST":
            raise ProblemError(HTTPStatus.METHOD_NOT_ALLOWED, "send deliveries with POST")
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if source.kind in PROVEN_BY_HEAD:
            # Whoever has no proof need not be listened to.
            self._prove(gate, headers, b"")
        body = await self._body(headers, receive)
        self._prove(gate, headers, body)
        guest: Known | None = scope.get("state", {}).get(GUEST)
        if guest is not None:
            guest.vouched_for()
        try:
            reading = await self._take(source, headers, body, arrived)
        finally:
            if guest is not None:
                guest.as_stranger()
        self._metrics.tell(source.name, reading)
        return JSONResponse(told_of(reading), HTTPStatus.ACCEPTED)

    def _prove(self, gate: _Gate, headers: dict[str, str], body: bytes) -> None:
        try:
            verify(gate.source.kind, gate.secrets, headers, body, self._clock())
        except ForgedError as error:
            raise ProblemError(HTTPStatus.UNAUTHORIZED, str(error)) from error

    async def _take(
        self, source: Source, headers: dict[str, str], body: bytes, arrived: str
    ) -> Reading:
        """Publish a verified delivery. Only now does it count towards its source's limits, so
        that a stranger can't use up what a source may send.
        """
        wait = self._limit.wait(source.name, time.monotonic())
        if wait > 0:
            raise ProblemError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "this source sends too fast; wait before sending again",
                {"Retry-After": str(int(wait) + 1)},
            )
        size = len(body)
        with self._share(self._under_way, source, 1), self._share(self._bytes, source, size):
            reading = understood(source, headers, body, arrived, self._clock())
            try:
                await self._publish(reading.events, reading.letters)
            except NotAcknowledgedError as error:
                log.warning("not acknowledged", source=source.name, reason=str(error))
                raise ProblemError(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "Kafka did not acknowledge the events; send the delivery again",
                    {"Retry-After": "5"},
                ) from error
        return reading

    @contextmanager
    def _share(self, shares: Shares, source: Source, size: int) -> Iterator[None]:
        if not shares.take(source.name, size):
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too many deliveries of this source are in progress; send it again later",
                {"Retry-After": "1"},
            )
        try:
            yield
        finally:
            shares.give_back(source.name, size)

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
        most = self._settings.max_body_bytes
        if headers.get("content-encoding", "identity") != "identity":
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body uncompressed")
        told = headers.get("content-length", "0")
        if _LENGTH.fullmatch(told) and int(told) > most:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have at most {most} bytes"
            )
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ProblemError(HTTPStatus.BAD_REQUEST, "the sender disconnected")
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > most:
                        raise ProblemError(
                            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                            f"a body may have at most {most} bytes",
                        )
                    more = message.get("more_body", False)
        except TimeoutError:
            raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, "the body arrived too slowly") from None
        return b"".join(chunks)


def told_of(reading: Reading) -> dict[str, Any]:
    """The body of an answer of 202."""
    told: dict[str, Any] = {
        "events": len(reading.events),
        "ignored": len(reading.ignored),
        "dead_letters": len(reading.letters),
    }
    reasons = [f"{each.reason}: {each.detail}" for each in reading.letters]
    reasons += [f"ignored: {each}" for each in reading.ignored]
    return told | ({"reasons": reasons[:_TOLD_REASONS]} if reasons else {})
