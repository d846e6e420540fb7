"""An alert to be delivered: what routes and receivers need from its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from sla_domain.alert import RETRACTED_BY
from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_notifier.routes import Route, kinds_of, word_of
from sla_runtime.tracing import traceparent_in

#: The alerts that withdraw an earlier one.
RETRACTIONS: Final = frozenset(word_of(kind) for kind in RETRACTED_BY.values())
#: The destination of a dead-lettered record that is not an alert or could not be routed.
NOBODY: Final = "-"


class UnreadableError(Exception):
    """A record on an alert topic was not written by the tracker."""


class Origin(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """A record of an alert topic. ``value`` is what was read, ``record`` the decoded JSON."""

    record: Mapping[str, Any]
    value: bytes
    #: The trace it belongs to, if any.
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
        """The same for every delivery, so that a receiver can drop duplicates."""
        return str(self.record["id"])

    @property
    def word(self) -> str:
        """Its kind: ``warning``, ``breach_retracted`` and so on."""
        return word_of(self.record["type"])

    @property
    def data(self) -> Mapping[str, Any]:
        """Its content."""
        data: Mapping[str, Any] = self.record["data"]
        return data

    @property
    def ticket_id(self) -> str:
        """The ticket it is about."""
        return str(self.data["ticket_id"])

    @property
    def client(self) -> str:
        """The client of the ticket."""
        return str(self.data["client_id"])

    @property
    def severity(self) -> str | None:
        """The ticket's severity."""
        severity: str | None = self.data["severity"]
        return severity

    @property
    def late(self) -> int:
        """How many milliseconds after the instant it refers to the event that caused it arrived;
        0 for a deadline that fired on time, and for an alert without this figure.
        """
        late = self.data.get("late_ms", 0)
        if not isinstance(late, int) or late < 0:
            raise ValueError(f"late_ms is {late!r}")
        return late

    @property
    def retracts(self) -> str:
        """The id of the alert that a retraction withdraws."""
        return str(self.data["retracts"])

    @property
    def step(self) -> str | None:
        """What its step is called: the label of a warning, the name of an escalation; ``None`` for
        any other alert.
        """
        step: str | None = self.data.get("fraction", self.data.get("name"))
        return step

    def side(self, name: str) -> str:
        """Its value for the grouping key ``name``."""
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
        (None if alert.step is None else route.steps, alert.step),
    )
    if any(wanted is not None and value not in wanted for wanted, value in asked):
        return False
    # A retraction has the current severity; the alert may have been sent under another one, and at
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
    """Where an alert goes: its destinations, each with the first route that leads there, and the
    destinations skipped because the alert is too late for every route that leads there.
    """

    to: dict[str, Route]
    skipped: list[str]


def chosen(routes: list[Route], alert: ReceivedAlert, book: PolicyBook, late: int) -> Ways:
    """Where ``alert`` goes. ``late`` is its lateness in milliseconds; for a retraction, that of the
    retracted alert, since whoever did not get the alert does not get its retraction either.
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
            # A retraction goes everywhere its alert may have gone.
            if not route.go_on and alert.word not in RETRACTIONS:
                break
    return Ways(to, [name for name in dict.fromkeys(skipped) if name not in to])
