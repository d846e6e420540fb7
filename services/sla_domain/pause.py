"""The pauses of a clock: while it waits for a party, and time that was agreed not to count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sla_domain.granted_exceptions import GrantedException
from sla_domain.instant import LATEST

#: Whom a resolved ticket waits for, in the pause of a clock that goes on after a reopening.
NOBODY: Final = "nobody"
#: To whom the time of a granted exception is attributed.
AGREED: Final = "agreed"


@dataclass(slots=True)
class Pause:
    """A period that does not count, its party, and the events that began and ended it.

    ``end`` is ``None`` while the pause is open.
    """

    start: int
    end: int | None
    party: str
    begun_by: str
    ended_by: str | None = None


def with_agreed(
    waits: Sequence[Pause], granted: Iterable[GrantedException], start: int, end: int
) -> list[Pause]:
    """The waits of a clock and, where it does not wait, what was agreed within ``[start, end)``, in
    the order of time. An agreed pause that does not end is open.
    """
    found = list(waits)
    for exception in granted:
        free = [(max(start, exception.start), min(end, exception.end))]
        for pause in found:
            free = [part for span in free for part in _outside(pause, *span)]
        found += [
            Pause(begun, None if ended == LATEST else ended, AGREED, exception.cause)
            for begun, ended in free
            if begun < ended
        ]
    return sorted(found, key=lambda pause: pause.start)


def _outside(pause: Pause, start: int, end: int) -> list[tuple[int, int]]:
    """The parts of ``[start, end)`` before and after a pause."""
    pause_end = LATEST if pause.end is None else pause.end
    return [(start, min(end, pause.start)), (max(start, pause_end), end)]
