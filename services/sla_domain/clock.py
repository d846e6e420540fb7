"""One promise being timed for one ticket: its limits, used time, pauses, due, breach.

Everything is judged by used time: the calendar's open time from the start, outside pauses.
Instants are only ever computed back from an amount of it, so a figure and its deadline cannot
disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from sla_domain.policy import ClockRule
from sla_domain.target import Target

#: The limit that every clock has: the target of its severity. A second one goes by its plan's name.
SEVERITY_LIMIT: Final = "severity"


class Outcome(StrEnum):
    """How a promise stands."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    VOID = "void"


@dataclass(slots=True)
class Pause:
    """A span that does not count, the party it is attributed to, and the events around it.

    ``end`` is ``None`` while it lasts.
    """

    start: int
    end: int | None
    party: str
    begun_by: str
    ended_by: str | None = None


class Contact(NamedTuple):
    """The contact with the guard that counts for a clock: its plan, instant and event (C19)."""

    plan: str
    at: int
    cause: str


class Limit:
    """One amount of time that a clock may use, counted from ``start`` on the target's calendar
    outside the clock's pauses.

    ``pauses`` is the clock's own list; ``cause`` is the event that set the limit going.
    """

    __slots__ = (
        "_due",
        "_due_known",
        "_paused_before",
        "_start_position",
        "cause",
        "name",
        "pauses",
        "start",
        "stopped",
        "target",
    )

    def __init__(
        self,
        name: str,
        start: int,
        target: Target,
        cause: str,
        pauses: list[Pause],
        stopped: int | None = None,
    ) -> None:
        self.name = name
        self.start = start
        self.target = target
        self.cause = cause
        self.pauses = pauses
        self.stopped = stopped
        self._due: int | None = None
        self._due_known = False
        self._start_position = target.calendar.position(start)
        # The counted time of all pauses that have ended.
        self._paused_before = 0
        for pause in pauses:
            if pause.end is not None:
                self._paused_before += self.counted_pause(pause, pause.end)

    def paused_until(self, pause: Pause, at: int) -> None:
        """``pause``, the last one, ended at ``at``."""
        self._paused_before += self.counted_pause(pause, at)
        self._due_known = False

    def moved(self) -> None:
        """A pause began: what was known of the due no longer is."""
        self._due_known = False

    def used(self, at: int) -> int:
        """Milliseconds used up to ``at``, or to the stop if that came first."""
        stopped = self.stopped
        end = at if stopped is None or at < stopped else stopped
        if end <= self.start:
            return 0
        used = self.target.calendar.position(end) - self._start_position
        return used - self.paused_time(end) if self.pauses else used

    def paused_time(self, at: int, party: str | None = None) -> int:
        """Open milliseconds of the pauses up to ``at``, of one party or of all."""
        if not self.pauses:
            return 0
        last = self.pauses[-1]
        if party is None and last.end is not None and last.end <= at:
            return self._paused_before
        total = 0
        for pause in self.pauses:
            if party is None or pause.party == party:
                total += self.counted_pause(pause, at)
        return total

    def counted_pause(self, pause: Pause, at: int) -> int:
        """The open part of ``pause`` up to ``at``, in milliseconds on the limit's calendar."""
        end = at if pause.end is None or at < pause.end else pause.end
        start = max(self.start, pause.start)
        return self.target.calendar.between(start, end)

    def reaches(self, amount: int) -> int | None:
        """The first instant at which ``amount`` milliseconds would be used if nothing but the
        known pauses came between; ``None`` while the open pause keeps it away.

        At exactly a closing time it is the closing, not the next opening.
        """
        calendar = self.target.calendar
        if not self.pauses:
            return calendar.first_at(self._start_position + amount)
        begin, left = self.start, amount
        for pause in self.pauses:
            counted = calendar.between(begin, pause.start)
            if counted >= left:
                break
            left -= counted
            if pause.end is None:
                return None
            begin = max(begin, pause.end)
        return calendar.first_at(calendar.position(begin) + left)

    @property
    def due(self) -> int | None:
        """The first instant at which the used time equals the target; a stop leaves it as it is."""
        if not self._due_known:
            self._due = self.reaches(self.target.within)
            self._due_known = True
        return self._due

    @property
    def breaks(self) -> int | None:
        """The first instant at which the promise is broken: exclusive, used ≥ target; inclusive,
        used > target. ``None`` where a pause or the stop comes first.
        """
        at = self.reaches(self.target.breaks_at)
        return at if at is None or self.stopped is None or at <= self.stopped else None


