"""A clock of a ticket: its limits, used time, pauses, due time and breach.

Used time is the calendar's open time since the start, outside pauses. Deadlines are computed from
an amount of used time, so a figure and its deadline always agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from sla_domain.granted_exceptions import GrantedException
from sla_domain.instant import LATEST
from sla_domain.pause import NOBODY, Pause, with_agreed
from sla_domain.policy import ClockRule
from sla_domain.target import Target

#: The name of the primary limit, from the severity's target; a plan limit has its plan's name.
SEVERITY_LIMIT: Final = "severity"


class Outcome(StrEnum):
    """The state of a clock."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    VOID = "void"
    #: Of a clock that was agreed not to count as a whole.
    EXCUSED = "excused"
    #: Of a clock that is yet to start.
    NOT_STARTED = "not_started"


#: Counted in reports.
DECIDED: Final = (Outcome.MET, Outcome.BREACHED)
#: Without a due time: nothing is owed, or an open pause comes before it.
UNDUE: Final = (Outcome.PAUSED, Outcome.VOID, Outcome.EXCUSED)


class Contact(NamedTuple):
    """The contact with the guard that starts a plan limit (clause C19)."""

    plan: str
    at: int
    cause: str

    def not_before(self, at: int) -> Contact:
        """The contact as a limit counts from it that can't count from before ``at``."""
        return self if self.at >= at else self._replace(at=at)


class Terms(NamedTuple):
    """By what a clock is judged since the event ``cause``; ``plan_target`` applies from the contact
    with the guard, if there was one.
    """

    severity: str
    agreement: str | None
    target: Target
    plan_target: Target | None
    cause: str


