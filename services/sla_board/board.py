"""What is asked of the board, answered from the table: the one place that pages and API share."""

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

#: What an explanation of a ticket names those who work on it by.
_STAFF_FACTS: Final = ("analyst_id", "group")


class CursorError(ValueError):
    """A cursor that no page of ours ended with."""


class UnavailableError(Exception):
    """The record is there but can't be read now; the message says why."""


@dataclass(frozen=True, slots=True)
class Countdown:
    """What is left of a promise: milliseconds on its calendar, negative when over; whether that
    time runs now.
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
        """The instant that figures are of."""
        return self.reader.now()

    def today(self) -> date:
        """The date in the policy's zone."""
        return to_datetime(self.now()).astimezone(self.zone).date()

    def standing(self) -> Standing:
        """How far the figures can be relied on."""
        return self.reader.standing()

    def policy_of(self, row: Row) -> Policy:
        """The policy a ticket is pinned to, the latest where the book lacks it."""
        return self.book.cited(row.policy)

    def countdown(self, row: Row, clock: ClockRow, now: int) -> Countdown | None:
        """What is left of ``clock``; ``None`` where nothing runs or its calendar is unknown."""
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
        """Promises kept and broken in the current period."""
        return self.table.attainment(*days_of(period, self.today()), filters, by)

    async def ticket(self, row: Row) -> Ticket:
        """The whole ticket of a row, as the tracker remembers it. Raises ``UnavailableError``."""
        for _ in range(3):
            origin = self.table.origin(row.ticket_id)
            if origin is None:
                break
            try:
                value = await self.reader.record(origin)
            except (KafkaError, OSError, TimeoutError) as error:
                raise UnavailableError(
                    f"the broker does not answer ({type(error).__name__})"
                ) from error
            if value is not None:
                try:
                    return restored_ticket(row.ticket_id, read_stored(value), self.book)
                except UserFacingError as error:
                    raise UnavailableError(str(error)) from error
            # A newer record took its place; the table is about to have it.
            await asyncio.sleep(0.2)
        raise UnavailableError(f"the record of ticket {row.ticket_id!r} is being replaced")

    async def ledger(self, row: Row, viewer: Viewer) -> dict[str, Any]:
        """The explanation of a ticket, as ``sla explain --json`` has it. Raises
        ``UnavailableError``.
        """
        document = explain(await self.ticket(row), max(self.now(), parse_instant(row.as_of)))
        if not viewer.sees_staff:
            for event in document["events"]:
                for name in _STAFF_FACTS:
                    event["facts"].pop(name, None)
        return document


def restricted(filters: Filters, viewer: Viewer) -> dict[Dimension, str]:
    """The filters with those that the viewer can't be without; staff is no matter of a client's."""
    found = dict(filters)
    if viewer.client is not None:
        found.pop("team", None)
        found["client"] = viewer.client
    return found


def may_see(row: Row | None, viewer: Viewer) -> bool:
    """Whether the viewer may know of the ticket at all."""
    return row is not None and viewer.client in (None, row.client_id)


def write_cursor(place: Place) -> str:
    """Where a page ended, for the next one to begin behind it."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str) -> Place:
    """The place that ``text`` tells. Raises ``CursorError``."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return Place(*msgspec.json.decode(raw, type=tuple[str, str]))
    except (Base64Error, msgspec.DecodeError, ValueError) as error:
        raise CursorError("cursor is none that a page ended with; begin without one") from error