class Clock:
    """One cycle of one clock: met only if each of its limits is (clause C5).

    It is ``void`` where its ticket says so: cancelled, a feature request.

    ``changed`` is set whenever something moves the clock and cleared by whoever judges it;
    ``next_step`` is then the instant of the next step of its ladder, ``None`` for none in sight.
    """

    __slots__ = (
        "agreement",
        "causes",
        "changed",
        "contact",
        "cycle",
        "next_step",
        "origin",
        "pauses",
        "plan_limit",
        "primary",
        "rule",
        "severity",
        "stopped",
        "stopped_by",
        "void",
    )

    def __init__(
        self,
        rule: ClockRule,
        cycle: int,
        start: int,
        severity: str,
        target: Target,
        causes: list[str],
        agreement: str | None = None,
    ) -> None:
        self.rule = rule
        self.cycle = cycle
        #: The severity by which it is judged; a stopped clock keeps the one it stopped under.
        self.severity = severity
        #: The agreement whose target it has, kept likewise; ``None`` for none.
        self.agreement = agreement
        self.pauses: list[Pause] = []
        #: The limit of the severity, and that of a plan where the guard was contacted.
        self.primary = Limit(SEVERITY_LIMIT, start, target, causes[0], self.pauses)
        self.plan_limit: Limit | None = None
        self.contact: Contact | None = None
        self.stopped: int | None = None
        self.stopped_by: str | None = None
        #: Where the fault lay, as told by the event that stopped the clock (clause C20).
        self.origin: str | None = None
        #: Ids of the events that set this clock going and gave it its target.
        self.causes = causes
        #: Whether nothing is owed by it any more.
        self.void = False
        self.changed = True
        self.next_step: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What names this clock within its ticket: its name and cycle."""
        return self.rule.name, self.cycle

    @property
    def start(self) -> int:
        """When the clock began to count."""
        return self.primary.start

    @property
    def promised(self) -> bool:
        """Whether its severity promises anything."""
        return bool(self.primary.target.ladder)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Its limits, the severity's own first."""
        return (self.primary,) if self.plan_limit is None else (self.primary, self.plan_limit)

    @property
    def governing(self) -> Limit:
        """The limit that is due first; the severity's own while nothing is."""
        plan_limit = self.plan_limit
        if plan_limit is None or plan_limit.due is None:
            return self.primary
        return (
            plan_limit
            if self.primary.due is None or plan_limit.due < self.primary.due
            else self.primary
        )

    @property
    def running(self) -> bool:
        """Whether the promised thing is still to happen; the clock may be paused."""
        return self.stopped is None

    @property
    def paused(self) -> bool:
        """Whether a pause is open."""
        return bool(self.pauses) and self.pauses[-1].end is None

    def retarget(
        self,
        severity: str,
        agreement: str | None,
        target: Target,
        plan_target: Target | None,
        cause: str,
    ) -> None:
        """Judge by ``target`` from the same start with the same pauses (semantics §4), and by
        ``plan_limit`` from the contact with the guard if there was one.
        """
        self.severity, self.agreement = severity, agreement
        self.causes.append(cause)
        self.primary = Limit(SEVERITY_LIMIT, self.start, target, self.primary.cause, self.pauses)
        self._limit_by(plan_target)
        self.changed = True

    def guard(self, contact: Contact, target: Target | None) -> None:
        """The guard was contacted: from then on ``target`` is a second limit, where there is one.

        Only the first contact of a cycle counts (clause C19).
        """
        if self.contact is None:
            self.contact = contact
            self._limit_by(target)
            self.changed = True

    def _limit_by(self, target: Target | None) -> None:
        contact = self.contact
        self.plan_limit = (
            None
            if contact is None or target is None
            else Limit(contact.plan, contact.at, target, contact.cause, self.pauses)
        )

    def pause(self, at: int, party: str, cause: str) -> None:
        """Stop counting at ``at``, on account of ``party``."""
        self.pauses.append(Pause(at, None, party, cause))
        for limit in self.limits:
            limit.moved()
        self.changed = True

    def resume(self, at: int, cause: str) -> None:
        """Count again from ``at``."""
        pause = self.pauses[-1]
        pause.end = at
        pause.ended_by = cause
        for limit in self.limits:
            limit.paused_until(pause, at)
        self.changed = True

    def stop(self, at: int, cause: str, origin: str | None = None) -> None:
        """The promised thing happened at ``at``. The dues are when they would have been."""
        if self.paused:
            self.resume(at, cause)
        self.stopped = self.primary.stopped = at
        if self.plan_limit is not None:
            self.plan_limit.stopped = at
        self.stopped_by = cause
        self.origin = origin
        self.changed = True

    def broken(self, at: int) -> bool:
        """Whether the promise was broken by ``at``, or by the stop if that came first."""
        primary, plan_limit = self.primary, self.plan_limit
        return primary.used(at) >= primary.target.breaks_at or (
            plan_limit is not None and plan_limit.used(at) >= plan_limit.target.breaks_at
        )

    def outcome(self, at: int) -> Outcome:
        """How the promise stands at ``at``; a clock that stopped has its outcome for good."""
        if self.void:
            return Outcome.VOID
        stopped = self.stopped
        if self.broken(at if stopped is None else stopped):
            return Outcome.BREACHED
        if stopped is not None:
            return Outcome.MET
        return Outcome.PAUSED if self.paused else Outcome.RUNNING
