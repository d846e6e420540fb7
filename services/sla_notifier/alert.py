"""An alert on its way: what the routes and the receivers need of its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_notifier.routes import Route, kinds_of, word_of
from sla_runtime.tracing import traceparent_in

#: What says that a promise no longer needs anybody's attention.
RETRACTIONS: Final = frozenset({"warning_retracted", "breach_retracted"})
#: The destination of a dead-lettered record that is no alert, or that no route was found for.
NOBODY: Final = "-"


class UnreadableError(Exception):
    """A record on an alert topic is none of the tracker's."""


class Origin(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """A record of an alert topic. ``value`` is what was read, ``record`` the same as JSON."""

    record: Mapping[str, Any]
    value: bytes
    #: The trace it belongs to, where it was told one.
    traceparent: str | None = None
    origin: Origin | None = None

    @classmethod
    def read(
        cls,
        value: bytes | None,
        headers: Mapping[str, Any] | None = None,
        origin: Origin | None = None,
    ) -> ReceivedAlert:
        """Raises ``UnreadableError``."""
        try:
            record = msgspec.json.decode(value or b"")
            alert = cls(record, value or b"", traceparent_in(headers or {}), origin)
            parse_instant(record["time"])
            _ = alert.id, alert.ticket_id, alert.client, alert.word, alert.severity, alert.late
            _ = alert.word not in RETRACTIONS or alert.retracts
        except (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableError(f"not an alert: {error!r}") from error
        return alert

    @property
    def id(self) -> str:
        """The same however often it is delivered, so that a receiver can drop repeats."""
        return str(self.record["id"])

    @property
    def word(self) -> str:
        """What it is: ``warning``, ``breach_retracted`` and so on."""
        return word_of(self.record["type"])

    @property
    def data(self) -> Mapping[str, Any]:
        """What it says."""
        data: Mapping[str, Any] = self.record["data"]
        return data

    @property
    def ticket_id(self) -> str:
        """Whose promise it is about."""
        return str(self.data["ticket_id"])

    @property
    def client(self) -> str:
        """Whom it was promised to."""
        return str(self.data["client_id"])

    @property
    def severity(self) -> str | None:
        """The ticket's severity."""
        severity: str | None = self.data["severity"]
        return severity

    @property
    def late(self) -> int:
        """By how many milliseconds the event that made it owed came after the instant it speaks of;
        0 for a deadline that fired in its time, and where it does not say.
        """
        late = self.data.get("late_ms", 0)
        if not isinstance(late, int) or late < 0:
            raise ValueError(f"late_ms is {late!r}")
        return late

    @property
    def retracts(self) -> str:
        """The id of the alert that a retraction takes back."""
        return str(self.data["retracts"])

    def side(self, name: str) -> str:
        """What it is grouped by."""
        sides = {
            "client": self.client,
            "severity": self.severity or "",
            "clock": self.data.get("clock", ""),
            "kind": self.word,
        }
        return str(sides[name])


def takes(route: Route, alert: ReceivedAlert, book: PolicyBook) -> bool:
    """Whether ``route`` takes ``alert``."""
    if alert.word not in kinds_of(route):
        return False
    asked = (
        (route.clocks, alert.data.get("clock")),
        (route.clients, alert.client),
    )
    if any(wanted is not None and value not in wanted for wanted, value in asked):
        return False
    # A retraction tells the severity of now; the alert may have gone out under another, and at
    # another hour.
    if alert.word in RETRACTIONS:
        return True
    if route.severities is not None and alert.severity not in route.severities:
        return False
    at = parse_instant(alert.record["time"])
    calendars = book.cited(alert.data["policy"]).calendars
    if route.within is not None and not calendars[route.within].is_open(at):
        return False
    return route.outside is None or not calendars[route.outside].is_open(at)


class Ways(NamedTuple):
    """Where an alert goes: its destinations, each with the first route that leads there, and those
    that are left alone since it is too late for every route that leads there.
    """

    to: dict[str, Route]
    skipped: list[str]


def chosen(routes: list[Route], alert: ReceivedAlert, book: PolicyBook, late: int) -> Ways:
    """The ways of ``alert``. ``late`` is its own lateness in milliseconds; of a retraction, that of
    the alert it takes back, since who was not told of the one is not told of the other.
    """
    to: dict[str, Route] = {}
    skipped: list[str] = []
    for route in routes:
        if takes(route, alert, book):
            for name in route.to:
                if late > route.max_late * 1000:
                    skipped.append(name)
                else:
                    to.setdefault(name, route)
            # A retraction follows every way its alert may have gone.
            if not route.go_on and alert.word not in RETRACTIONS:
                break
    return Ways(to, [name for name in dict.fromkeys(skipped) if name not in to])
