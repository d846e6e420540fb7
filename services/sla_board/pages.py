"""The pages for people: the live board, a ticket, the API documentation, the sign-in form."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from importlib import resources
from typing import Any, Final, cast, get_args
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sla_board.access import ANYONE, COOKIE, Access, Viewer
from sla_board.api import PREFIX, tagged
from sla_board.board import Board, CursorError, UnavailableError, may_see
from sla_board.ranking import DIMENSIONS, Dimension
from sla_board.settings import BoardSettings
from sla_board.view import Query, Viewing
from sla_config.network import is_loopback
from sla_runtime.problem import problem
from sla_schemas.types import MAX_TEXT
from sla_text.drawing import LANE, WIDTH, draw
from sla_text.language import DEFAULT_LANGUAGE, LANGUAGES, Language, Texts
from sla_text.presentation import Presenter
from sla_text.templates import environment

#: The least and the most seconds between two updates of a page; each corrects the countdowns.
_UPDATE_SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 5.0
_MAX_FORM: Final = 4096
_FORM_SECONDS: Final = 5.0
_SECTIONS: Final = ("next", "breached", "waiting")

log = structlog.get_logger("sla_board")


class _Counted(StreamingResponse):
    """A response that counts as one of the client's live pages for as long as it lasts."""

    def __init__(self, live: Counter[str], asker: str, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._live = live
        self._asker = asker
        live[asker] += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live[self._asker] -= 1
            if not self._live[self._asker]:
                del self._live[self._asker]


class Pages:
    """The pages of one board."""

    def __init__(self, board: Board, access: Access, api: FastAPI, settings: BoardSettings) -> None:
        self._board = board
        self._access = access
        self._api = api
        self._settings = settings
        #: How many pages each asker follows live.
        self._live: Counter[str] = Counter()
        self._stopping = asyncio.Event()
        self._environment = environment("sla_board")

    def stop(self) -> None:
        """End the live connections, which would otherwise stay open."""
        self._stopping.set()
        self._board.table.announce()

    def routes(self) -> list[Route]:
        """The routes of the pages."""
        return [
            Route("/", self.board),
            Route("/live", self.live),
            Route("/tickets/{ticket_id:path}", self.ticket),
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/static/explanation.css", self.explanation_style),
            Route(f"{PREFIX}/docs", self.documents),
        ]

    def error_handlers(self) -> Mapping[Any, Callable[[Request, Exception], Any]]:
        """The handlers that turn errors into pages."""
        return {
            HTTPException: self._failed_http,
            CursorError: self._failed_cursor,
            Exception: self._failed,
        }

    async def board(self, request: Request) -> Response:
        """The board, complete before any script runs."""
        query, viewing = self._asked(request)
        if wanted := request.query_params.get("find"):
            where = request.url_for("ticket", ticket_id=wanted).path
            return RedirectResponse(f"{where}?lang={query.language}", HTTPStatus.SEE_OTHER)
        return self._page(
            request,
            "board.html.j2",
            query,
            view=viewing.view(query),
            choices=viewing.choices(query),
        )

    async def live(self, request: Request) -> Response:
        """The live part of the board, sent again after each change, as server-sent events."""
        asker = request.state.asker
        of_all = self._live.total() >= self._settings.live_pages
        if of_all or self._live[asker] >= self._settings.live_pages_of_one:
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE if of_all else HTTPStatus.TOO_MANY_REQUESTS,
                "too many live pages are open" + ("" if of_all else " for you; close some"),
                headers={"Retry-After": "30"},
            )
        query, viewing = self._asked(request)
        # Errors in the query are reported before the stream begins.
        viewing.view(query)
        return _Counted(
            self._live,
            asker,
            self._updates(query, viewing),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _updates(self, query: Query, viewing: Viewing) -> AsyncIterator[str]:
        table = self._board.table
        template = self._environment.get_template("live.html.j2")
        while not self._stopping.is_set():
            seen = table.version
            body = template.render(view=viewing.view(query), texts=viewing.texts, query=query)
            lines = "".join(f"data: {line}\n" for line in body.splitlines() if line.strip())
            yield f"event: board\n{lines}\n"
            await asyncio.sleep(_UPDATE_SECONDS)
            await table.changes(seen, _QUIET_SECONDS - _UPDATE_SECONDS)

    async def ticket(self, request: Request) -> Response:
        """A ticket with its timeline and every span of its clocks."""
        query, _ = self._asked(request)
        texts, viewer = _texts(request), request.state.viewer
        row = self._board.table.get(request.path_params["ticket_id"])
        if row is None or not may_see(row, viewer):
            return self._told(
                request,
                HTTPStatus.NOT_FOUND,
                texts("live.not_found"),
                texts("live.not_found_hint"),
            )
        try:
            document = await self._board.ledger(row, viewer)
        except UnavailableError as error:
            return self._told(
                request,
                HTTPStatus.SERVICE_UNAVAILABLE,
                texts("live.unavailable", reason=str(error)),
            )
        policy = self._board.policy_of(row)
        zone = ZoneInfo(policy.business_calendar.zone)
        presenter = Presenter(texts, zone, policy.severity_names)
        return self._page(
            request,
            "ticket.html.j2",
            query,
            told=presenter.tell(document),
            drawing=draw(document, presenter),
            width=WIDTH,
            lane_height=LANE,
        )

    async def documents(self, request: Request) -> Response:
        """The API documentation for people: the OpenAPI document as a page."""
        query, _ = self._asked(request)
        return self._page(
            request, "api.html.j2", query, document=self._api.openapi(), dumps=json.dumps
        )

    async def explanation_style(self, request: Request) -> Response:
        """The style of an explanation, the same as in the page that ``sla explain`` writes."""
        style = (resources.files("sla_text") / "templates" / "explanation.css").read_bytes()
        return tagged(request, style, "text/css")

    async def login(self, request: Request) -> Response:
        """Take a token from the form and keep it in a cookie that scripts can't read."""
        texts = _texts(request)
        wrong = None
        if request.method == "POST":
            secret = _form_value(await _form(request), "token")
            if self._access.viewer(secret) is not None:
                answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
                answer.set_cookie(
                    COOKIE,
                    secret,
                    httponly=True,
                    samesite="strict",
                    # TLS may be terminated by a proxy; only on this machine is there none at all.
                    secure=not is_loopback(request.url.hostname or ""),
                )
                return answer
            await asyncio.sleep(0.5)
            wrong = texts("live.wrong_token")
        query = Query({}, texts.language)
        status = HTTPStatus.OK if wrong is None else HTTPStatus.UNAUTHORIZED
        return self._page(request, "login.html.j2", query, status=status, wrong=wrong)

    async def logout(self, _: Request) -> Response:
        """Forget the token."""
        answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE)
        return answer

    def _asked(self, request: Request) -> tuple[Query, Viewing]:
        texts = _texts(request)
        given = request.query_params
        filters: dict[Dimension, str] = {
            name: given[name][:MAX_TEXT] for name in DIMENSIONS if given.get(name)
        }
        section = given.get("show")
        query = Query(
            filters,
            texts.language,
            section if section in _SECTIONS else None,
            given.get("cursor"),
        )
        return query, Viewing(self._board, request.state.viewer, texts)

    def _page(
        self,
        request: Request,
        template: str,
        query: Query,
        status: int = HTTPStatus.OK,
        **values: Any,
    ) -> Response:
        viewer: Viewer = getattr(request.state, "viewer", ANYONE)
        body = self._environment.get_template(template).render(
            texts=_texts(request),
            query=query,
            languages=LANGUAGES,
            languages_of=_other_languages(request),
            signed_in=None if self._access.open or viewer is ANYONE else viewer.name,
            zone=self._board.zone.key,
            api=PREFIX,
            **values,
        )
        headers = {"Cache-Control": "no-store"}
        return HTMLResponse(body, status, headers=headers)

    def _told(self, request: Request, status: int, text: str, hint: str = "") -> Response:
        query = Query({}, _texts(request).language)
        return self._page(request, "told.html.j2", query, status=status, text=text, hint=hint)

    async def _failed_http(self, request: Request, error: Exception) -> Response:
        status = cast("HTTPException", error).status_code
        if request.url.path.startswith("/api/"):
            return problem(status, str(cast("HTTPException", error).detail))
        return self._told(request, status, HTTPStatus(status).phrase)

    async def _failed_cursor(self, request: Request, error: Exception) -> Response:
        return self._told(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    async def _failed(self, request: Request, error: Exception) -> Response:
        log.error("request failed", path=request.url.path, error=repr(error), exc_info=error)
        return self._told(request, HTTPStatus.INTERNAL_SERVER_ERROR, _texts(request)("live.failed"))


def _texts(request: Request) -> Texts:
    """The texts in the language of the URL, or else of the browser."""
    asked = request.query_params.get("lang", "")
    accepted = request.headers.get("accept-language", "")
    for each in (asked, *(part.strip()[:2] for part in accepted.split(","))):
        if each in get_args(Language):
            return Texts(cast("Language", each))
    return Texts(DEFAULT_LANGUAGE)


def _other_languages(request: Request) -> dict[str, str]:
    """The query string of this page in each language."""
    return {
        language: str(request.url.include_query_params(lang=language).query)
        for language in LANGUAGES
    }


async def _form(request: Request) -> bytes:
    """The body of the sign-in form. Raises ``HTTPException`` if it is too long or too slow."""
    body = b""
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MAX_FORM:
                    raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT) from None
    return body


def _form_value(body: bytes, name: str) -> str:
    return parse_qs(body.decode(errors="replace")).get(name, [""])[0]
