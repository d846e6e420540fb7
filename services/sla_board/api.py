"""The HTTP API, ``/api/v1``. FastAPI generates its OpenAPI 3.1 document from these functions."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import sys
from collections.abc import AsyncIterator, Callable
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from sla_board.access import Viewer
from sla_board.board import Board, may_see, restricted, write_cursor
from sla_board.models import (
    AttainedAnswer,
    AttainmentAnswer,
    CountsAnswer,
    LedgerAnswer,
    SummaryAnswer,
    TicketsAnswer,
    clocks_for,
    now_text,
    program_answers,
    ticket_answer,
    watch_answer,
)
from sla_board.ranking import Dimension, Filters
from sla_board.row import Row, Status
from sla_board.table import NOTHING_DECIDED, PERIODS, Period, Verdict, days_of
from sla_config.wording import listed, nearest
from sla_runtime.problem import Problem, ProblemError
from sla_schemas.types import MAX_ID, MAX_TEXT, Word

PREFIX: Final = "/api/v1"
MAX_PAGE: Final = 500
#: Rows of an export written before other requests get a turn.
_EXPORT_PAGE: Final = 500
_EXPORTED: Final = (
    "ticket_id",
    "client_id",
    "kind",
    "severity",
    "state",
    "holder",
    "analyst_id",
    "team",
    "policy",
    "agreement",
    "channel",
    "communicated_at",
    "closed_at",
    "as_of",
)
_EXPORTED_OF_CLOCK: Final = (
    "clock",
    "cycle",
    "start",
    "due",
    "breaches_at",
    "stopped",
    "outcome",
    "limit",
    "used_ms",
    "paused_ms",
    "target_ms",
    "calendar",
)
#: The characters with which a spreadsheet formula may begin.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        401: "Missing or invalid token.",
        422: "Invalid parameter.",
        429: "Too many requests; `Retry-After` gives the number of seconds to wait.",
    }.items()
}
_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Problem, "description": "No such ticket, or the token may not see it."},
    503: {"model": Problem, "description": "The broker does not respond."},
}
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Not modified since the answer that `If-None-Match` names."}
}

router: Final = APIRouter(responses=_PROBLEMS | _NOT_MODIFIED)


def viewer_of(request: Request) -> Viewer:
    """Who is asking, as determined by the outer application."""
    viewer: Viewer = request.state.viewer
    return viewer


def board_of(request: Request) -> Board:
    """The board behind this application."""
    board: Board = request.app.state.board
    return board


TheBoard = Annotated[Board, Depends(board_of)]
TheViewer = Annotated[Viewer, Depends(viewer_of)]


def filters_of(
    board: TheBoard,
    viewer: TheViewer,
    severity: Word | None = None,
    client: Annotated[str | None, Query(max_length=MAX_ID)] = None,
    team: Annotated[str | None, Query(max_length=MAX_TEXT)] = None,
    holder: Word | None = None,
    agreement: Word | None = None,
) -> Filters:
    """The filters of a request, limited to what the viewer may see."""
    known = board.book.severities
    if severity is not None and severity not in known:
        like = nearest(severity, known) or f"; it has {listed(known)}"
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"the policy has no severity {severity!r}{like}"
        )
    given: dict[Dimension, str | None] = {
        "severity": severity,
        "client": client,
        "team": team,
        "holder": holder,
        "agreement": agreement,
    }
    return restricted({name: value for name, value in given.items() if value}, viewer)


TheFilters = Annotated[Filters, Depends(filters_of)]


def answered(request: Request, answer: BaseModel | dict[str, Any]) -> Response:
    """``answer`` as JSON with an ETag of its content, or 304 if the client already has it."""
    told = answer if isinstance(answer, dict) else answer.model_dump()
    return tagged(request, msgspec.json.encode(told), "application/json")


def tagged(request: Request, body: bytes, media_type: str) -> Response:
    """``body`` with an ETag of its content, or 304 if the client already has it."""
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    known = [each.strip().removeprefix("W/") for each in _none_match(request).split(",")]
    if tag in known or "*" in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _none_match(request: Request) -> str:
    return request.headers.get("if-none-match", "")


@router.get("/tickets", response_model=TicketsAnswer, summary="Tickets, sorted by due time")
async def tickets(
    request: Request,
    board: TheBoard,
    viewer: TheViewer,
    filters: TheFilters,
    status: Annotated[
        Status,
        Query(
            description="`open` is sorted by the next breach, `breached` by the time of breach, "
            "`waiting` by the start of the wait, `closed` by the time of closing."
        ),
    ] = "open",
    sort: Annotated[
        Literal["due", "-due"] | None,
        Query(
            description="Earliest or latest first. `breached` and `closed` default to latest first."
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[
        str | None, Query(max_length=2000, description="`next` from the previous page.")
    ] = None,
) -> Response:
    """A page of the tickets that match all given filters.

    Pages follow a position, not a number: changes between two requests neither repeat nor skip
    tickets, except those that moved themselves.
    """
    backwards = None if sort is None else sort == "-due"
    page = board.page(status, filters, limit, cursor, backwards=backwards)
    now = board.now()
    return answered(
        request,
        {
            "as_of": now_text(board),
            "freshness": board.standing().freshness,
            "tickets": [ticket_answer(row, board, viewer, now) for row in page.rows],
            "next": None if page.end is None else write_cursor(page.end),
        },
    )


@router.get(
    "/tickets.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "One line per clock."}},
    summary="The same as CSV, all pages",
)
async def export(
    board: TheBoard,
    viewer: TheViewer,
    filters: TheFilters,
    status: Annotated[Status, Query()] = "open",
) -> Response:
    """All matching tickets, one line per cycle of each clock; RFC 4180, UTF-8.

    Text that a spreadsheet would read as a formula is prefixed with an apostrophe.
    """
    headers = {"Content-Disposition": f'attachment; filename="sla-{status}.csv"'}
    # A snapshot of the table: rows are replaced, never changed.
    rows = board.page(status, filters, sys.maxsize).rows
    return StreamingResponse(_export(rows, viewer), media_type="text/csv", headers=headers)


async def _export(rows: list[Row], viewer: Viewer) -> AsyncIterator[str]:
    yield _line([*_EXPORTED, *_EXPORTED_OF_CLOCK])
    for first in range(0, len(rows), _EXPORT_PAGE):
        yield "".join(_lines(row, viewer) for row in rows[first : first + _EXPORT_PAGE])
        await asyncio.sleep(0)


def _lines(row: Row, viewer: Viewer) -> str:
    staff = () if viewer.sees_staff else ("analyst_id", "team")
    told = [None if name in staff else getattr(row, name) for name in _EXPORTED]
    clocks = [
        [getattr(clock, name) for name in _EXPORTED_OF_CLOCK] for clock in clocks_for(row, viewer)
    ]
    return "".join(_line([*told, *clock]) for clock in clocks or [[None] * len(_EXPORTED_OF_CLOCK)])


def _line(cells: list[Any]) -> str:
    sink = io.StringIO()
    csv.writer(sink).writerow([_cell(cell) for cell in cells])
    return sink.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


@router.get(
    "/tickets/{ticket_id:path}",
    response_model=LedgerAnswer,
    responses=_NOT_FOUND,
    summary="One ticket with its ledger",
)
async def ticket(
    request: Request,
    board: TheBoard,
    viewer: TheViewer,
    ticket_id: Annotated[str, Path(max_length=MAX_ID)],
) -> Response:
    """A ticket with every span of each of its clocks: its kind, the reason, and the totals."""
    row = board.table.get(ticket_id)
    if row is None or not may_see(row, viewer):
        raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no ticket {ticket_id!r} on the board")
    return answered(
        request,
        {
            "ticket": ticket_answer(row, board, viewer, board.now()),
            "ledger": await board.ledger(row, viewer),
        },
    )


@router.get("/summary", response_model=SummaryAnswer, summary="The whole board in figures")
async def summary(
    request: Request, board: TheBoard, viewer: TheViewer, filters: TheFilters
) -> Response:
    """How many tickets are open, breached and waiting on the client, in total and by severity,
    client and team, and how many SLAs were met.
    """
    table, standing = board.table, board.standing()

    def counts_by(dimension: Dimension) -> dict[str, CountsAnswer]:
        found = table.counts_by(dimension, filters)
        return {name: _counts(counts) for name, counts in sorted(found.items())}

    return answered(
        request,
        SummaryAnswer.model_construct(
            as_of=now_text(board),
            freshness=standing.freshness,
            unread_events=standing.unread,
            undelivered_alerts=standing.undelivered if viewer.sees_staff else None,
            watch=watch_answer(standing),
            programs=program_answers(board.reader.pulse) if viewer.sees_staff else [],
            counts=_counts(table.counts(filters)),
            severities=list(board.book.severities),
            by_severity=counts_by("severity"),
            by_client=counts_by("client"),
            by_team=counts_by("team") if viewer.sees_staff else {},
            attainment={period: _total(board, period, filters) for period in PERIODS},
        ),
    )


@router.get("/attainment", response_model=AttainmentAnswer, summary="How many SLAs were met")
async def attainment(
    request: Request,
    board: TheBoard,
    filters: TheFilters,
    period: Annotated[Period, Query()] = "month",
    by: Annotated[Literal["severity", "client", "clock", "agreement", "day"], Query()] = "severity",
) -> Response:
    """SLAs met and breached today, this week or this month, in the policy's time zone.

    An SLA that was met counts on the day its clock stopped, a breached one on the day it was due,
    until its ticket leaves the table.
    """
    first, last = days_of(period, board.today())
    groups = board.attainment(period, filters, _GROUPING[by])
    return answered(
        request,
        AttainmentAnswer(
            period=period,
            first_day=date.fromordinal(first).isoformat(),
            last_day=date.fromordinal(last).isoformat(),
            total=_total(board, period, filters),
            by=by,
            groups={name: AttainedAnswer.of(each) for name, each in groups.items()},
            objectives={
                name: float(objective) for name, objective in board.book.objectives.items()
            },
        ),
    )


_GROUPING: Final[dict[str, Callable[[Verdict], str]]] = {
    "severity": lambda verdict: verdict.severity,
    "client": lambda verdict: verdict.client,
    "clock": lambda verdict: verdict.clock,
    "agreement": lambda verdict: verdict.agreement,
    "day": lambda verdict: date.fromordinal(verdict.day).isoformat(),
}


def _total(board: Board, period: Period, filters: Filters) -> AttainedAnswer:
    return AttainedAnswer.of(board.attainment(period, filters).get("", NOTHING_DECIDED))


def _counts(counts: Any) -> CountsAnswer:
    return CountsAnswer(open=counts["open"], breached=counts["breached"], waiting=counts["waiting"])
