"""A ticket's record as the board reads it, and how it is listed and counted."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from sla_domain.instant import parse_instant, to_datetime
from sla_schemas.words import Kind, Outcome, TicketState

#: Open tickets, those of them that have breached or are waiting on the client, and closed ones.
Status = Literal["open", "breached", "waiting", "closed"]

#: Sorts after every instant: for open tickets with nothing due.
NEVER: Final = "9999"
_CLOSED: Final = ("resolved", "cancelled")


class ClockRow(msgspec.Struct, frozen=True):
    """A clock's figures as of the record (``sla_schemas.tables.ClockRecord``); instants as text."""

    clock: str
    cycle: int
    severity: str
    start: str | None
    due: str | None
    stopped: str | None
    outcome: Outcome
    limit: str
    used_ms: int | None
    paused_ms: int | None
    target_ms: int
    calendar: str
    agreement: str | None = None
    #: With whom the ticket lies, of a promise between teams.
    team: str | None = None
    without_exceptions: Outcome | None = None
    #: When the promise breaks, where nothing comes before; absent in records of older trackers.
    breaches_at: str | None = None

    @property
    def breaks(self) -> str | None:
        """When the SLA breaches or breached: at the due time or, if that is the end of the opening
        hours, when they next begin.
        """
        return self.breaches_at or self.due


class EarlierRow(msgspec.Struct, frozen=True):
    """Ended cycles that are summed up (``sla_schemas.tables.EarlierCyclesRecord``)."""

    clock: str
    severity: str
    outcome: Outcome
    date: date
    cycles: list[tuple[int, int]]
    agreement: str | None = None
    team: str | None = None
    without_exceptions: Outcome | None = None

    @property
    def count(self) -> int:
        """How many they are."""
        return sum(last - first + 1 for first, last in self.cycles)


class Row(msgspec.Struct, frozen=True):
    """A ticket (``sla_schemas.tables.TicketRecord``), without the tracker's memory.

    Instants stay text: they are all UTC with milliseconds, so they sort as they are.
    """

    ticket_id: str
    client_id: str
    kind: Kind
    severity: str | None
    state: TicketState
    policy: str
    as_of: str
    clocks: list[ClockRow]
    earlier_cycles: list[EarlierRow] = []
    communicated_at: str | None = None
    closed_at: str | None = None
    channel: str | None = None
    holder: str | None = None
    holder_since: str | None = None
    analyst_id: str | None = None
    team: str | None = None
    #: Absent under a policy without agreements.
    agreement: str | None = None

    @property
    def closed(self) -> bool:
        """Whether it was resolved or cancelled."""
        return self.state in _CLOSED

    @property
    def promised(self) -> list[ClockRow]:
        """What is promised to the client; the rest is between teams."""
        return [clock for clock in self.clocks if clock.team is None]

    @property
    def running(self) -> ClockRow | None:
        """The clock that breaches next."""
        running = [clock for clock in self.promised if clock.outcome == "running" and clock.due]
        return min(running, key=lambda clock: clock.breaks or NEVER) if running else None

    @property
    def breach(self) -> ClockRow | None:
        """The clock that breached last, if any did."""
        broken = [clock for clock in self.promised if clock.outcome == "breached" and clock.due]
        return max(broken, key=lambda clock: clock.breaks or "") if broken else None

    def places(self) -> dict[Status, str]:
        """The lists it appears in, and its sort key in each."""
        if self.closed:
            return {"closed": self.closed_at or self.as_of}
        if self.communicated_at is None:
            return {}
        running, breach = self.running, self.breach
        found: dict[Status, str] = {"open": NEVER if running is None else running.breaks or NEVER}
        if breach is not None:
            found["breached"] = breach.breaks or self.as_of
        if self.state == "waiting":
            found["waiting"] = self.holder_since or self.as_of
        return found


_ROW: Final = msgspec.json.Decoder(Row)


def read_row(value: bytes) -> Row:
    """The row in a record of the ticket table. Raises ``msgspec.DecodeError``."""
    return _ROW.decode(value)


@lru_cache(maxsize=100_000)
def _local_day(minute: str, zone: ZoneInfo) -> int:
    return to_datetime(parse_instant(f"{minute}:00Z")).astimezone(zone).toordinal()


def local_day(instant: str, zone: ZoneInfo) -> int:
    """The local date of an instant, as an ordinal."""
    return _local_day(instant[:16], zone)
