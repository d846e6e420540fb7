"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"


class Problem(BaseModel):
    """An RFC 9457 problem: ``title`` is its kind, ``detail`` what was wrong with this request."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """A request that is answered with a problem document."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        return problem(self.status, str(self), headers=self.headers)


def problem(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """A problem document. ``more`` are extension members."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, **more)
    return Response(
        json.dumps(told.model_dump()),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )
