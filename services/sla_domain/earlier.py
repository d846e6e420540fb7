"""Cycles of a clock that ended long ago, summed up: a ticket may have any number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sla_domain.calendar import Calendar
from sla_domain.clock import Clock, Outcome

#: How many ended cycles of a clock are told one by one, the latest ones.
SHOWN_CYCLES: Final = 20
_EPOCH: Final = date(1970, 1, 1)


class Earlier(NamedTuple):
    """Cycles of one clock with the same outcome, decided on one date of the business calendar.

    ``day`` is in days after 1970-01-01, and ``cycles`` are their numbers in order.
    """

    clock: str
    severity: str
    agreement: str | None
    team: str | None
    outcome: Outcome
    without_exceptions: Outcome | None
    day: int
    cycles: list[int]

    @property
    def record(self) -> dict[str, Any]:
        """It as records and explanations have it."""
        told: dict[str, Any] = self._asdict()
        told["date"] = (_EPOCH + timedelta(days=told.pop("day"))).isoformat()
        told["cycles"] = ranges(self.cycles)
        return told


def parted(clocks: Sequence[Clock]) -> tuple[Sequence[Clock], Sequence[Clock]]:
    """Those of ``clocks`` that are not told one by one any more, and those that are."""
    if len(clocks) <= SHOWN_CYCLES:
        return (), clocks
    left = Counter([clock.rule.name for clock in clocks if clock.stopped is not None])
    earlier: list[Clock] = []
    shown: list[Clock] = []
    for clock in clocks:
        if clock.stopped is None:
            shown.append(clock)
            continue
        (earlier if left[clock.rule.name] > SHOWN_CYCLES else shown).append(clock)
        left[clock.rule.name] -= 1
    return earlier, shown


def summed_up(
    clocks: Sequence[Clock],
    without: dict[tuple[str, int], Outcome],
    business: Calendar,
    at: int,
) -> list[Earlier]:
    """``clocks``, which have stopped, as of ``at``; ``without`` are the outcomes that some would
    have without exceptions, by key.
    """
    found: dict[tuple[object, ...], Earlier] = {}
    for clock in clocks:
        outcome = clock.outcome(at)
        one = Earlier(
            clock.rule.name,
            clock.severity,
            clock.agreement,
            clock.team,
            outcome,
            without.get(clock.key),
            business.local_day(decided_at(clock, outcome)),
            [],
        )
        found.setdefault(one[:-1], one).cycles.append(clock.cycle)
    return list(found.values())


def decided_at(clock: Clock, outcome: Outcome) -> int:
    """The instant by which a stopped clock counts in reports: when it was due if it was breached,
    else when it stopped.
    """
    assert clock.stopped is not None, "it has stopped"
    due = clock.governing.due if outcome is Outcome.BREACHED else None
    return clock.stopped if due is None else due


def ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending ``numbers`` as first and last of each run: ``1, 2, 3, 7`` is ``1-3, 7-7``."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found
