"""The clocks of a ticket: every cycle of every rule, and how events move them."""

from __future__ import annotations

from collections.abc import Iterator

from sla_domain.clock import Clock
from sla_domain.event import Event, EventType
from sla_domain.policy import ClockRule, Policy
from sla_domain.selector import CLIENT, word_of
from sla_domain.status import Status


class Cycles:
    """Clocks in the order in which they were started. ``promised`` are those by which something is
    promised at present; one without a target runs on, since another severity may have one.
    """

    __slots__ = ("_all", "_current", "_repeated", "_resolved", "promised")

    def __init__(self) -> None:
        self.promised: list[Clock] = []
        self._all: list[Clock] = []
        # The last of each rule: no other is moved any more.
        self._current: list[Clock] = []
        # Rules whose next cycle begins as soon as the ticket waits no longer.
        self._repeated: list[ClockRule] = []
        # What the ticket's resolution stopped and its reopening takes up again.
        self._resolved: list[Clock] = []

    def start(self, clock: Clock) -> None:
        """Add ``clock``, the latest of its rule."""
        self._all.append(clock)
        self._current = [each for each in self._current if each.rule is not clock.rule] + [clock]
        if clock.promised:
            self.promised.append(clock)

    def take_up(self, event: Event, team: str | None) -> list[Clock]:
        """Let ``event`` take up again what a resolution had stopped, if it reopens the ticket; of
        teams what ``team`` had, which has the ticket. Those that it takes up.
        """
        if event.type is not EventType.REOPENED or not self._resolved:
            return []
        resolved, self._resolved = self._resolved, []
        found = [clock for clock in resolved if clock.team is None or clock.team == team]
        for clock in found:
            clock.take_up(event.occurred, event.id)
        return found

    def move(self, event: Event, *, handed_over: bool) -> list[Clock]:
        """Let ``event`` stop, pause and resume; the ended cycles after which it begins the next.

        Another team has the ticket since ``event`` if it is ``handed_over``.
        """
        again: list[Clock] = []
        for clock in self._current:
            rule = clock.rule
            if not clock.running:
                if rule.restarts.takes(event) and not rule.team:
                    again.append(clock)
            elif rule.stops.takes(event) or (handed_over and rule.team):
                self._stop(clock, event)
            elif not clock.paused:
                self._pause(clock, event)
            else:
                self._resume(clock, event)
        return again

    def _resume(self, clock: Clock, event: Event) -> None:
        if clock.rule.resumes.takes(event):
            clock.resume(event.occurred, event.id)
        elif event.type is EventType.WAITING and word_of(event) != clock.waits[-1].party:
            # The ticket waits for somebody else from now on.
            clock.resume(event.occurred, event.id)
            self._pause(clock, event)

    def stopped(self, clock: Clock) -> None:
        """``clock`` has stopped: its next cycle begins after the event that did it."""
        if clock.rule.repeat:
            self._repeated.append(clock.rule)

    def _stop(self, clock: Clock, event: Event) -> None:
        clock.stop(event.occurred, event.id, event.facts.get("origin"))
        self.stopped(clock)
        if clock.rule.continues and event.type is EventType.RESOLVED:
            self._resolved.append(clock)

    def _pause(self, clock: Clock, event: Event) -> None:
        if clock.rule.pauses.takes(event):
            clock.pause(event.occurred, word_of(event) or CLIENT, event.id)

    def beginning(
        self, event: Event, policy: Policy, status: Status, *, stay: bool, reopened: bool
    ) -> Iterator[tuple[ClockRule, int]]:
        """The rules of which ``event`` begins a cycle, after it has taken effect, each with the
        number of that cycle; ``stay`` is whether it begins one of a team, and ``reopened`` whether
        it reopens a ticket that was resolved.
        """
        if status in (Status.RESOLVED, Status.CANCELLED):
            self._repeated = []
            return
        repeated, self._repeated = self._repeated, []
        for rule in policy.begins_later:
            last = next((clock for clock in self._current if clock.rule is rule), None)
            if last is not None and last.running:
                continue
            if rule in repeated and status is Status.WAITING:
                self._repeated.append(rule)
            elif rule in repeated or (
                (stay or (reopened and rule.restarts.takes(event)))
                if rule.team
                else rule.starts is not None
                and rule.starts.takes(event)
                and (last is None or last.stopped_by != event.id)
            ):
                yield rule, 1 if last is None else last.cycle + 1

    def pause_for(self, clock: Clock, wait: Event, at: int) -> None:
        """Let ``clock`` begin paused, if the wait that has begun before it pauses it."""
        if clock.rule.pauses.takes(wait):
            clock.pause(at, word_of(wait) or CLIENT, wait.id)

    def begun(self, rule: ClockRule) -> bool:
        """Whether a clock has had a cycle."""
        return any(clock.rule is rule for clock in self._current)

    def running(self) -> Iterator[Clock]:
        """The clocks that have not stopped."""
        return (clock for clock in self._current if clock.running)

    def retargeted(self) -> None:
        """Targets have changed: find out anew by which clocks something is promised."""
        self.promised = [clock for clock in self._all if clock.promised]

    def set_void(self, *, void: bool) -> None:
        """Whether nothing is owed by any of them."""
        for clock in self._all:
            clock.void, clock.changed = void, True

    def void_undecided(self, at: int, *, keeps_decided: bool) -> None:
        """Nothing more is owed from ``at`` on, except what was decided before if that is kept."""
        for clock in self._all:
            broken = clock.broken(at) and not clock.excused
            decided = keeps_decided and clock.promised and (not clock.running or broken)
            clock.void, clock.changed = clock.void or not decided, True
