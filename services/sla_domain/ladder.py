"""How far a clock has climbed its ladder: the warnings, the breach, the escalations.

The ladder is that of the primary limit, and the plan's limit has the same steps; the clock reaches
a step when its first limit does. A limit that was broken before it ended may have had other steps:
they are compared by what they are called.
"""

from __future__ import annotations

from sla_domain.clock import Clock, Limit


def reached_steps(clock: Clock, frontier: int) -> int:
    """The number of ladder steps that ``clock`` has reached by ``frontier``."""
    reached = _steps_within(clock.primary, frontier)
    if clock.plan_limit is not None:
        reached = max(reached, _steps_within(clock.plan_limit, frontier))
    if clock.ended_limits:
        ladder = clock.primary.target.ladder
        for place in range(len(ladder) - 1, reached - 1, -1):
            if any(holds(limit, ladder[place].what, frontier) for limit in clock.ended_limits):
                return place + 1
    return reached


def _steps_within(limit: Limit, frontier: int) -> int:
    used = limit.used(frontier)
    reached = 0
    for step in limit.target.ladder:
        if step.amount > used:
            break
        reached += 1
    return reached


def holds(limit: Limit, what: str, at: int) -> bool:
    """Whether ``limit`` has reached the step called so by ``at``."""
    return any(step.what == what and step.amount <= limit.used(at) for step in limit.target.ladder)


def first_reach(clock: Clock, step: int) -> tuple[int | None, Limit]:
    """When ``clock`` reaches a step of its ladder, and the limit that reaches it first."""
    primary, plan_limit = clock.primary, clock.plan_limit
    if clock.ended_limits:
        for limit in clock.ended_limits:
            at = _reached_before_end(limit, primary.target.ladder[step].what)
            if at is not None:
                return at, limit
    at = primary.reaches(primary.target.ladder[step].amount)
    if plan_limit is None:
        return at, primary
    sooner = plan_limit.reaches(plan_limit.target.ladder[step].amount)
    if sooner is None or (at is not None and at <= sooner):
        return at, primary
    return sooner, plan_limit


def _reached_before_end(limit: Limit, what: str) -> int | None:
    """When a limit that has ended had reached the step called so; ``None`` if it had not."""
    assert limit.stopped is not None, "it has ended"
    if not holds(limit, what, limit.stopped):
        return None
    [amount] = [step.amount for step in limit.target.ladder if step.what == what]
    return limit.reaches(amount)
