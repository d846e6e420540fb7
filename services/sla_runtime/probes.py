"""Metrics and health: what every process tells of itself, and where."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sla_runtime.exposure import PLAIN_HEADERS, MetricsAccess
from sla_runtime.problem import problem


def probe_routes(
    registry: CollectorRegistry, unready: Callable[[], str | None], access: MetricsAccess
) -> list[Route]:
    """``/metrics`` for whom ``access`` lets read them, ``/healthz`` and ``/readyz`` for all.

    ``unready`` says why the program can't be relied on now, ``None`` when it can.
    """

    async def metrics(request: Request) -> Response:
        if not access.allows(request.headers.get("authorization")):
            return problem(
                HTTPStatus.UNAUTHORIZED,
                "the token of SLA_HTTP_METRICS_TOKEN_FILE is needed: Authorization: Bearer ...",
                headers={"WWW-Authenticate": 'Bearer realm="metrics"', **PLAIN_HEADERS},
            )
        headers = {"Content-Type": CONTENT_TYPE_LATEST, **PLAIN_HEADERS}
        return Response(generate_latest(registry), headers=headers)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"alive": True}, headers=PLAIN_HEADERS)

    async def readyz(_: Request) -> Response:
        reason = unready()
        if reason is None:
            return JSONResponse({"ready": True}, headers=PLAIN_HEADERS)
        told = {"ready": False, "reason": reason}
        return JSONResponse(told, HTTPStatus.SERVICE_UNAVAILABLE, headers=PLAIN_HEADERS)

    return [Route("/metrics", metrics), Route("/healthz", healthz), Route("/readyz", readyz)]


def probes(
    registry: CollectorRegistry, unready: Callable[[], str | None], access: MetricsAccess
) -> Starlette:
    """The three alone."""
    return Starlette(routes=probe_routes(registry, unready, access))
