"""The events: tickets over a year and a half, including duplicates, late and invalid events."""

from __future__ import annotations

import random
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from sla_domain.instant import DAY, HOUR, MINUTE, format_instant, parse_instant
from sla_engine.wire.tables import write_json
from sla_lab.recording import Line, as_line

BEGIN: Final = parse_instant("2025-01-06T12:00:00Z")
SPAN: Final = 540 * DAY
#: When the last event of all occurs.
END: Final = BEGIN + SPAN + DAY
#: Shares of all events that come twice, late, and that are no use.
TWICE, LATE, INVALID = 0.10, 0.05, 0.01
#: How many events later a copy or a late one comes, at most.
LATER: Final = 2_000
_EVENTS_A_TICKET: Final = 8

_AGREED: Final = {"reason": "agreed", "approved_by": "max"}
_MOVES: Final = (
    ("assigned", {"analyst_id": "ana"}),
    ("waiting_on_client", {"party": "client"}),
    ("client_responded", {}),
    ("waiting_on_client", {"party": "client_third_party"}),
    ("client_responded", {}),
    ("severity_changed", {"severity": "high"}),
    ("severity_changed", {"severity": "low"}),
    ("contact_logged", {"contact_id": "call", "medium": "phone"}),
    ("resolved", {"origin": "vendor"}),
    ("reopened", {}),
    ("reclassified", {"kind": "incident"}),
    ("assigned", {"analyst_id": "leo", "group": "second"}),
    ("queued", {"group": "level1"}),
    ("replied", {}),
    ("replied", {"kind": "update"}),
    ("waiting", {"party": "supplier"}),
    ("attributes_changed", {"attributes": {"region": "emea"}}),
    ("absorbed", {"ticket_id": "T-other", "communicated_at": format_instant(BEGIN)}),
    ("exception_granted", {"exception_id": "x", "clock": "resolution", **_AGREED}),
    ("exception_granted", {"exception_id": "y", "until": format_instant(BEGIN + SPAN), **_AGREED}),
    ("exception_withdrawn", {"exception_id": "x"}),
)
_LAST: Final = (("resolved", {}), ("resolved", {"origin": "client"}), ("cancelled", {}))


def story(seed: int, events: int) -> Iterator[Line]:
    """About ``events`` lines, in the order in which they are published."""
    draw = random.Random(seed)  # noqa: S311  no secret: a story that repeats
    number = count()
    later: list[tuple[int, int, Line]] = []
    originals = round(events / (1 + TWICE + INVALID))
    for place, (at, value) in enumerate(_told(draw, originals)):
        while later and later[0][0] <= place:
            yield heappop(later)[2]
        line = as_line(value)
        luck = draw.random()
        if luck < TWICE:
            heappush(later, (place + draw.randrange(1, LATER), next(number), line))
        if 1 - luck < LATE:
            heappush(later, (place + draw.randrange(1, LATER), next(number), line))
        else:
            yield line
        if draw.random() < INVALID:
            yield as_line(_no_use(draw, at))
    while later:
        yield heappop(later)[2]
    yield as_line(_event("the-end", "created", END, {"client_id": "c", "severity": "low"}, 0))


def _told(draw: random.Random, events: int) -> Iterator[tuple[int, bytes]]:
    """Events as they occur."""
    tickets = max(events // _EVENTS_A_TICKET, 1)
    begins = sorted(draw.randrange(SPAN - 30 * DAY) for _ in range(tickets))
    open_: list[tuple[int, int, str, int]] = []
    told = 0
    for number, begin in enumerate(begins):
        while open_ and open_[0][0] <= begin and told < events:
            yield _next(draw, open_)
            told += 1
        heappush(open_, (begin, number, f"T{number}", 0))
    while open_ and told < events:
        yield _next(draw, open_)
        told += 1


def _next(draw: random.Random, open_: list[tuple[int, int, str, int]]) -> tuple[int, bytes]:
    at, number, ticket, step = heappop(open_)
    ends = step > 0 and (step > 3 * _EVENTS_A_TICKET or draw.random() < 1 / _EVENTS_A_TICKET)
    data: dict[str, Any]
    if step == 0:
        type_ = "created"
        severity = draw.choice(("blocker", "high", "medium", "medium", "low"))
        data = {"client_id": f"client-{number % 97}", "severity": severity, "requester_id": "lu"}
    elif ends:
        type_, data = draw.choice(_LAST)
    else:
        type_, data = draw.choice(_MOVES)
    if not ends:
        pause = round(draw.choice((5 * MINUTE, HOUR, 6 * HOUR, 2 * DAY)) * draw.uniform(0.1, 2))
        heappush(open_, (at + pause, number, ticket, step + 1))
    return at, _event(ticket, type_, BEGIN + at, data, step)


def _event(ticket: str, type_: str, at: int, data: dict[str, Any], step: int) -> bytes:
    return write_json(
        {
            "specversion": "1.0",
            "id": f"{ticket}-{step}",
            "source": "/helpdesk",
            "type": f"ticket.{type_}",
            "subject": ticket,
            "time": format_instant(at),
            "data": data,
        }
    )


def _no_use(draw: random.Random, at: int) -> bytes:
    ticket = f"T{draw.randrange(1_000)}"
    return draw.choice(
        (
            b"{this is no JSON",
            _event(ticket, "teleported", BEGIN + at, {}, 0),
            _event(ticket, "assigned", BEGIN + at, {"analyst_id": ["x"]}, 0),
            _event(ticket, "assigned", BEGIN + at, {}, 0).replace(b"Z", b""),
        )
    )
