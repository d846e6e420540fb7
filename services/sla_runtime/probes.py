"""Metrics and health: what every process tells of itself, and where."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def process_registry() -> CollectorRegistry:
    """A registry with what is to be known of any process."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


def probe_routes(registry: CollectorRegistry, ready: Callable[[], bool]) -> list[Route]:
    """``/metrics``, ``/healthz`` and ``/readyz``."""

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_: Request) -> Response:
        good = ready()
        status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse({"ready": good}, status)

    return [Route("/metrics", metrics), Route("/healthz", healthz), Route("/readyz", readyz)]


def probes(registry: CollectorRegistry, ready: Callable[[], bool]) -> Starlette:
    """The three alone."""
    return Starlette(routes=probe_routes(registry, ready))
