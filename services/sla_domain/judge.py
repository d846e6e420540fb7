"""Which alerts a ticket owes, given that the world is known up to some instant.

``horizon`` is the last instant known: alerts are sent for instants up to it and for none beyond.
A ticket is judged when an event is applied to it and at each of its own deadlines, so what it
says does not depend on how far the horizon moves at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from sla_domain.alert import (
    Alert,
    AlertKind,
    ClockShown,
    Notice,
    PauseShown,
    Said,
    Sent,
    alert_id,
    notice_id,
    reason_of,
)
from sla_domain.announcement import Announcement, AnnouncementKind
from sla_domain.clock import Clock, Limit
from sla_domain.event import Event
from sla_domain.policy import BREACH
from sla_domain.ticket import Ticket


def judge(ticket: Ticket, horizon: int, cause: Event | None) -> list[Alert | Notice]:
    """What ``ticket`` owes at ``horizon``, entered in its ledgers as sent.

    ``cause`` is the event just applied, ``None`` at a deadline. Afterwards each clock knows the
    instant at which it must be judged again.
    """
    owed: list[Alert | Notice] = []
    if ticket.sent and cause is not None:
        owed += _retractions(ticket, horizon, cause)
    if not ticket.void:
        for clock in ticket.clocks:
            if clock.changed or (clock.next_step is not None and clock.next_step <= horizon):
                alert = _climb(ticket, clock, horizon)
                if alert is not None:
                    owed.append(alert)
    if ticket.duties.announcements:
        owed += _announce(ticket, horizon)
    return owed


def next_deadline(ticket: Ticket) -> int | None:
    """The instant at which ``ticket`` must be judged again; it must have been judged before."""
    earliest = None
    if not ticket.void:
        for clock in ticket.clocks:
            at = clock.next_step
            if at is not None and (earliest is None or at < earliest):
                earliest = at
    if ticket.duties.announcements:
        for item in _unsaid(ticket):
            if earliest is None or item.at < earliest:
                earliest = item.at
    return earliest


def _unsaid(ticket: Ticket) -> list[Announcement]:
    """What is to be said of the ticket and was not yet. What was said need not be so any more: a
    late event may have proved it wrong.
    """
    said = {(said.kind, said.about) for said in ticket.said}
    return [item for item in ticket.duties.announcements if (item.kind, item.about) not in said]


def _announce(ticket: Ticket, horizon: int) -> Iterator[Notice]:
    """What is due by ``horizon`` and was not said yet."""
    for what, about, at, cause in _unsaid(ticket):
        if at > horizon:
            continue
        ticket.said.append(Said(what.value, about, at))
        approved = what is AnnouncementKind.FEATURE_APPROVED
        yield Notice(
            kind=AlertKind.APPROVED if approved else AlertKind.NOTICE,
            id=notice_id(ticket.id, what, about),
            at=at,
            ticket_id=ticket.id,
            client_id=ticket.client_id,
            severity=ticket.severity,
            policy=ticket.policy.ref,
            what=what,
            about=about,
            caused_by=cause,
        )


def _climb(ticket: Ticket, clock: Clock, horizon: int) -> Alert | None:
    """Take ``clock`` up its ladder as far as ``horizon`` allows; what is due at the top.

    The ladders of its limits have the same steps; the first limit on a step takes the clock there.
    """
    ladder = clock.own.target.ladder
    reached = _reached(clock.own, horizon)
    if clock.second is not None:
        reached = max(reached, _reached(clock.second, horizon))
    clock.changed = False
    clock.next_step = _next_step(clock, reached, horizon)
    if reached == 0:
        return None
    step = reached - 1
    what = ladder[step].what
    if what == BREACH:
        if _stands(ticket, clock, (BREACH,)):
            return None
        return _send(ticket, clock, AlertKind.BREACH, step)
    # A stopped clock is warned about no more, and only the highest fraction passed is told.
    higher = tuple(step.what for step in ladder[step:-1])
    if clock.stopped is not None or _stands(ticket, clock, higher):
        return None
    return _send(ticket, clock, AlertKind.WARNING, step)


def _reached(limit: Limit, horizon: int) -> int:
    """How many steps of its ladder ``limit`` has reached."""
    used = limit.used(horizon)
    reached = 0
    for step in limit.target.ladder:
        if step.amount > used:
            break
        reached += 1
    return reached


def _next_step(clock: Clock, reached: int, horizon: int) -> int | None:
    ladder = clock.own.target.ladder
    if reached == len(ladder):
        return None
    if clock.stopped is None:
        return _first(clock, reached)[0]
    # Stopped too late, but the horizon has not got there yet.
    if clock.stopped <= horizon:
        return None
    if clock.second is None:
        return clock.own.breaks
    return min((at for limit in clock.limits if (at := limit.breaks) is not None), default=None)


def _first(clock: Clock, step: int) -> tuple[int | None, Limit]:
    """When ``clock`` gets to a step of its ladder, and the limit that takes it there."""
    own, second = clock.own, clock.second
    at = own.reaches(own.target.ladder[step].amount)
    if second is None:
        return at, own
    sooner = second.reaches(second.target.ladder[step].amount)
    if sooner is None or (at is not None and at <= sooner):
        return at, own
    return sooner, second


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


def _send(ticket: Ticket, clock: Clock, kind: AlertKind, step: int) -> Alert:
    at, limit = _first(clock, step)
    assert at is not None, "what is used has been reached"
    what = limit.target.ladder[step].what
    occurrence = 1 + sum(1 for _ in _sent(ticket, clock, what))
    sent = Sent(clock.rule.name, clock.cycle, what, occurrence, at, limit=limit.name)
    ticket.sent.append(sent)
    shown = show(clock, limit, at)
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
        limit=limit.name,
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
    return any(
        step.what == sent.what and step.amount <= limit.used(horizon)
        for limit in clock.limits
        for step in limit.target.ladder
    )


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
        limit=sent.limit,
        occurrence=sent.occurrence,
        caused_by=cause.id,
        shown=show(clock, _limit(clock, sent.limit), sent.at) if clock else None,
        retracts=alert_id(ticket.id, taken_back, sent),
        reason=reason,
    )


def _limit(clock: Clock, name: str) -> Limit:
    """The limit called ``name``, the severity's own where the clock has it no more."""
    return next((limit for limit in clock.limits if limit.name == name), clock.own)


def show(clock: Clock, limit: Limit, at: int) -> ClockShown:
    """The figures of ``clock`` by ``limit`` at ``at``, as an alert tells them."""
    causes = clock.causes if limit is clock.own else [*clock.causes, limit.cause]
    return ClockShown(
        start=clock.start,
        counted_from=limit.start,
        due=limit.due,
        target=limit.target.within,
        boundary=limit.target.boundary.value,
        calendar=limit.target.calendar.name,
        used=limit.used(at),
        paused=limit.paused_time(at),
        pauses=[
            PauseShown(
                pause.start,
                pause.end if pause.end is not None and pause.end <= at else None,
                pause.party,
                limit.counted_pause(pause, at),
            )
            for pause in clock.pauses
            if pause.start < at
        ],
        follows=[*causes, *_pause_causes(clock, at)],
    )


def _pause_causes(clock: Clock, at: int) -> Iterator[str]:
    for pause in clock.pauses:
        if pause.start < at:
            yield pause.begun_by
        if pause.ended_by is not None and pause.end is not None and pause.end <= at:
            yield pause.ended_by
