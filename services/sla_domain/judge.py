"""Which alerts a ticket owes, given that the world is known up to some instant.

``horizon`` is the last instant known: alerts are sent for instants up to it and for none beyond.
A ticket is judged when an event is applied to it and at each of its own deadlines, so what it
says does not depend on how far the horizon moves at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from sla_domain.alert import Alert, AlertKind, ClockShown, PauseShown, Sent, alert_id, reason_of
from sla_domain.clock import Clock
from sla_domain.event import Event
from sla_domain.policy import BREACH
from sla_domain.ticket import Ticket


def judge(ticket: Ticket, horizon: int, cause: Event | None) -> list[Alert]:
    """The alerts ``ticket`` owes at ``horizon``, entered in its ledger as sent.

    ``cause`` is the event just applied, ``None`` at a deadline. Afterwards each clock knows the
    instant at which it must be judged again.
    """
    alerts: list[Alert] = []
    if ticket.sent and cause is not None:
        alerts += _retractions(ticket, horizon, cause)
    if ticket.void:
        return alerts
    for clock in ticket.clocks:
        if clock.changed or (clock.next_step is not None and clock.next_step <= horizon):
            alert = _climb(ticket, clock, horizon)
            if alert is not None:
                alerts.append(alert)
    return alerts


def next_deadline(ticket: Ticket) -> int | None:
    """The instant at which ``ticket`` must be judged again; it must have been judged before."""
    if ticket.void:
        return None
    earliest = None
    for clock in ticket.clocks:
        at = clock.next_step
        if at is not None and (earliest is None or at < earliest):
            earliest = at
    return earliest


def _climb(ticket: Ticket, clock: Clock, horizon: int) -> Alert | None:
    """Take ``clock`` up its ladder as far as ``horizon`` allows; what is due at the top."""
    ladder = clock.target.ladder
    used = clock.used(horizon)
    reached = 0
    while reached < len(ladder) and ladder[reached].amount <= used:
        reached += 1
    clock.changed = False
    clock.next_step = _next_step(clock, reached, horizon)
    if reached == 0:
        return None
    amount, what = ladder[reached - 1]
    if what == BREACH:
        if _stands(ticket, clock, (BREACH,)):
            return None
        return _send(ticket, clock, AlertKind.BREACH, BREACH, amount)
    # A stopped clock is warned about no more, and only the highest fraction passed is told.
    higher = tuple(step.what for step in ladder[reached - 1 : -1])
    if clock.stopped is not None or _stands(ticket, clock, higher):
        return None
    return _send(ticket, clock, AlertKind.WARNING, what, amount)


def _next_step(clock: Clock, reached: int, horizon: int) -> int | None:
    ladder = clock.target.ladder
    if reached == len(ladder):
        return None
    if clock.stopped is None:
        return clock.reaches(ladder[reached].amount)
    # Stopped too late, but the horizon has not got there yet.
    return clock.breaks if clock.stopped > horizon else None


def _sent(ticket: Ticket, clock: Clock, what: str) -> Iterator[Sent]:
    name, cycle = clock.key
    for sent in ticket.sent:
        if sent.what == what and sent.cycle == cycle and sent.clock == name:
            yield sent


def _stands(ticket: Ticket, clock: Clock, whats: tuple[str, ...]) -> bool:
    name, cycle = clock.key
    for sent in ticket.sent:
        if (
            sent.retracted is None
            and sent.what in whats
            and sent.cycle == cycle
            and sent.clock == name
        ):
            return True
    return False


def _send(ticket: Ticket, clock: Clock, kind: AlertKind, what: str, amount: int) -> Alert:
    at = clock.reaches(amount)
    assert at is not None, "what is used has been reached"
    occurrence = 1 + sum(1 for _ in _sent(ticket, clock, what))
    sent = Sent(clock.rule.name, clock.cycle, what, occurrence, at)
    ticket.sent.append(sent)
    shown = show(clock, at)
    return Alert(
        kind=kind,
        id=alert_id(ticket.id, kind, sent),
        at=at,
        ticket_id=ticket.id,
        client_id=ticket.client_id,
        severity=clock.severity,
        policy=ticket.policy.ref,
        clock=sent.clock,
        cycle=sent.cycle,
        what=what,
        occurrence=occurrence,
        caused_by=shown.follows[-1],
        shown=shown,
    )


def _retractions(ticket: Ticket, horizon: int, cause: Event) -> Iterator[Alert]:
    unchanged = {clock.key for clock in ticket.clocks if not clock.changed}
    if len(unchanged) == len(ticket.clocks) and ticket.clocks and not ticket.void:
        return
    for index, sent in enumerate(ticket.sent):
        if sent.retracted is not None or (
            (sent.clock, sent.cycle) in unchanged and not ticket.void
        ):
            continue
        if not _holds(ticket, sent, horizon):
            yield _retract(ticket, index, cause)


def _holds(ticket: Ticket, sent: Sent, horizon: int) -> bool:
    """Whether what ``sent`` says is still so, as far as the world is known."""
    clock = ticket.clock(sent.clock, sent.cycle)
    if clock is None or ticket.void:
        return False
    used = clock.used(horizon)
    return any(step.what == sent.what and step.amount <= used for step in clock.target.ladder)


def _retract(ticket: Ticket, index: int, cause: Event) -> Alert:
    sent, reason = ticket.sent[index], reason_of(cause)
    ticket.sent[index] = sent._replace(retracted=reason.value)
    breach = sent.what == BREACH
    kind = AlertKind.BREACH_RETRACTED if breach else AlertKind.WARNING_RETRACTED
    taken_back = AlertKind.BREACH if breach else AlertKind.WARNING
    clock = ticket.clock(sent.clock, sent.cycle)
    return Alert(
        kind=kind,
        id=alert_id(ticket.id, kind, sent),
        at=cause.occurred,
        ticket_id=ticket.id,
        client_id=ticket.client_id,
        severity=clock.severity if clock else ticket.severity,
        policy=ticket.policy.ref,
        clock=sent.clock,
        cycle=sent.cycle,
        what=sent.what,
        occurrence=sent.occurrence,
        caused_by=cause.id,
        shown=show(clock, sent.at) if clock else None,
        retracts=alert_id(ticket.id, taken_back, sent),
        reason=reason,
    )


def show(clock: Clock, at: int) -> ClockShown:
    """The figures of ``clock`` at ``at``, as an alert tells them."""
    return ClockShown(
        start=clock.start,
        due=clock.due,
        target=clock.target.within,
        boundary=clock.target.boundary.value,
        calendar=clock.target.calendar.name,
        used=clock.used(at),
        paused=clock.paused_time(at),
        pauses=[
            PauseShown(
                pause.start,
                pause.end if pause.end is not None and pause.end <= at else None,
                pause.party,
                clock.counted_pause(pause, at),
            )
            for pause in clock.pauses
            if pause.start < at
        ],
        follows=[*clock.causes, *_pause_causes(clock, at)],
    )


def _pause_causes(clock: Clock, at: int) -> Iterator[str]:
    for pause in clock.pauses:
        if pause.start < at:
            yield pause.begun_by
        if pause.ended_by is not None and pause.end is not None and pause.end <= at:
            yield pause.ended_by
