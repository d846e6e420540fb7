"""The API as an application: routes, errors as problem documents (RFC 9457), OpenAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sla_board.api import PREFIX, router
from sla_board.board import Board, CursorError, UnavailableError
from sla_runtime.problem import ProblemError, problem


def make_api(board: Board) -> FastAPI:
    """The API as an application, to be mounted at ``PREFIX`` behind the code that identifies the
    viewer.
    """
    api = FastAPI(
        title="SLA board",
        version="1",
        summary="The SLAs of every ticket: what is due, what has breached, and why.",
        docs_url=None,
        redirect_slashes=False,
        redoc_url=None,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
    )
    api.state.board = board
    api.include_router(router)
    api.add_exception_handler(ProblemError, _answer_problem)
    api.add_exception_handler(CursorError, _answer_cursor)
    api.add_exception_handler(UnavailableError, _answer_unavailable)
    api.add_exception_handler(RequestValidationError, _answer_invalid)
    api.add_exception_handler(HTTPException, _answer_http)
    make_document = api.openapi
    api.openapi = lambda: _secured(make_document())  # type: ignore[method-assign]
    return api


def _secured(document: dict[str, Any]) -> dict[str, Any]:
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    # Errors follow RFC 9457; the framework would document another form.
    document["components"]["schemas"].pop("HTTPValidationError", None)
    document["components"]["schemas"].pop("ValidationError", None)
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")) and "content" in response:
                    content = response["content"].pop("application/json", None)
                    response["content"]["application/problem+json"] = content or {}
    return document


Handler = Callable[[Request, Any], Awaitable[Response]]


async def _answer_problem(_: Request, error: Any) -> Response:
    return error.response()  # type: ignore[no-any-return]


async def _answer_cursor(_: Request, error: Exception) -> Response:
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


async def _answer_unavailable(_: Request, error: Exception) -> Response:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": "5"})


async def _answer_http(_: Request, error: Any) -> Response:
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def _answer_invalid(_: Request, error: Any) -> Response:
    found = [{"parameter": str(each["loc"][-1]), "detail": each["msg"]} for each in error.errors()]
    told = "; ".join(f"{each['parameter']}: {each['detail']}" for each in found)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, told, errors=found)
