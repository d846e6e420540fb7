"""Evaluates tickets: decides which alerts to send for a ticket at a frontier.

Alerts are sent for instants up to ``frontier``. If an event makes an alert due for an earlier
instant, the alert is *postponed* until the frontier reaches the event's append time: by then, every
record appended within the grace has been read, and an alert that one of them disproves is never
sent (decision 23).
"""

from __future__ import annotations

from collections.abc import Iterator

from sla_domain.alert import (
    RETRACTED_BY,
    Alert,
    AlertKind,
    Notice,
    Postponed,
    PostponedKey,
    SentAlert,
    SentNotice,
    alert_id,
    kind_of,
    notice_id,
    reason_of,
)
from sla_domain.announcement import Announcement, AnnouncementKind
from sla_domain.clock import Clock
from sla_domain.event import Event
from sla_domain.ladder import first_reach, holds, reached_steps
from sla_domain.snapshot import limit_called, snapshot
from sla_domain.status import Placement, Status
from sla_domain.steps import BREACH
from sla_domain.ticket import Ticket


def apply_event(ticket: Ticket, event: Event, appended: int, frontier: int) -> Placement:
    """Add ``event`` to the timeline of ``ticket``, and postpone the alerts that it makes due.

    ``next_deadline`` then returns when the ticket must be evaluated.
    """
    # Usually the append time is after the frontier; in a replay it may be before.
    until = max(appended, frontier)
    before = _owed(ticket, until)
    placement = ticket.add(event)
    if placement is Placement.APPLIED and ticket.created is not None:
        ticket.postponed = {
            key: ticket.postponed[key] if as_before else Postponed(*key, appended, *event[2:4])
            for key, as_before in _owed_now(ticket, before, until)
            if not as_before or key in ticket.postponed
        }
        for clock in ticket.clocks:
            if clock.changed:
                _look_ahead(ticket, clock, until)
    return placement


def judge(ticket: Ticket, frontier: int) -> list[Alert | Notice]:
    """The alerts to send at ``frontier``, recorded in ``ticket`` as sent; updates each clock's
    ``next_step``.
    """
    owed: list[Alert | Notice] = []
    if ticket.postponed:
        owed += _retractions(ticket, frontier)
    for clock in ticket.clocks:
        if clock.changed:
            _look_ahead(ticket, clock, frontier)
        if clock.next_step is not None and clock.next_step <= frontier:
            owed += _climb(ticket, clock, frontier)
            _look_ahead(ticket, clock, frontier)
    if ticket.obligations.announcements:
        owed += _announce(ticket, frontier)
    if ticket.postponed:
        waiting = [item for item in ticket.postponed.values() if item.since > frontier]
        ticket.postponed = {item.key: item for item in waiting}
    return owed


def judge_restored(ticket: Ticket, frontier: int) -> list[Alert | Notice]:
    """Like ``judge``, for a restored ``ticket`` whose policies may have changed.

    Clock alerts that are already due are sent late; nothing is newly retracted.
    """
    for clock in ticket.clocks:
        for key, _ in _steps(ticket, clock, frontier):
            if key not in ticket.postponed:
                ticket.postponed[key] = Postponed(*key, frontier, "", "")
    return judge(ticket, frontier)


def next_deadline(ticket: Ticket) -> int | None:
    """When ``ticket`` must be evaluated again, ``None`` for never.

    Valid only after ``apply_event`` or ``judge``.
    """
    earliest = None
    for clock in ticket.clocks:
        at = clock.next_step
        if at is not None and (earliest is None or at < earliest):
            earliest = at
    for item in ticket.postponed.values():
        if earliest is None or item.since < earliest:
            earliest = item.since
    if ticket.obligations.announcements:
        for announced in _unsaid(ticket):
            if _key_of(announced) not in ticket.postponed and (
                earliest is None or announced.at < earliest
            ):
                earliest = announced.at
    return earliest


# --- alerts due, and since when ---


def _owed(ticket: Ticket, until: int) -> dict[PostponedKey, int]:
    """The unsent alerts and announcements due by ``until``, each with its instant."""
    owed: dict[PostponedKey, int] = {}
    for clock in ticket.clocks:
        if clock.changed:
            _look_ahead(ticket, clock, until)
        if clock.next_step is not None and clock.next_step <= until:
            owed.update(_steps(ticket, clock, until))
    if ticket.obligations.announcements:
        owed.update({_key_of(item): item.at for item in _unsaid(ticket) if item.at <= until})
    return owed


