"""One promise being timed for one ticket: used time, pauses, due, breach.

Everything is judged by used time: the calendar's open time from the start, outside pauses.
Instants are only ever computed back from an amount of it, so a figure and its deadline cannot
disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sla_domain.policy import ClockRule, Target


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


class Clock:
    """One cycle of one clock.

    Whether its ticket is void (cancelled, a feature request) is the ticket's to say.

    ``changed`` is set whenever something moves the clock and cleared by whoever judges it;
    ``next_step`` is then the instant of the next step of its ladder, ``None`` for none in sight.
    """

    __slots__ = (
        "_due",
        "_due_known",
        "_paused_before",
        "_start_position",
        "causes",
        "changed",
        "cycle",
        "next_step",
        "pauses",
        "rule",
        "severity",
        "start",
        "stopped",
        "target",
    )

    def __init__(
        self, rule: ClockRule, cycle: int, start: int, severity: str, target: Target, cause: str
    ) -> None:
        self.rule = rule
        self.cycle = cycle
        self.start = start
        #: The severity by which it is judged; a stopped clock keeps the one it stopped under.
        self.severity = severity
        self.target = target
        self.pauses: list[Pause] = []
        self.stopped: int | None = None
        #: Ids of the events that set this clock going and gave it its target.
        self.causes = [cause]
        self.changed = True
        self.next_step: int | None = None
        self._due: int | None = None
        self._due_known = False
        self._start_position = target.calendar.position(start)
        # The counted time of all pauses that have ended.
        self._paused_before = 0

    @property
    def key(self) -> tuple[str, int]:
        """What names this clock within its ticket: its name and cycle."""
        return self.rule.name, self.cycle

    @property
    def running(self) -> bool:
        """Whether the promised thing is still to happen; the clock may be paused."""
        return self.stopped is None

    @property
    def paused(self) -> bool:
        """Whether a pause is open."""
        return bool(self.pauses) and self.pauses[-1].end is None

    def retarget(self, severity: str, target: Target, cause: str) -> None:
        """Judge by ``target`` from the same start with the same pauses (semantics §4)."""
        self.severity = severity
        self.target = target
        self.causes.append(cause)
        self._start_position = target.calendar.position(self.start)
        self._paused_before = sum(
            self.counted_pause(pause, pause.end) for pause in self.pauses if pause.end is not None
        )
        self._moved()

    def pause(self, at: int, party: str, cause: str) -> None:
        """Stop counting at ``at``, on account of ``party``."""
        self.pauses.append(Pause(at, None, party, cause))
        self._moved()

    def resume(self, at: int, cause: str) -> None:
        """Count again from ``at``."""
        pause = self.pauses[-1]
        pause.end = at
        pause.ended_by = cause
        self._paused_before += self.counted_pause(pause, at)
        self._moved()

    def stop(self, at: int, cause: str) -> None:
        """The promised thing happened at ``at``."""
        if self.paused:
            self.resume(at, cause)
        self.stopped = at
        # The due is when it would have been: a stop does not move it.
        self.changed = True

    def _moved(self) -> None:
        self.changed = True
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
        """The open part of ``pause`` up to ``at``, in milliseconds on the clock's calendar."""
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

    def outcome(self, at: int) -> Outcome:
        """How the promise stands at ``at``; a clock that stopped has its outcome for good."""
        stopped = self.stopped
        if self.used(at if stopped is None else stopped) >= self.target.breaks_at:
            return Outcome.BREACHED
        if stopped is not None:
            return Outcome.MET
        return Outcome.PAUSED if self.paused else Outcome.RUNNING
