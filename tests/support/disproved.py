"""Checks that no alert was sent that a record appended within the grace disproves (decision 23).

Uses the log only: after each record, it determines what is true of the ticket; an alert's claim
must have been true for the whole grace. It does not check how the tracker waits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sla_domain.clock import Clock
from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_domain.status import Status
from sla_domain.steps import BREACH
from sla_domain.ticket import Ticket
from sla_engine.admission import admit
from sla_engine.wire.events import Received
from sla_engine.wire.records import Record

#: A claim about a ticket: a ladder step or a notice, with its instant; or, in ``reached``, a step
#: reached.
Claim = tuple[Any, ...]


class Moment(NamedTuple):
    """What is true from the append of a record until the next one."""

    appended: int
    claims: set[Claim]
    reached: set[Claim]


def disproved(
    records: Iterable[Record], alerts: Iterable[dict[str, Any]], book: PolicyBook, grace: int
) -> Iterator[str]:
    """The ``alerts`` whose claim was not true for ``grace`` milliseconds, from its instant or from
    the append of a record that made it true.
    """
    moments = _moments(records, book)
    told = {alert["id"]: alert for alert in alerts}
    for alert in told.values():
        of_ticket = moments[alert["data"]["ticket_id"]]
        if not _was_so(alert, told, of_ticket, grace):
            yield f"{alert['type']} of {alert['data']['ticket_id']} at {alert['time']}: {alert}"


def _moments(records: Iterable[Record], book: PolicyBook) -> dict[str, list[Moment]]:
    tickets: dict[str, Ticket] = {}
    moments: dict[str, list[Moment]] = defaultdict(list)
    for record in records:
        received = admit(record, book, replay=False)
        if isinstance(received, Received) and record.key == received.ticket_id.encode():
            ticket = tickets.setdefault(received.ticket_id, Ticket(received.ticket_id, book))
            ticket.add(received.event)
            claims = set(_claims(ticket))
            reached = set(_reached(ticket, record.timestamp))
            moments[ticket.id].append(Moment(record.timestamp, claims, reached))
    return moments


def _claims(ticket: Ticket) -> Iterator[Claim]:
    for clock in ticket.clocks:
        over = clock.stopped is not None or ticket.status is Status.CANCELLED
        for what in [step.what for step in clock.primary.target.ladder]:
            at = _at(clock, what)
            in_time = not over if what != BREACH else _breaks(clock, at)
            if at is not None and in_time and not clock.waived:
                yield clock.rule.name, clock.cycle, what, at
    for item in ticket.obligations.announcements:
        yield item.kind.value, item.about, item.at


def _at(clock: Clock, what: str) -> int | None:
    """When the first of a clock's limits reaches a step, if it does before it ends."""
    found = [
        at
        for limit in clock.limits
        for step in limit.target.ladder
        if step.what == what and (at := limit.reaches(step.amount)) is not None
        if not limit.ended or (limit.stopped is not None and at <= limit.stopped)
    ]
    return min(found, default=None)


def _breaks(clock: Clock, at: int | None) -> bool:
    return at is not None and (clock.stopped is None or at <= clock.stopped)


def _reached(ticket: Ticket, horizon: int) -> Iterator[Claim]:
    """The steps that are reached at ``horizon``."""
    for clock in ticket.clocks:
        for limit in clock.limits:
            for step in limit.target.ladder:
                if not clock.waived and step.amount <= limit.used(horizon):
                    yield clock.rule.name, clock.cycle, step.what


def _was_so(
    alert: dict[str, Any], told: dict[str, dict[str, Any]], moments: list[Moment], grace: int
) -> bool:
    data, at = alert["data"], parse_instant(alert["time"])
    if "retracts" in data:
        step = _step(told[data["retracts"]])
        so = [step not in moment.reached for moment in moments]
        at = 0
    elif alert["type"] == "feature.approved":
        so = [("feature_approved", data["subscriber_id"], at) in m.claims for m in moments]
    elif alert["type"] == "sla.notice":
        so = [(data["kind"], data["contact"] or "", at) in m.claims for m in moments]
    else:
        so = [(*_step(alert), at) in moment.claims for moment in moments]
    begin: int | None = None
    for moment, holds in zip(moments, so, strict=True):
        if begin is None and holds:
            begin = max(at, moment.appended)
        elif begin is not None and not holds:
            if moment.appended - begin > grace:
                return True
            begin = None
    return begin is not None


def _step(alert: dict[str, Any]) -> Claim:
    data = alert["data"]
    escalation = f"{data['name']}#{data['number']}" if "number" in data else None
    step = escalation or data.get("fraction", BREACH)
    return data["clock"], data["cycle"], step