def _owed_now(
    ticket: Ticket, before: dict[PostponedKey, int], until: int
) -> list[tuple[PostponedKey, bool]]:
    """What is due and unsent by ``until``, retractions included; each with whether it was already
    due ``before`` for the same instant.
    """
    known = ticket.postponed
    owed: list[tuple[PostponedKey, bool]] = []
    if ticket.sent:
        owed += [(key, key in known) for key in _disproved(ticket, until)]
    for clock in ticket.clocks:
        if clock.changed:
            owed += [(key, before.get(key) == at) for key, at in _steps(ticket, clock, until)]
        elif known:
            owed += [(key, True) for key in known if key[:2] == clock.key]
    if ticket.obligations.announcements:
        due = [(_key_of(item), item.at) for item in _unsaid(ticket) if item.at <= until]
        owed += [(key, before.get(key) == at) for key, at in due]
    return owed


def _steps(ticket: Ticket, clock: Clock, until: int) -> list[tuple[PostponedKey, int]]:
    """The unsent ladder steps that ``clock`` has reached by ``until``, each with its instant."""
    name, cycle = clock.key
    steps = []
    first, stop = _untold(ticket, clock, until)
    for step in range(first, stop):
        at = first_reach(clock, step)[0]
        # An ended limit may have skipped a step that the present one has.
        if at is None or at > until:
            continue
        steps.append(((name, cycle, clock.primary.target.ladder[step].what), at))
    return steps


def _owing(ticket: Ticket, clock: Clock) -> tuple[int, int]:
    """The ladder steps that ``clock`` may owe, the first and the one after the last: of a stopped
    one, or of a cancelled ticket, only the breach, since there is nobody left to warn and nothing
    left to hurry.
    """
    target = clock.primary.target
    # What an ended limit has broken stays broken.
    over = clock.stopped is not None or ticket.status is Status.CANCELLED
    first = target.breach if over or clock.ended_limits else 0
    return first, target.breach + 1 if over else len(target.ladder)


def _untold(ticket: Ticket, clock: Clock, until: int) -> tuple[int, int]:
    """The ladder steps that ``clock`` owes by ``until``, above the highest one sent and not
    retracted: the first and the one after the last.
    """
    first, stop = _owing(ticket, clock)
    reached = 0 if clock.waived else min(reached_steps(clock, until), stop)
    if ticket.sent:
        ladder = clock.primary.target.ladder
        for step in range(reached - 1, first - 1, -1):
            if _standing(ticket, clock, ladder[step].what):
                return step + 1, reached
    return first, reached


def _look_ahead(ticket: Ticket, clock: Clock, frontier: int) -> None:
    """Set ``next_step``: when the first unsent step is reached or, if it is postponed, when it may
    be sent.
    """
    clock.changed = False
    clock.next_step = None
    if clock.waived or (clock.stopped is not None and not clock.broken(clock.stopped)):
        return
    name, cycle = clock.key
    target = clock.primary.target
    for step in range(_untold(ticket, clock, frontier)[0], _owing(ticket, clock)[1]):
        at = first_reach(clock, step)[0]
        if at is None:
            return
        item = ticket.postponed.get((name, cycle, target.ladder[step].what))
        told_at = at if item is None else max(at, item.since)
        if clock.next_step is None or told_at < clock.next_step:
            clock.next_step = told_at
        # An escalation waits for its breach.
        if item is None or step == target.breach:
            return


def _unsaid(ticket: Ticket) -> list[Announcement]:
    """The announcements not sent yet."""
    said = {(said.kind, said.about) for said in ticket.said}
    return [
        item for item in ticket.obligations.announcements if (item.kind, item.about) not in said
    ]


def _key_of(item: Announcement) -> PostponedKey:
    return item.kind.value, 0, item.about


def _may_be_said(ticket: Ticket, key: PostponedKey, frontier: int) -> bool:
    """True if ``key`` is not postponed beyond ``frontier``."""
    item = ticket.postponed.get(key)
    return item is None or item.since <= frontier


def _late(ticket: Ticket, key: PostponedKey, at: int) -> int:
    """How many milliseconds after ``at`` the causing event was appended; 0 if not postponed."""
    item = ticket.postponed.get(key)
    return 0 if item is None else max(item.since - at, 0)


# --- alerts sent ---


