"""The board's web application: identifies clients, limits them, and routes to pages and API."""

from __future__ import annotations

import time
from http import HTTPStatus
from importlib import resources
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sla_board.access import COOKIE, Access
from sla_board.api import PREFIX
from sla_board.application import make_api
from sla_board.board import Board
from sla_board.pages import Pages
from sla_board.settings import BoardSettings
from sla_runtime.metrics_access import PROBE_PATHS, MetricsAccess
from sla_runtime.probes import probe_routes
from sla_runtime.problem import problem
from sla_runtime.rate import RateLimit

#: Simultaneous requests, besides the pages that are followed live.
REQUESTS_AT_ONCE: Final = 500
_LOOPBACK_NAMES: Final = ["localhost", "127.0.0.1", "[::1]"]
#: What needs no token: probes, metrics, the sign-in page and its static files.
_OPEN_PATHS: Final = (*PROBE_PATHS, "/login", "/static/")
#: Only our own files may be loaded, and no other page may embed ours.
_SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class SecurityHeaders:
    """Adds the headers above to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the response on with the headers."""

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with)


class Gate:
    """Identifies the client and lets it through if it has access and stays within its rate limit.
    Requests that a page of another site sends are refused.
    """

    def __init__(self, app: ASGIApp, access: Access, limit: RateLimit) -> None:
        self._app = app
        self._access = access
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 403 or 429, or go on with ``request.state.viewer`` and ``asker``."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = scope["method"] not in ("GET", "HEAD")
        if given and _is_foreign(request.headers):
            refusal = problem(HTTPStatus.FORBIDDEN, "the form was sent from another site")
            await refusal(scope, receive, send)
            return
        is_open = scope["path"].startswith(_OPEN_PATHS)
        if is_open and not given:
            await self._app(scope, receive, send)
            return
        viewer = None if is_open else self._access.viewer(_secret(request))
        address = request.client.host if request.client else "?"
        asker = address if viewer is None or self._access.open else viewer.name
        wait = self._limit.wait(asker, time.monotonic())
        answer: Response | None = None
        if wait > 0:
            headers = {"Retry-After": str(int(wait) + 1)}
            answer = problem(
                HTTPStatus.TOO_MANY_REQUESTS, "too many requests; try again later", headers=headers
            )
        elif viewer is None and not is_open:
            answer = _asked_for_token(request)
        if answer is not None:
            await answer(scope, receive, send)
            return
        if viewer is not None:
            scope.setdefault("state", {}).update(viewer=viewer, asker=asker)
        await self._app(scope, receive, send)


def _is_foreign(headers: Headers) -> bool:
    """Whether the browser says that a page of another site sent this."""
    fetched = headers.get("sec-fetch-site")
    if fetched is not None:
        return fetched not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def _secret(request: Request) -> str | None:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return secret.strip()
    return request.cookies.get(COOKIE)


def _asked_for_token(request: Request) -> Response:
    if request.url.path.startswith("/api/") or "text/html" not in _accepted(request.headers):
        return problem(
            HTTPStatus.UNAUTHORIZED,
            "a bearer token is required: Authorization: Bearer ...",
            headers={"WWW-Authenticate": 'Bearer realm="sla-board"'},
        )
    return RedirectResponse("/login", HTTPStatus.SEE_OTHER)


def _accepted(headers: Headers) -> str:
    return headers.get("accept", "")


def make_server(
    board: Board,
    access: Access,
    metrics: MetricsAccess,
    settings: BoardSettings,
    registry: CollectorRegistry,
) -> Starlette:
    """The whole application."""
    api = make_api(board)
    pages = Pages(board, access, api, settings)

    static = resources.files(__package__) / "static"
    app = Starlette(
        routes=[
            *probe_routes(registry, board.reader.unready, metrics),
            *pages.routes(),
            Mount("/static", StaticFiles(directory=str(static))),
            Mount(PREFIX, api),
        ],
        exception_handlers=pages.error_handlers(),
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(settings, access)),
            Middleware(Gate, access=access, limit=RateLimit(settings.requests_per_second)),
        ],
    )
    # A redirect would go to whatever host the client named.
    app.router.redirect_slashes = False
    app.state.pages = pages
    return app


def _hosts(settings: BoardSettings, access: Access) -> list[str]:
    """The host names served. Without tokens, a page on another site could otherwise use a
    visitor's browser to read the board under its own name (DNS rebinding).
    """
    return settings.allowed_hosts or (_LOOPBACK_NAMES if access.open else ["*"])
