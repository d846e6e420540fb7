"""Which alerts a ticket owes, given that the world is known up to some instant.

``horizon`` is the last instant known: alerts are sent for instants up to it and for none beyond.
A ticket is judged when an event is applied to it and at each of its own deadlines, so what it
says does not depend on how far the horizon moves at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from sla_domain.alert import (
    BREACH,
    Alert,
    AlertKind,
    ClockShown,
    PauseShown,
    Sent,
    alert_id,
    reason_of,
)
from sla_domain.clock import Clock
from sla_domain.event import Event
from sla_domain.policy import WarningFraction
from sla_domain.ticket import Ticket


def judge(ticket: Ticket, horizon: int, cause: Event | None) -> list[Alert]:
    """The alerts ``ticket`` owes at ``horizon``, entered in its ledger as sent.

    ``cause`` is the event just applied, ``None`` at a deadline.
    """
    alerts: list[Alert] = []
    if ticket.sent and cause is not None:
        alerts += _retractions(ticket, horizon, cause)
    if not ticket.void:
        for clock in ticket.clocks:
            alerts += _due_alerts(ticket, clock, horizon)
    return alerts


def next_deadline(ticket: Ticket, horizon: int) -> int | None:
    """The first instant after ``horizon`` at which ``ticket`` must be judged again.

    The ticket must have been judged at ``horizon``.
    """
    if ticket.void:
        return None
    return min(
        (at for clock in ticket.clocks if (at := _deadline(ticket, clock, horizon)) is not None),
        default=None,
    )


def _deadline(ticket: Ticket, clock: Clock, horizon: int) -> int | None:
    stopped = clock.stopped
    if stopped is not None:
        if stopped <= horizon or not clock.broken(stopped) or clock.broken(horizon):
            return None
        return clock.breaks
    used = clock.used(horizon)
    if used >= clock.target.breaks_at:
        return None
    for fraction in ticket.policy.warnings:
        amount = fraction.reached_at(clock.target)
        if amount > used:
            return clock.reaches(amount)
    return clock.reaches(clock.target.breaks_at)


def _due_alerts(ticket: Ticket, clock: Clock, horizon: int) -> Iterator[Alert]:
    used = clock.used(horizon)
    if used >= clock.target.breaks_at:
        if not _stands(ticket, clock, BREACH):
            at = clock.breaks
            assert at is not None
            yield _send(ticket, clock, AlertKind.BREACH, BREACH, at)
        return
    if not clock.running:
        return
    fraction = _highest_reached(ticket, clock, used)
    if fraction is not None and not any(
        _stands(ticket, clock, higher.label)
        for higher in ticket.policy.warnings
        if higher.share >= fraction.share
    ):
        at = clock.reaches(fraction.reached_at(clock.target))
        assert at is not None
        yield _send(ticket, clock, AlertKind.WARNING, fraction.label, at)


def _highest_reached(ticket: Ticket, clock: Clock, used: int) -> WarningFraction | None:
    for fraction in reversed(ticket.policy.warnings):
        if used >= fraction.reached_at(clock.target):
            return fraction
    return None


def _sent(ticket: Ticket, clock: Clock, what: str) -> Iterator[Sent]:
    for sent in ticket.sent:
        if sent.what == what and (sent.clock, sent.cycle) == clock.key:
            yield sent


def _stands(ticket: Ticket, clock: Clock, what: str) -> bool:
    return any(sent.retracted is None for sent in _sent(ticket, clock, what))


def _send(ticket: Ticket, clock: Clock, kind: AlertKind, what: str, at: int) -> Alert:
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
    for index, sent in enumerate(ticket.sent):
        if sent.retracted is None and not _holds(ticket, sent, horizon):
            yield _retract(ticket, index, cause)


def _holds(ticket: Ticket, sent: Sent, horizon: int) -> bool:
    """Whether what ``sent`` says is still so, as far as the world is known."""
    clock = ticket.clock((sent.clock, sent.cycle))
    if clock is None or ticket.void:
        return False
    used = clock.used(horizon)
    if sent.what == BREACH:
        return used >= clock.target.breaks_at
    return any(
        fraction.label == sent.what and used >= fraction.reached_at(clock.target)
        for fraction in ticket.policy.warnings
    )


def _retract(ticket: Ticket, index: int, cause: Event) -> Alert:
    sent, reason = ticket.sent[index], reason_of(cause)
    ticket.sent[index] = sent._replace(retracted=reason.value)
    breach = sent.what == BREACH
    kind = AlertKind.BREACH_RETRACTED if breach else AlertKind.WARNING_RETRACTED
    taken_back = AlertKind.BREACH if breach else AlertKind.WARNING
    clock = ticket.clock((sent.clock, sent.cycle))
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
    pauses = [pause for pause in clock.pauses if pause.start < at]
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
            for pause in pauses
        ],
        follows=[*clock.causes, *_pause_causes(clock, at)],
    )


def _pause_causes(clock: Clock, at: int) -> Iterator[str]:
    for pause in clock.pauses:
        if pause.start < at:
            yield pause.begun_by
        if pause.ended_by is not None and pause.end is not None and pause.end <= at:
            yield pause.ended_by
