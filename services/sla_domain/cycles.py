"""The clocks of a ticket: every cycle of every rule, and how events move them."""

from __future__ import annotations

from collections.abc import Iterator

from sla_domain.clock import Clock
from sla_domain.event import Event
from sla_domain.status import CLIENT


class Cycles:
    """Clocks in the order in which they were started. ``promised`` are those by which something is
    promised at present; one without a target runs on, since another severity may have one.
    """

    __slots__ = ("_all", "_current", "promised")

    def __init__(self) -> None:
        self.promised: list[Clock] = []
        self._all: list[Clock] = []
        # The last of each rule: no other is moved any more.
        self._current: list[Clock] = []

    def start(self, clock: Clock) -> None:
        """Add ``clock``, the latest of its rule."""
        self._all.append(clock)
        self._current = [each for each in self._current if each.rule is not clock.rule] + [clock]
        if clock.promised:
            self.promised.append(clock)

    def move(self, event: Event) -> list[Clock]:
        """Let ``event`` stop, pause and resume; the ended cycles after which it begins the next."""
        type_, at = event.type, event.occurred
        again: list[Clock] = []
        for clock in self._current:
            rule = clock.rule
            if clock.running:
                if type_ in rule.stops:
                    clock.stop(at, event.id, event.facts.get("origin"))
                elif clock.paused:
                    if type_ in rule.resumes:
                        clock.resume(at, event.id)
                elif type_ in rule.pauses:
                    clock.pause(at, event.facts.get("party", CLIENT), event.id)
            elif type_ in rule.restarts:
                again.append(clock)
        return again

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
            decided = keeps_decided and clock.promised and (not clock.running or clock.broken(at))
            clock.void, clock.changed = clock.void or not decided, True
