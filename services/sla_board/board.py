"""Answers the board's questions from the table: the code that pages and API share."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import msgspec
from aiokafka.errors import KafkaError

from sla_board.access import Viewer
from sla_board.ranking import Dimension, Filters, Place
from sla_board.reader import Reader, Standing
from sla_board.row import ClockRow, Row, Status
from sla_board.table import Attained, BoardTable, Page, Period, Verdict, days_of
from sla_config.errors import UserFacingError
from sla_domain.instant import parse_instant, to_datetime
from sla_domain.policy import Policy, PolicyBook
from sla_domain.ticket import Ticket
from sla_engine.memory import read_stored, restored_ticket
from sla_text.explanation import explain

#: The facts by which an explanation names the staff of a ticket.
_STAFF_FACTS: Final = ("analyst_id", "approved_by", "group")


class CursorError(ValueError):
    """The cursor did not come from one of our pages."""


class UnavailableError(Exception):
    """The record exists but can't be read right now; the message says why."""


@dataclass(frozen=True, slots=True)
class Countdown:
    """The time left on an SLA: milliseconds on its calendar, negative once overdue, and whether
    that time is running now.
    """

    remaining_ms: int
    runs: bool


class Board:
    """The table, the clock and the policy."""

    def __init__(self, table: BoardTable, reader: Reader, book: PolicyBook) -> None:
        self.table = table
        self.reader = reader
        self.book = book
        self.zone = table.zone

    def now(self) -> int:
        """The instant the figures refer to."""
        return self.reader.now()

    def today(self) -> date:
        """The date in the policy's zone."""
        return to_datetime(self.now()).astimezone(self.zone).date()

    def standing(self) -> Standing:
        """How reliable the figures are."""
        return self.reader.standing()

    def policy_of(self, row: Row) -> Policy:
        """The policy a ticket is pinned to, or the latest if the book lacks it."""
        return self.book.cited(row.policy)

    def countdown(self, row: Row, clock: ClockRow, now: int) -> Countdown | None:
        """The time left on ``clock``; ``None`` if it is not running or its calendar is unknown."""
        calendar = self.policy_of(row).calendars.get(clock.calendar)
        if calendar is None or clock.due is None or clock.stopped is not None:
            return None
        due = parse_instant(clock.due)
        left = calendar.position(due) - calendar.position(now)
        return Countdown(left, calendar.is_open(now))

    def page(
        self,
        status: Status,
        filters: Filters,
        limit: int,
        cursor: str | None = None,
        *,
        backwards: bool | None = None,
        until: Callable[[Place], bool] | None = None,
    ) -> Page:
        """A page of tickets. Raises ``CursorError``."""
        after = None if cursor is None else read_cursor(cursor)
        return self.table.page(status, filters, limit, after, backwards=backwards, until=until)

    def attainment(
        self,
        period: Period,
        filters: Filters,
        by: Callable[[Verdict], str] = lambda _: "",
    ) -> dict[str, Attained]:
        """SLAs met and breached in the current period."""
        return self.table.attainment(*days_of(period, self.today()), filters, by)

    async def ticket(self, row: Row) -> Ticket:
        """The whole ticket of a row, from the tracker's memory. Raises ``UnavailableError``."""
        for _ in range(3):
            origin = self.table.origin(row.ticket_id)
            if origin is None:
                break
            try:
                value = await self.reader.record(origin)
            except (KafkaError, OSError, TimeoutError) as error:
                raise UnavailableError(
                    f"the broker does not respond ({type(error).__name__})"
                ) from error
            if value is not None:
                try:
                    return restored_ticket(row.ticket_id, read_stored(value), self.book)
                except UserFacingError as error:
                    raise UnavailableError(str(error)) from error
            # A newer record took its place; the table will have it shortly.
            await asyncio.sleep(0.2)
        raise UnavailableError(
            f"the record of ticket {row.ticket_id!r} is being replaced; try again"
        )

    async def ledger(self, row: Row, viewer: Viewer) -> dict[str, Any]:
        """The explanation of a ticket, as in ``sla explain --json``. Raises
        ``UnavailableError``.
        """
        ticket = await self.ticket(row)
        document = explain(ticket, max(self.now(), parse_instant(row.as_of)))
        return document if viewer.sees_staff else _for_client(document, ticket.policy)


def _for_client(document: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """An explanation without the names of staff and what teams promise each other."""
    for event in document["events"]:
        for name in _STAFF_FACTS:
            event["facts"].pop(name, None)
    between_teams = {rule.name for rule in policy.clocks if rule.team}
    for part in ("clocks", "earlier_cycles", "alerts"):
        document[part] = [each for each in document[part] if each["clock"] not in between_teams]
    return document


def restricted(filters: Filters, viewer: Viewer) -> dict[Dimension, str]:
    """The filters plus those the viewer is limited to; a client can't filter by staff."""
    found = dict(filters)
    if viewer.client is not None:
        found.pop("team", None)
        found["client"] = viewer.client
    return found


def may_see(row: Row | None, viewer: Viewer) -> bool:
    """Whether the viewer may know that the ticket exists."""
    return row is not None and viewer.client in (None, row.client_id)


def write_cursor(place: Place) -> str:
    """Where a page ended, so that the next one can continue from there."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str) -> Place:
    """The place encoded in ``text``. Raises ``CursorError``."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return Place(*msgspec.json.decode(raw, type=tuple[str, str]))
    except (Base64Error, msgspec.DecodeError, ValueError) as error:
        raise CursorError("invalid cursor; start again without one") from error
