"""Questions about business time: each is answered, or rejected with a message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import POLICY

from sla_cli.batch import answer
from sla_lab.errors import UsageError
from sla_policy.loading import load_policy

BUSINESS = load_policy(POLICY).calendars["business"]
START = "2026-11-20T17:30:00Z"
OWN = {"timezone": "UTC", "hours": {"mon": [["09:00", "10:00"]]}}
PAUSE = {"op": "elapsed", "start": START, "end": START}


def asked(question: Any, kind: str = "add") -> str:
    line = question if isinstance(question, bytes) else json.dumps(question).encode()
    return answer(line, "questions:7", BUSINESS, kind)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ([1], "the question is not a JSON object; write it in braces"),
        ({"input": 5}, "input is not a JSON object; write it in braces"),
        ({"minutes": 5}, "'start' is missing"),
        ({"start": START}, "no amount of time is given; give duration, seconds or minutes"),
        ({"start": START, "minutes": "x"}, "minutes 'x' is not a whole number"),
        ({"start": START, "minutes": 1.5}, "minutes 1.5 is not a whole number"),
        ({"start": START, "minutes": float("inf")}, "minutes inf is not a whole number"),
        ({"start": 5, "minutes": 5}, "start 5 is not a time with an offset; write it like"),
        ({"start": "2026-11-20", "minutes": 5}, "'2026-11-20' is not a time with an offset"),
        ({"start": START, "duration": 5}, "'5' is not an amount of time; write it like '8h'"),
        ({"start": START, "duration": "99999d"}, "calendar 'business' does not open that often"),
        ({"kind": "sum", "start": START}, "kind 'sum' is not one of add, between, pause"),
        ({"kind": "pause", "start": START, "op": "x"}, "op 'x' is not one of deadline, elapsed"),
        (
            {"kind": "pause", "input": {**PAUSE, "pauses": 1}},
            "pauses is not a JSON array; write it in brackets",
        ),
        ({"kind": "pause", "input": {**PAUSE, "pauses": [1]}}, "a pause is not a JSON object"),
        ({"calendar": 5}, "calendar is not a JSON object; write it in braces"),
        ({"calendar": {"hours": {}}}, "'timezone' is missing"),
        ({"calendar": {**OWN, "timezone": "Mars"}}, "calendar.timezone: 'Mars' is not a time zone"),
        (
            {"calendar": {**OWN, "hours": {"monday": []}}},
            "calendar.hours: 'monday' is not a day of the week; did you mean 'mon'?",
        ),
        ({"calendar": {**OWN, "hours": {}}}, "calendar: the calendar never opens"),
        ({"calendar": {**OWN, "holidays": ["x"]}}, "calendar.holidays.0: 'x' is not a date"),
        (b"{bad", "not JSON, column 2"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_question_is_told_in_one_sentence(question: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        asked(question)
    message = str(error.value)
    assert message.startswith(f"questions:7: {told}") or told in message
    assert message.startswith("questions:7: ")
    assert "\n" not in message


NAMES = st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
WELL: dict[str, Any] = {
    "kind": "pause",
    "calendar": {**OWN, "holidays": ["2026-12-24"], "overrides": {"2026-12-25": []}, "day": "1h"},
    "input": {**PAUSE, "minutes": 5, "pauses": [{"from": START, "to": START}]},
}
KEYS = [*WELL, *WELL["calendar"], *WELL["input"]]


@given(
    st.sampled_from(["add", "between", "pause"]),
    st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1),
)
def test_no_question_ends_in_a_stack_trace(kind: str, wrong: dict[str, Any]) -> None:
    question = {
        name: {**part, **wrong} if isinstance(part, dict) else part for name, part in WELL.items()
    }
    whole = {name: value for name, value in wrong.items() if name in WELL}
    try:
        said = asked({**question, "kind": kind, **whole})
    except UsageError as error:
        said = str(error)
    assert "\n" not in said