def _announce(ticket: Ticket, frontier: int) -> Iterator[Notice]:
    """Send the announcements due by ``frontier``."""
    for item in _unsaid(ticket):
        what, about, at, cause = item
        key = _key_of(item)
        if at > frontier or not _may_be_said(ticket, key, frontier):
            continue
        ticket.said.append(SentNotice(what.value, about, at))
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
            late=_late(ticket, key, at),
            agreement=ticket.agreement_name,
        )


def _climb(ticket: Ticket, clock: Clock, frontier: int) -> Iterator[Alert]:
    """Send only the highest unsent step that ``clock`` has reached by ``frontier``, and beside a
    breach only the highest escalation.
    """
    escalations = clock.primary.target.breach + 1
    first, stop = _untold(ticket, clock, frontier)
    step = _highest(ticket, clock, first, min(stop, escalations), frontier)
    if step is not None:
        yield _send(ticket, clock, step)
    if stop > escalations and _standing(ticket, clock, BREACH):
        step = _highest(ticket, clock, max(first, escalations), stop, frontier)
        if step is not None:
            yield _send(ticket, clock, step)


def _highest(ticket: Ticket, clock: Clock, start: int, stop: int, frontier: int) -> int | None:
    """The highest step from ``start`` and below ``stop`` that is not postponed beyond
    ``frontier``.
    """
    ladder = clock.primary.target.ladder
    name, cycle = clock.key
    for step in range(stop - 1, start - 1, -1):
        if _may_be_said(ticket, (name, cycle, ladder[step].what), frontier):
            return step
    return None


def _standing(ticket: Ticket, clock: Clock, what: str) -> bool:
    """True if ``what`` was sent for ``clock`` and not retracted."""
    name, cycle = clock.key
    for sent in ticket.sent:
        if (
            sent.retracted is None
            and sent.what == what
            and sent.cycle == cycle
            and sent.clock == name
        ):
            return True
    return False


def _send(ticket: Ticket, clock: Clock, step: int) -> Alert:
    at, limit = first_reach(clock, step)
    assert at is not None, "what is used has been reached"
    what = clock.primary.target.ladder[step].what
    name, cycle = clock.key
    occurrence = 1 + sum(1 for sent in ticket.sent if sent[:3] == (name, cycle, what))
    sent = SentAlert(name, cycle, what, occurrence, at, limit=limit.name)
    ticket.sent.append(sent)
    kind = kind_of(what)
    shown = snapshot(clock, limit, at)
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
        late=_late(ticket, (name, cycle, what), at),
        shown=shown,
        agreement=clock.agreement,
        team=clock.team,
    )


def _disproved(ticket: Ticket, until: int) -> Iterator[PostponedKey]:
    """The alerts that need a retraction: sent, not retracted, and not true at ``until``."""
    for sent in ticket.sent:
        if sent.retracted is None:
            clock = ticket.clock(sent.clock, sent.cycle)
            key = (sent.clock, sent.cycle, sent.what)
            if clock is not None and not clock.changed:
                if key in ticket.postponed:
                    yield key
            elif not _holds(clock, sent, until):
                yield key


def _holds(clock: Clock | None, sent: SentAlert, frontier: int) -> bool:
    """True if ``sent`` is still correct at ``frontier``."""
    if clock is None or clock.waived:
        return False
    return any(holds(limit, sent.what, frontier) for limit in clock.limits)


def _retractions(ticket: Ticket, frontier: int) -> Iterator[Alert]:
    for index, sent in enumerate(ticket.sent):
        if sent.retracted is None:
            item = ticket.postponed.get((sent.clock, sent.cycle, sent.what))
            if item is not None and item.since <= frontier:
                yield _retract(ticket, index, item)


def _retract(ticket: Ticket, index: int, owed: Postponed) -> Alert:
    cause = ticket.event(owed.source, owed.id)
    assert cause is not None, "an event that was taken in stays in the timeline"
    sent, reason = ticket.sent[index], reason_of(cause)
    ticket.sent[index] = sent._replace(retracted=reason.value)
    taken_back = kind_of(sent.what)
    kind = RETRACTED_BY[taken_back]
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
        late=max(owed.since - cause.occurred, 0),
        shown=snapshot(clock, limit_called(clock, sent.limit), sent.at) if clock else None,
        retracts=alert_id(ticket.id, taken_back, sent),
        reason=reason,
        agreement=clock.agreement if clock else ticket.agreement_name,
        team=clock.team if clock else None,
    )
