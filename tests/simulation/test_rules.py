"""What the rules of clocks promise for any story of a ticket, whatever its contract's figures."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import clocks, decoded, event, run, standing_breaches
from support.contracts import every_rule_book
from support.histories import BEGIN, END, SEVERITIES, STORY, said, stories

from sla_domain.instant import HOUR, MINUTE, format_instant, parse_instant

Story = list[dict[str, Any]]
Clocks = dict[tuple[str, int], dict[str, Any]]

BOOK = every_rule_book()
EXCEPTIONS = ("exception_granted", "exception_withdrawn")


def all_but(*types: str) -> list[str]:
    """The events of stories without those of these types."""
    return [type_ for type_ in STORY if type_ not in types]


#: The hours in which most of a story happens.
instants = st.integers(-6, 30 * 6).map(lambda n: BEGIN + n * 10 * MINUTE)


def judged(story: Story, until: int = END, on_reopen: str | None = None) -> Clocks:
    book = BOOK if on_reopen is None else every_rule_book(on_reopen)
    return clocks(run(story, until, partitions=1, book=book), "A")


def type_of(happened: dict[str, Any]) -> str:
    type_: str = happened["type"].removeprefix("ticket.")
    return type_


def time_of(happened: dict[str, Any]) -> int:
    return parse_instant(happened["time"])


def times_of(story: Story, type_: str) -> set[int]:
    return {time_of(each) for each in story if type_of(each) == type_}


def with_more(story: Story, *more: dict[str, Any]) -> Story:
    return sorted([*story, *more], key=lambda each: each["time"])


@st.composite
def excepted(draw: st.DrawFn) -> dict[str, Any]:
    """An exception beside those of the stories, most often of a span."""
    told = {**draw(said("exception_granted")), "exception_id": "x9"}
    if draw(st.integers(0, 3)):
        begin, lasts = draw(instants), draw(st.sampled_from([1, 10, 60, 300]))
        told |= {"from": format_instant(begin), "until": format_instant(begin + lasts * MINUTE)}
    return event("exception_granted", format_instant(draw(instants)), "A", **told)


waited = st.builds(
    lambda type_, at: event(type_, format_instant(at), "A", party="client"),
    st.sampled_from(["waiting", "waiting_on_client"]),
    instants,
)


@settings(max_examples=800)
@given(stories(), excepted() | waited)
def test_a_pause_or_an_exception_is_never_to_the_vendors_disadvantage(
    story: Story, more: dict[str, Any]
) -> None:
    before, after = judged(story), judged(with_more(story, more))
    for key in before.keys() & after.keys():
        one, other = before[key], after[key]
        if one["due"] is not None and other["due"] is not None:
            assert other["due"] >= one["due"], key
        # A wait lets the next cycle of what repeats begin later: then it is another promise.
        if one["outcome"] == "met" and one["start"] == other["start"]:
            assert other["outcome"] != "breached", key


def broken_before(found: Clocks, at: int) -> dict[tuple[str, int], str]:
    """When each promise was broken that counts from a change of severity, and was by then."""
    return {
        key: clock["breaches_at"]
        for key, clock in found.items()
        if key[0] in ("resolution", "update", "handling")
        and clock["outcome"] == "breached"
        and parse_instant(clock["breaches_at"]) < at
    }


@settings(max_examples=400)
@given(
    stories(all_but("reclassified")),
    st.sampled_from(SEVERITIES),
    instants,
)
def test_a_change_of_severity_breaks_and_mends_nothing_before_it(
    story: Story, severity: str, at: int
) -> None:
    changed = event("severity_changed", format_instant(at), "A", severity=severity)
    before, after = judged(story), judged(with_more(story, changed))
    assert broken_before(after, at) == broken_before(before, at)


@settings(max_examples=400)
@given(stories(all_but("reclassified", *EXCEPTIONS)))
def test_what_goes_on_after_a_reopening_has_used_what_it_had_used(story: Story) -> None:
    for place, each in enumerate(story):
        if type_of(each) == "reopened":
            at = time_of(each)
            had_used = judged(story[:place], at)["workaround", 1]["used_ms"]
            assert judged(story[: place + 1], at)["workaround", 1]["used_ms"] == had_used
            assert judged(story)["workaround", 1]["used_ms"] >= had_used


def cycles_of(found: Clocks, name: str) -> list[tuple[int, int | None]]:
    """The start and the stop of each cycle of a clock, in their order; what happened before the
    communication stopped nothing before the start.
    """
    cycles = []
    for key in sorted(found):
        if key[0] == name and found[key]["start"] is not None:
            start, stopped = parse_instant(found[key]["start"]), found[key]["stopped"]
            cycles.append((start, None if stopped is None else max(parse_instant(stopped), start)))
    return cycles


def waits_of(story: Story) -> list[tuple[int, int]]:
    """From when until when the ticket waited, an open wait without end."""
    spans, begun, resolved = [], None, False
    for each in story:
        type_ = type_of(each)
        if type_ == "cancelled":
            break
        if resolved:
            resolved = type_ != "reopened"
        elif begun is None and type_ in ("waiting", "waiting_on_client"):
            begun = time_of(each)
        elif begun is not None and type_ in ("client_responded", "assigned", "resolved"):
            spans.append((begun, time_of(each)))
            begun = None
        resolved = resolved or type_ == "resolved"
    return spans if begun is None else [*spans, (begun, END)]


UPDATES = [
    "replied", "replied", "waiting", "waiting_on_client", "client_responded", "client_responded",
    "assigned", "resolved", "severity_changed", "cancelled", "queued", "exception_granted",
]  # fmt: skip


@settings(max_examples=400)
@given(stories(UPDATES, one_by_one=True))
def test_repeated_cycles_cover_the_vendors_time_without_gap_or_overlap(story: Story) -> None:
    cycles = cycles_of(judged(story), "update")
    waits, resolved = waits_of(story), times_of(story, "resolved")
    assert bool(cycles) == owed_an_update(story)
    for (_, stopped), (start, _) in pairwise(cycles):
        assert stopped is not None, "one at a time"
        # While the ticket waits nothing is owed.
        assert start == max([stopped, *(end for begin, end in waits if begin <= stopped < end)])
    if cycles and (stopped := cycles[-1][1]) is not None:
        end = min([*resolved, *times_of(story, "cancelled"), END])
        waited = any(begin <= stopped and end <= until for begin, until in waits)
        assert stopped in resolved or waited


def owed_an_update(story: Story) -> bool:
    """Whether a reply came before the ticket was resolved or cancelled."""
    types = [type_of(each) for each in story]
    ends = [types.index(end) for end in ("resolved", "cancelled") if end in types]
    return "replied" in types[: min(ends, default=None)]


def figures(found: Clocks) -> list[Any]:
    return sorted(found.items())


@settings(max_examples=400)
@given(stories(), excepted(), st.integers(0, 12))
def test_an_exception_that_is_taken_back_leaves_no_trace(
    story: Story, granted: dict[str, Any], later: int
) -> None:
    at = time_of(granted) + later * HOUR
    # What comes after a cancellation has no effect, so it can't be taken back any more.
    assume(not any(time_of(granted) <= end < at for end in times_of(story, "cancelled")))
    back = event("exception_withdrawn", format_instant(at), "A", exception_id="x9")
    usual = run(story, END, partitions=1, book=BOOK)
    other = run(with_more(story, granted, back), END, partitions=1, book=BOOK)
    assert figures(clocks(other, "A")) == figures(clocks(usual, "A"))
    assert standing_breaches(other) == standing_breaches(usual)


@settings(max_examples=400)
@given(stories(), excepted())
def test_the_outcome_without_exceptions_is_that_without_their_events(
    story: Story, granted: dict[str, Any]
) -> None:
    outputs = run(with_more(story, granted), END, partitions=1, book=BOOK)
    [record] = decoded(outputs.tickets)
    plain = [each for each in story if type_of(each) not in EXCEPTIONS]
    granted_in_vain = any(end < time_of(granted) for end in times_of(story, "cancelled"))
    about = granted["data"].get("clock")
    # The record tells what held at its own time.
    without = judged(plain, parse_instant(record["as_of"]))
    for key, clock in clocks(outputs, "A").items():
        if clock.get("without_exceptions") is None:
            undecided = clock["start"] is None or without[key]["outcome"] not in ("met", "breached")
            assert granted_in_vain or about not in (None, key[0]) or undecided
        else:
            assert clock["without_exceptions"] == without[key]["outcome"], key


STAYS = [
    "queued", "queued", "queued", "assigned", "resolved", "resolved", "reopened", "reopened",
    "waiting", "client_responded", "cancelled",
]  # fmt: skip


@pytest.mark.parametrize("on_reopen", ["nothing", "new_cycle", "continue"])
@settings(max_examples=400)
@given(stories(STAYS, one_by_one=True))
def test_the_stays_of_teams_lie_end_to_end_while_the_ticket_is_unresolved(
    on_reopen: str, story: Story
) -> None:
    found = judged(story, on_reopen=on_reopen)
    resolved = times_of(story, "resolved")
    cycles = cycles_of(found, "stay")
    for number, ((_, stopped), (start, _)) in enumerate(pairwise(cycles), 1):
        assert stopped is not None, "one at a time"
        if stopped in resolved:
            assert start >= stopped
        else:
            assert start == stopped
            assert found["stay", number]["team"] != found["stay", number + 1]["team"]
    if cycles and cycles[-1][1] is None:
        assert found["stay", len(cycles)]["team"] == teams_of(story)[-1]
    elif cycles:
        assert cycles[-1][1] in resolved


def teams_of(story: Story) -> list[str]:
    """The groups that are told until the ticket is cancelled."""
    ends = min(times_of(story, "cancelled"), default=END)
    told = [each["data"].get("group") for each in story if time_of(each) <= ends]
    return [group for group in told if group is not None]
