"""How far a clock has climbed its ladder: the warnings, the breach, the escalations.

The ladders of its limits have the same steps; the clock reaches a step when its first limit does.
"""

from __future__ import annotations

from sla_domain.clock import Clock, Limit


def reached_steps(clock: Clock, frontier: int) -> int:
    """The number of ladder steps that ``clock`` has reached by ``frontier``."""
    reached = _steps_within(clock.primary, frontier)
    if clock.plan_limit is not None:
        reached = max(reached, _steps_within(clock.plan_limit, frontier))
    return reached


def _steps_within(limit: Limit, frontier: int) -> int:
    used = limit.used(frontier)
    reached = 0
    for step in limit.target.ladder:
        if step.amount > used:
            break
        reached += 1
    return reached


def first_reach(clock: Clock, step: int) -> tuple[int | None, Limit]:
    """When ``clock`` reaches a step of its ladder, and the limit that reaches it first."""
    primary, plan_limit = clock.primary, clock.plan_limit
    at = primary.reaches(primary.target.ladder[step].amount)
    if plan_limit is None:
        return at, primary
    sooner = plan_limit.reaches(plan_limit.target.ladder[step].amount)
    if sooner is None or (at is not None and at <= sooner):
        return at, primary
    return sooner, plan_limit
