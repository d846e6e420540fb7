"""Metrics and health of every program, and who may read them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sla_runtime.metrics_access import PLAIN_HEADERS, PROBE_PATHS, MetricsAccess
from sla_runtime.problem import problem

_JSON: Final = "application/json"


class Answer(NamedTuple):
    """An answer that is independent of the server."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: bytes


class Probes:
    """``/metrics`` for those whom ``access`` allows, ``/healthz`` and ``/readyz`` for everybody.

    ``unready`` returns why the program is not ready, ``None`` if it is; ``alive`` whether it should
    keep running; ``more`` further fields for ``/readyz``.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        unready: Callable[[], str | None],
        access: MetricsAccess,
        *,
        alive: Callable[[], bool] = lambda: True,
        more: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._registry = registry
        self._unready = unready
        self._access = access
        self._alive = alive
        self._more = more

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """The answer at ``path``, one of ``PROBE_PATHS``; ``headers`` by lower-case names."""
        if path == "/metrics":
            return self._metrics(headers)
        if path == "/healthz":
            alive = self._alive()
            return _told(alive, {"alive": alive})
        reason = self._unready()
        return _told(reason is None, {"ready": reason is None, "reason": reason, **self._more()})

    def _metrics(self, headers: Mapping[str, str]) -> Answer:
        if not self._access.allows(headers.get("authorization")):
            refused = problem(
                HTTPStatus.UNAUTHORIZED,
                "the token in SLA_HTTP_METRICS_TOKEN_FILE is required; send it as Authorization: "
                "Bearer ...",
                headers={"WWW-Authenticate": 'Bearer realm="metrics"', **PLAIN_HEADERS},
            )
            return Answer(HTTPStatus.UNAUTHORIZED, dict(refused.headers), bytes(refused.body))
        encode, media_type = choose_encoder(headers.get("accept", ""))
        body, told = encode(self._registry), {"Content-Type": media_type, **PLAIN_HEADERS}
        if gzip_accepted(headers.get("accept-encoding", "")):
            return Answer(HTTPStatus.OK, {**told, "Content-Encoding": "gzip"}, gzip.compress(body))
        return Answer(HTTPStatus.OK, told, body)


def _told(good: bool, body: Mapping[str, Any]) -> Answer:  # noqa: FBT001  a question's answer
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, {"Content-Type": _JSON, **PLAIN_HEADERS}, json.dumps(body).encode())


def probe_routes(
    registry: CollectorRegistry, unready: Callable[[], str | None], access: MetricsAccess
) -> list[Route]:
    """The probes as routes of a Starlette application."""
    probes = Probes(registry, unready, access)

    async def answer(request: Request) -> Response:
        found = probes.answer(request.url.path, request.headers)
        return Response(found.body, found.status, dict(found.headers))

    return [Route(path, answer) for path in PROBE_PATHS]


def probe_app(
    registry: CollectorRegistry, unready: Callable[[], str | None], access: MetricsAccess
) -> Starlette:
    """An application with only the probes."""
    return Starlette(routes=probe_routes(registry, unready, access))
