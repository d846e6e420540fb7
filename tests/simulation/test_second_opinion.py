"""The rules, compared with a second, naive implementation: clock by clock, to the minute."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from support import default_book, lines_of, shared_file
from support.imports import imported
from support.naive import EPOCH, World, figures_of, minute_of
from support.naive import Ticket as NaiveTicket

from sla_import.servicenow import ServiceNow
from sla_lab.simulation import Recording, simulate_under

SEED = 20_261_124
TICKETS = 10_000
DAY = 24 * 60


def compare(events: Iterable[dict[str, Any]], until: int | None, world: World) -> int:
    """Run ``events`` both ways; the number of clocks that were compared."""
    by_ticket = defaultdict(list)
    listed = list(events)
    for event in listed:
        by_ticket[event["subject"]].append(event)
    recording = Recording.of(lines_of(listed), 12, until)
    (outputs,) = simulate_under([default_book()], recording)
    assert outputs.dead_letters == []
    compared = 0
    for line in outputs.tickets:
        record = json.loads(line)
        naive = NaiveTicket(by_ticket[record["ticket_id"]], world)
        expected = naive.figures(minute_of(record["as_of"]))
        found = figures_of(record)
        assert found == expected, f"{record['ticket_id']}: {by_ticket[record['ticket_id']]}"
        compared += len(found)
    return compared


def test_it_agrees_on_the_whole_log() -> None:
    path = shared_file("data/uci-incident-event-log.csv.gz")
    events = imported(path, ServiceNow(ZoneInfo("UTC"))).events
    assert compare(events, None, World(days=600)) > 49_000


MOVES = (
    "assigned",
    "assigned",
    "waiting_on_client",
    "waiting_on_client",
    "client_responded",
    "resolved",
    "reopened",
    "severity_changed",
    "guard_contacted",
    "guard_contacted",
    "reclassified",
    "cancelled",
    "feature_approved",
    # Under the default policy these change nothing.
    "absorbed",
    "exception_granted",
    "exception_withdrawn",
)


SEVERITIES = ("blocker", "high", "high", "medium", "low")
#: What a move says, drawn by name.
SAYS: dict[str, Any] = {
    "assigned": lambda _: {"analyst_id": "ana"},
    "severity_changed": lambda draw: {"severity": draw.choice(SEVERITIES)},
    "reclassified": lambda draw: {
        "kind": draw.choice(("incident", "feature_request")),
        **({"severity": draw.choice(SEVERITIES)} if draw.random() < 0.5 else {}),
    },
    "waiting_on_client": lambda draw: {"party": draw.choice(("client", "client_third_party"))},
    "absorbed": lambda draw: {
        "ticket_id": "T0",
        "communicated_at": (EPOCH + timedelta(minutes=draw.randrange(7 * DAY))).isoformat(),
    },
    "exception_granted": lambda _: {
        "exception_id": "x1",
        "reason": "agreed with the client",
        "approved_by": "lead",
    },
    "exception_withdrawn": lambda _: {"exception_id": "x1"},
    "cancelled": lambda draw: draw.choice(
        ({}, {"reason": "spam"}, {"reason": "deleted"}, {"reason": "merged"})
    ),
}


class Drawn:
    """Events of ``TICKETS`` tickets on whole minutes; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311  no secret: a seed that repeats
        self._events: list[tuple[int, dict[str, Any]]] = []
        for number in range(TICKETS):
            self._ticket(f"T{number}")

    def events(self) -> list[dict[str, Any]]:
        """All of them, in the order they occurred."""
        return [event for _, event in sorted(self._events, key=lambda item: item[0])]

    def _ticket(self, ticket: str) -> None:
        draw = self._draw
        begin = draw.randrange(7 * DAY, 60 * DAY)
        self._add(ticket, "created", begin, self._communication(begin))
        if draw.random() < 0.05:
            again = begin + draw.randrange(DAY)
            self._add(ticket, "created", again, self._communication(again))
        for _ in range(draw.randrange(9)):
            at = begin + draw.randrange(-120, 6 * DAY)
            if draw.random() < 0.5:
                at -= at % 30  # so that some meet in one minute, and on openings
            type_ = draw.choice(MOVES)
            self._add(ticket, type_, at, SAYS.get(type_, lambda _: {})(draw))

    def _communication(self, begin: int) -> dict[str, Any]:
        draw = self._draw
        kind = draw.choice(("incident", "incident", "incident", "question", "feature_request"))
        data: dict[str, Any] = {
            "client_id": "acme",
            "kind": kind,
            "plan": draw.choice(("standard", "integrations_24x7", "integrations_24x7")),
            "integration": {"built_by": draw.choice(("aivo", "aivo", "selfservice"))},
        }
        if draw.random() < 0.1:
            pass  # its severity is told later, or never
        elif draw.random() < 0.8:
            data["severity"] = draw.choice(SEVERITIES)
        elif kind != "feature_request":
            data["impact"] = draw.choice(("total_outage", "partial_outage", "question"))
            data["scope"] = draw.choice(("all_clients", "several_clients", "one_client"))
        if draw.random() < 0.5:
            told = EPOCH + timedelta(minutes=begin - draw.randrange(DAY))
            data["communicated_at"] = told.isoformat()
        return data

    def _add(self, ticket: str, type_: str, at: int, data: dict[str, Any]) -> None:
        event = {
            "specversion": "1.0",
            "id": f"{len(self._events):08}",
            "source": self._draw.choice(("/helpdesk", "/guard")),
            "type": f"ticket.{type_}",
            "subject": ticket,
            "time": (EPOCH + timedelta(minutes=at)).isoformat(),
            "data": data,
        }
        if self._draw.random() < 0.3:
            event["sequence"] = str(self._draw.randrange(4))
        self._events.append((at, event))


def test_it_agrees_on_ten_thousand_drawn_tickets() -> None:
    until = int(EPOCH.timestamp() * 1000) + 80 * DAY * 60_000
    assert compare(Drawn(SEED).events(), until, World(days=200)) > 15_000
