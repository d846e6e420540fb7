"""More support, more delay, a stricter target: the direction in which the figures may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support import decoded, default_book, lines_of, run, standing_breaches
from support.histories import BEGIN, END, SPAN, histories, moves

from sla_domain.clock import Limit, Pause
from sla_domain.instant import MINUTE
from sla_domain.policy import Plan, Policy, PolicyBook
from sla_domain.target import Boundary, Target
from sla_lab.simulation import simulate

History = list[dict[str, Any]]


def clocks(outputs: Any) -> dict[tuple[str, str, int], dict[str, Any]]:
    return {
        (record["ticket_id"], clock["clock"], clock["cycle"]): clock
        for record in decoded(outputs.tickets)
        for clock in record["clocks"]
    }


def breached(outputs: Any) -> set[tuple[str, str, int]]:
    return {key for key, clock in clocks(outputs).items() if clock["outcome"] == "breached"}


def bought(history: History, plan: str) -> History:
    more = {"plan": plan, "integration": {"built_by": "aivo"}}
    return [
        {**event, "data": {**event["data"], **more}} if event["type"] == "ticket.created" else event
        for event in history
    ]


@settings(max_examples=150)
@given(histories())
def test_buying_more_support_never_moves_a_due_later(history: History) -> None:
    without = run(bought(history, "standard"), END)
    covered = run(bought(history, "integrations_24x7"), END)
    before, after = clocks(without), clocks(covered)
    assert before.keys() == after.keys()
    for key, clock in after.items():
        if clock["due"] is not None and before[key]["due"] is not None:
            assert clock["due"] <= before[key]["due"], key
    assert breached(without) <= breached(covered)


def pauses(at: list[int]) -> list[Pause]:
    """Spans between every two of the instants, the last one open if it has no end."""
    ends: list[int | None] = [*at[1::2]]
    if len(at) % 2:
        ends.append(None)
    return [Pause(start, end, "client", "e") for start, end in zip(at[::2], ends, strict=True)]


@given(
    st.lists(st.integers(0, SPAN // MINUTE), unique=True, max_size=7).map(sorted),
    st.integers(0, 6),
    st.sampled_from(["business", "around_the_clock"]),
    st.integers(1, 50 * 60),
)
def test_one_more_pause_never_moves_a_due_earlier(
    at: list[int], left_out: int, calendar: str, within: int
) -> None:
    policy = default_book().latest
    target = Target.of(within * MINUTE, Boundary.INCLUSIVE, policy.calendars[calendar])
    spans = pauses([BEGIN + minute * MINUTE for minute in at])
    fewer = spans[:left_out] + spans[left_out + 1 :]
    due = Limit("severity", BEGIN, target, "e", spans).due
    sooner = Limit("severity", BEGIN, target, "e", fewer).due
    assert due is None or (sooner is not None and sooner <= due)


@settings(max_examples=150)
@given(histories(), st.data())
def test_a_late_event_and_then_its_duplicate_change_nothing_more(
    history: History, data: st.DataObject
) -> None:
    late = data.draw(moves("A"))
    once, twice = run([*history, late], END), run([*history, late, late], END)
    assert twice.tickets == once.tickets
    assert twice.warnings == once.warnings
    assert twice.breaches == once.breaches
    assert twice.approvals == once.approvals
    assert twice.summary.duplicates == once.summary.duplicates + 1


def tightened(policy: Policy, share: float, *, exclusive: bool) -> Policy:
    """Every target shortened to ``share`` of its length, and perhaps "less than"."""

    def tighter(target: Target) -> Target:
        boundary = Boundary.EXCLUSIVE if exclusive else target.boundary
        within = max(int(target.within * share), 1)
        return Target.of(within, boundary, target.calendar, policy.steps)

    def all_of(targets: Any) -> dict[tuple[str, str], Target]:
        return {key: tighter(target) for key, target in targets.items()}

    plans: dict[str, Plan] = {
        name: replace(plan, targets=all_of(plan.targets)) for name, plan in policy.plans.items()
    }
    return replace(policy, targets=all_of(policy.targets), plans=plans)


@settings(max_examples=150)
@given(histories(), st.floats(0.01, 1), st.booleans())
def test_a_stricter_policy_never_has_fewer_breaches(
    history: History, share: float, exclusive: Any
) -> None:
    stricter = PolicyBook([tightened(default_book().latest, share, exclusive=exclusive)])
    usual = run(history, END)
    tight = simulate(lines_of(history), stricter, partitions=3, until=END)
    assert breached(usual) <= breached(tight)
    assert set(standing_breaches(usual)) <= set(standing_breaches(tight))