class Limit:
    """The time a clock may use, counted from ``start`` on the target's calendar, without pauses.

    ``pauses`` is shared with the clock; ``cause`` is the event that started the limit.
    """

    __slots__ = (
        "_due",
        "_due_known",
        "_paused_before",
        "_start_position",
        "cause",
        "ended_by",
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
        #: The event since which another limit counts in its place.
        self.ended_by: str | None = None
        self._due: int | None = None
        self._due_known = False
        self._start_position = target.calendar.position(start)
        # Open milliseconds of all ended pauses.
        self._paused_before = 0
        if pauses:
            self.repaused()

    def repaused(self) -> None:
        """Count the pauses anew: they are others than before."""
        self._due_known = False
        self._paused_before = 0
        for pause in self.pauses:
            if pause.end is not None:
                self._paused_before += self.counted_pause(pause, pause.end)

    def end(self, at: int, cause: str) -> None:
        """Another limit counts in its place from ``at`` on, by the event ``cause``."""
        self.stopped, self.ended_by = at, cause

    @property
    def ended(self) -> bool:
        """True if another limit counts in its place since it stopped."""
        return self.ended_by is not None

    def paused_until(self, pause: Pause, at: int) -> None:
        """Record that ``pause``, the last one, ended at ``at``."""
        self._paused_before += self.counted_pause(pause, at)
        self._due_known = False

    def moved(self) -> None:
        """Invalidate the cached due time: a pause began."""
        self._due_known = False

    def broken(self, at: int) -> bool:
        """True if more than what is promised was used by ``at`` or the stop."""
        return self.used(at) >= self.target.breaks_at

    def used(self, at: int) -> int:
        """Milliseconds used up to ``at`` or the stop, whichever is earlier."""
        stopped = self.stopped
        end = at if stopped is None or at < stopped else stopped
        if end <= self.start:
            return 0
        used = self.target.calendar.position(end) - self._start_position
        return used - self.paused_time(end) if self.pauses else used

    def paused_time(self, at: int, party: str | None = None) -> int:
        """Open milliseconds of the pauses up to ``at``, of one party or of all parties."""
        if not self.pauses:
            return 0
        if self.stopped is not None and self.ended:
            at = min(at, self.stopped)
        last = self.pauses[-1]
        if party is None and not self.ended and last.end is not None and last.end <= at:
            return self._paused_before
        total = 0
        for pause in self.pauses:
            if party is None or pause.party == party:
                total += self.counted_pause(pause, at)
        return total

    def counted_pause(self, pause: Pause, at: int) -> int:
        """Open milliseconds of ``pause`` up to ``at``, on the limit's calendar."""
        end = at if pause.end is None or at < pause.end else pause.end
        start = max(self.start, pause.start)
        return self.target.calendar.between(start, end)

    def reaches(self, amount: int) -> int | None:
        """The first instant with ``amount`` milliseconds used, assuming no further pauses; ``None``
        while an open pause prevents it.

        At a closing time, this is the closing time, not the next opening.
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
        """The first instant at which the used time equals the target, regardless of a stop."""
        if not self._due_known:
            self._due = self.reaches(self.target.within)
            self._due_known = True
        return self._due

    @property
    def breaks(self) -> int | None:
        """The instant of the breach: used ≥ target if exclusive, used > target if inclusive;
        ``None`` if a pause or the stop comes first.
        """
        at = self.reaches(self.target.breaks_at)
        return at if at is None or self.stopped is None or at <= self.stopped else None


class Clock:
    """One cycle of one clock: met only if each of its limits is met (clause C5).

    ``waits`` are the pauses by which events hold it up; ``pauses`` are these and, between them, the
    spans of ``exceptions``, those that were granted about it.

    ``changed`` is set by every change and cleared when ``sla_domain.judge`` evaluates the clock;
    ``next_step`` is then the instant of the next evaluation, ``None`` if there is none.
    """

    __slots__ = (
        "agreement",
        "causes",
        "changed",
        "contact",
        "cycle",
        "ended_limits",
        "exceptions",
        "next_step",
        "origin",
        "pauses",
        "plan_limit",
        "primary",
        "rule",
        "severity",
        "start",
        "stopped",
        "stopped_by",
        "team",
        "void",
        "waits",
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
        team: str | None = None,
        exceptions: Sequence[GrantedException] = (),
    ) -> None:
        self.rule = rule
        self.cycle = cycle
        #: When it started; a limit may count from later.
        self.start = start
        #: Of a team's clock: with whom the ticket lies in this cycle.
        self.team = team
        self.exceptions = exceptions
        #: The severity that sets its target; fixed once the clock stops.
        self.severity = severity
        #: The agreement whose target it has, kept likewise; ``None`` for none.
        self.agreement = agreement
        self.waits: list[Pause] = []
        self.pauses = [] if exceptions else self.waits
        #: The severity's limit; the plan's limit once the guard was contacted.
        self.primary = Limit(SEVERITY_LIMIT, start, target, causes[0], self.pauses)
        self.plan_limit: Limit | None = None
        self.contact: Contact | None = None
        #: Limits that were broken before others took their place.
        self.ended_limits: list[Limit] = []
        self.stopped: int | None = None
        self.stopped_by: str | None = None
        #: The origin of the fault, from the event that stopped the clock (clause C20).
        self.origin: str | None = None
        #: Ids of the events that started this clock and set its target.
        self.causes = causes
        #: True if it does not apply: the ticket was cancelled or is a feature request.
        self.void = False
        self.changed = True
        self.next_step: int | None = None
        if exceptions:
            self._repause()

    @property
    def key(self) -> tuple[str, int]:
        """Its name and cycle, unique within the ticket."""
        return self.rule.name, self.cycle

    @property
    def promised(self) -> bool:
        """True if its severity has a target."""
        return bool(self.primary.target.ladder)

    @property
    def limits(self) -> Sequence[Limit]:
        """Its limits: the primary, the plan's, then those that were broken before they ended."""
        if self.plan_limit is None and not self.ended_limits:
            return (self.primary,)
        return [*self.present_limits, *self.ended_limits]

    @property
    def present_limits(self) -> Sequence[Limit]:
        """The limits that have not ended, the primary first."""
        return (self.primary,) if self.plan_limit is None else (self.primary, self.plan_limit)

    @property
    def governing(self) -> Limit:
        """The limit that decides: the first that was broken before it ended, else the limit due
        first; the primary limit if neither has a due time.
        """
        if self.ended_limits:
            return self.ended_limits[0]
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
        """True until the clock stops, even while it is paused."""
        return self.stopped is None

    @property
    def paused(self) -> bool:
        """True while a wait holds it up."""
        return bool(self.waits) and self.waits[-1].end is None

    @property
    def excused(self) -> bool:
        """True if it was agreed not to count as a whole."""
        return bool(self.exceptions) and any(each.whole for each in self.exceptions)

    @property
    def waived(self) -> bool:
        """True if nothing is owed by it: it does not apply, or is excused."""
        return self.void or self.excused

    def retarget(self, terms: Terms, at: int) -> None:
        """Let the present limits be judged by ``terms`` from ``at`` on, keeping their start and
        pauses. If nothing is promised by them, a clock that is broken for ever stops.
        """
        if self.ended_limits and not terms.target.ladder:
            self.stop(at, terms.cause)
        else:
            self._take(terms, self.primary.start, self.primary.cause)

    def begin_anew(self, terms: Terms, at: int) -> None:
        """Let limits by ``terms`` take the place of the present ones from ``at`` on. What these
        have broken stays broken; if nothing is promised any more, the clock stops by it.
        """
        present = () if self.excused or not self.promised else self.present_limits
        broken = sorted(
            [limit for limit in present if limit.broken(at)], key=lambda limit: limit.due or 0
        )
        if (broken or self.ended_limits) and not terms.target.ladder:
            self.stop(at, terms.cause)
            return
        for limit in broken:
            limit.end(at, terms.cause)
        self.ended_limits += broken
        self._take(terms, at, terms.cause)

    def _take(self, terms: Terms, start: int, started_by: str) -> None:
        self.severity, self.agreement = terms.severity, terms.agreement
        self.causes.append(terms.cause)
        self.primary = Limit(SEVERITY_LIMIT, start, terms.target, started_by, self.pauses)
        self._limit_by(terms.plan_target)
        self.changed = True

    def guard(self, contact: Contact, target: Target | None) -> None:
        """Add ``target`` as a second limit from ``contact`` on, if the plan has a target.

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
            else Limit(
                contact.plan,
                contact.at,
                target.stepped_as(self.primary.target),
                contact.cause,
                self.pauses,
            )
        )

    def pause(self, at: int, party: str, cause: str) -> None:
        """Stop counting at ``at``, attributed to ``party``."""
        self.waits.append(Pause(at, None, party, cause))
        if self.exceptions:
            self._repause()
        else:
            for limit in self.present_limits:
                limit.moved()
        self.changed = True

    def resume(self, at: int, cause: str) -> None:
        """Count again from ``at`` on."""
        pause = self.waits[-1]
        pause.end = at
        pause.ended_by = cause
        if self.exceptions:
            self._repause()
        else:
            for limit in self.present_limits:
                limit.paused_until(pause, at)
        self.changed = True

    def _repause(self) -> None:
        """Find the pauses anew, where some were agreed."""
        end = LATEST if self.stopped is None else self.stopped
        granted = [each for each in self.exceptions if not each.whole]
        self.pauses[:] = with_agreed(self.waits, granted, self.start, end)
        for limit in self.limits:
            limit.repaused()

    def stop(self, at: int, cause: str, origin: str | None = None) -> None:
        """Stop the clock at ``at``; the due times are kept."""
        if self.paused:
            self.resume(at, cause)
        self.stopped = self.primary.stopped = at
        if self.plan_limit is not None:
            self.plan_limit.stopped = at
        self.stopped_by = cause
        self.origin = origin
        if self.exceptions:
            self._repause()
        self.changed = True

    def take_up(self, at: int, cause: str) -> None:
        """Go on at ``at`` as if the clock had not stopped; the time in between does not count."""
        stopped, stopped_by = self.stopped, self.stopped_by
        assert stopped is not None, "only what has stopped is taken up"
        assert stopped_by is not None, "an event stopped it"
        self.stopped = self.primary.stopped = self.stopped_by = self.origin = None
        if self.plan_limit is not None:
            self.plan_limit.stopped = None
        self.pause(stopped, NOBODY, stopped_by)
        self.resume(at, cause)

    def broken(self, at: int) -> bool:
        """True if the target was missed by ``at`` or the stop, whichever is earlier."""
        if self.primary.broken(at):
            return True
        plan_limit = self.plan_limit
        if plan_limit is not None and plan_limit.broken(at):
            return True
        return bool(self.ended_limits) and any(limit.broken(at) for limit in self.ended_limits)

    def outcome(self, at: int) -> Outcome:
        """The clock's state at ``at``; final once the clock has stopped."""
        if self.void:
            return Outcome.VOID
        if self.excused:
            return Outcome.EXCUSED
        stopped = self.stopped
        if self.broken(at if stopped is None else stopped):
            return Outcome.BREACHED
        if stopped is not None:
            return Outcome.MET
        return Outcome.PAUSED if self.held_up(at) else Outcome.RUNNING

    def held_up(self, at: int) -> bool:
        """True if an open pause holds it up at ``at``. One that ends at a known instant does not:
        the due time takes it into account.
        """
        return bool(self.pauses) and self.pauses[-1].end is None and self.pauses[-1].start <= at
