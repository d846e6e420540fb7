"""The figures of a clock at an instant, as shown in alerts."""

from __future__ import annotations

from collections.abc import Iterator

from sla_domain.alert import (
    ClockSnapshot,
    PauseShown,
)
from sla_domain.clock import Clock, Limit


def limit_called(clock: Clock, name: str) -> Limit:
    """The limit called ``name``, or the primary limit if the clock no longer has it."""
    return next((limit for limit in clock.limits if limit.name == name), clock.primary)


def snapshot(clock: Clock, limit: Limit, at: int) -> ClockSnapshot:
    """The figures of ``limit`` of ``clock`` at ``at``."""
    causes = clock.causes if limit is clock.primary else [*clock.causes, limit.cause]
    return ClockSnapshot(
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
