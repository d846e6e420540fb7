"""Hypothesis strategy for random histories of a few tickets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from sla_domain.instant import DAY, HOUR, MINUTE, format_instant, parse_instant
from support import event

#: A Thursday, 8:30 in Buenos Aires, so that the following week includes a weekend.
BEGIN = parse_instant("2026-11-19T11:30:00Z")
#: All events are within six days, since an early event is held for seven.
SPAN = 6 * DAY
#: All clocks have run out, and no ticket has left the table.
END = BEGIN + 30 * DAY

TICKETS = ("A", "B", "C")
SEVERITIES = ("blocker", "high", "medium", "low")
MOVES = (
    "assigned",
    "queued",
    "absorbed",
    "exception_granted",
    "exception_withdrawn",
    "replied",
    "milestone_reached",
    "waiting_on_client",
    "waiting",
    "client_responded",
    "resolved",
    "reopened",
    "severity_changed",
    "attributes_changed",
    "reclassified",
    "cancelled",
    "guard_contacted",
    "contact_logged",
    "feature_subscribed",
    "feature_approved",
)
#: Coarse times make events coincide with each other and with deadlines; fine ones find edge cases.
times = st.integers(0, SPAN // (30 * MINUTE)).map(lambda n: n * 30 * MINUTE) | st.integers(0, SPAN)


_SEVERITY = st.sampled_from(SEVERITIES)
#: What an event of a type says; those that are not here say nothing.
_GROUP = {"group": st.sampled_from(["level1", "level2"])}
_SAYS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "assigned": st.fixed_dictionaries({}, optional=_GROUP),
    "severity_changed": st.fixed_dictionaries({"severity": _SEVERITY}),
    "attributes_changed": st.fixed_dictionaries(
        {"plan": st.sampled_from(["standard", "integrations_24x7"])}
    ),
    "reclassified": st.fixed_dictionaries(
        {"kind": st.sampled_from(["incident", "feature_request"])},
        optional={"severity": _SEVERITY},
    ),
    "waiting_on_client": st.fixed_dictionaries(
        {"party": st.sampled_from(["client", "client_third_party"])}
    ),
    "waiting": st.fixed_dictionaries({"party": st.sampled_from(["client", "supplier"])}),
    "queued": st.fixed_dictionaries(_GROUP),
    "absorbed": st.fixed_dictionaries(
        {
            "ticket_id": st.just("T-9"),
            "communicated_at": times.map(lambda after: format_instant(BEGIN + after - SPAN)),
        }
    ),
    "exception_granted": st.fixed_dictionaries(
        {
            "exception_id": st.sampled_from(["x1", "x2"]),
            "reason": st.just("agreed"),
            "approved_by": st.just("max"),
        },
        optional={
            "clock": st.sampled_from(["resolution", "first_response"]),
            "from": times.map(lambda after: format_instant(BEGIN + after)),
            "until": times.map(lambda after: format_instant(BEGIN + after)),
        },
    ).filter(lambda said: "until" not in said or said.get("from", "") < said["until"]),
    "exception_withdrawn": st.fixed_dictionaries({"exception_id": st.sampled_from(["x1", "x2"])}),
    "replied": st.fixed_dictionaries({}, optional={"kind": st.sampled_from(["answer", "update"])}),
    "milestone_reached": st.just({"name": "workaround"}),
    "resolved": st.fixed_dictionaries(
        {}, optional={"origin": st.sampled_from(["vendor", "client", "third_party"])}
    ),
    "contact_logged": st.fixed_dictionaries(
        {
            "contact_id": st.sampled_from(["call-1", "call-2"]),
            "medium": st.sampled_from(["phone", "email"]),
        },
        optional={"record": st.just("mail/1")},
    ),
    "feature_subscribed": st.fixed_dictionaries({"subscriber_id": st.sampled_from(["lu", "max"])}),
}


def said(type_: str) -> st.SearchStrategy[dict[str, Any]]:
    """The data of an event of this type."""
    return _SAYS.get(type_, st.just({}))


@st.composite
def moves(draw: st.DrawFn, ticket: str) -> dict[str, Any]:
    type_ = draw(st.sampled_from(MOVES))
    at = format_instant(BEGIN + draw(times))
    data = dict(draw(said(type_)))
    if draw(st.booleans()):
        data["sequence"] = str(draw(st.integers(0, 3)))
    return event(type_, at, ticket, **data)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events of up to three tickets, each with a ``created``, in the order they occurred."""
    events = []
    for ticket in TICKETS[: draw(st.integers(1, 3))]:
        start = BEGIN + draw(times)
        communicated = start - draw(st.sampled_from([0, 10 * MINUTE, 5 * HOUR]))
        kind = draw(st.sampled_from(["incident", "incident", "question", "feature_request"]))
        severity = {"severity": draw(st.sampled_from(SEVERITIES))}
        if kind == "feature_request" and draw(st.booleans()):
            severity = {}
        covered = draw(st.booleans())
        events.append(
            event(
                "created",
                format_instant(start),
                ticket,
                kind=kind,
                communicated_at=format_instant(communicated),
                plan="integrations_24x7" if covered else "standard",
                integration={"built_by": draw(st.sampled_from(["aivo", "selfservice"]))},
                affects=draw(st.sampled_from([["agentbot"], ["myaivo"]])),
                **severity,
            )
        )
        events += draw(st.lists(moves(ticket), max_size=7))
    return sorted(events, key=lambda item: item["time"])


#: What moves the clocks of a ticket; what is here twice is drawn more often.
STORY = (
    "assigned", "queued", "queued", "replied", "replied", "waiting", "waiting_on_client",
    "client_responded", "client_responded", "resolved", "resolved", "reopened", "reopened",
    "severity_changed", "severity_changed", "milestone_reached", "guard_contacted", "absorbed",
    "attributes_changed", "reclassified", "exception_granted", "exception_withdrawn", "cancelled",
)  # fmt: skip
#: How long it is until the next event.
_LATER = (1, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 5 * HOUR, DAY)


@st.composite
def stories(
    draw: st.DrawFn, types: Sequence[str] = STORY, *, one_by_one: bool = False
) -> list[dict[str, Any]]:
    """Up to twelve events of one ticket, of these types and in the order of time, close enough to
    each other for a clock to be moved by several; with ``one_by_one`` no two at the same instant.
    """
    at = BEGIN
    said_first = {
        "severity": draw(_SEVERITY),
        "plan": draw(st.sampled_from(["standard", "integrations_24x7"])),
        "integration": {"built_by": "aivo"},
    }
    story = [event("created", format_instant(at), "A", **said_first)]
    for type_ in draw(st.lists(st.sampled_from(types), min_size=5, max_size=12)):
        at += draw(st.sampled_from(_LATER if one_by_one else (0, *_LATER)))
        story.append(event(type_, format_instant(at), "A", **draw(said(type_))))
    return story
