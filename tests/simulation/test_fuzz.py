"""Invalid records: no exception, no hang, all records counted (``make fuzz`` runs a million)."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from fuzz.check import BEGIN, check
from fuzz.mutation import HOSTILE, corpus
from hypothesis import given
from hypothesis import strategies as st

from sla_domain.policy import PolicyBook
from sla_engine.admission import admit
from sla_engine.wire.events import Received, Rejected
from sla_lab.recording import Recorded
from sla_schemas.topics import EVENTS
from sla_schemas.words import DeadLetterReason

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    # What looks right in the wrong place gets furthest.
    | st.sampled_from([value for value in HOSTILE if not isinstance(value, (list, dict))]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = ("specversion", "id", "source", "type", "subject", "time", "sequence", "data")
TYPES = st.sampled_from(["ticket.created", "ticket.assigned", "ticket.severity_changed", "x"])


def read(value: bytes, book: PolicyBook, headers: list[tuple[str, bytes]] | None = None) -> Any:
    record = Recorded(EVENTS.name, 0, 0, BEGIN, b"T1", value, headers or [])
    told = admit(record, book, replay=False)
    assert isinstance(told, Received | Rejected)
    if isinstance(told, Rejected):
        assert told.reason in get_args(DeadLetterReason)
    return told


@pytest.mark.parametrize("seed", range(4))
def test_mutated_records_are_all_accounted_for(seed: int) -> None:
    tally = check(1_000_000 + seed, 5_000)
    assert tally.applied > 500
    assert tally.duplicates > 20
    assert tally.dead_letters > 500


def test_the_corpus_is_read(book: PolicyBook) -> None:
    assert len(corpus()) > 30
    for value in corpus():
        read(value, book)


@given(event=st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, ANYTHING)), type_=TYPES)
def test_any_json_is_an_event_or_a_reason(
    event: dict[str, Any], type_: str, book: PolicyBook
) -> None:
    read(json.dumps({**event, "type": type_}).encode("utf-8", "surrogatepass"), book)


@given(value=st.binary(max_size=400))
def test_any_bytes_are_an_event_or_a_reason(value: bytes, book: PolicyBook) -> None:
    read(value, book)


@given(
    value=st.binary(max_size=60),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["ce_specversion", "ce_type", "ce_time", "content-type", "x"]),
            st.binary(max_size=40),
        ),
        max_size=6,
    ),
)
def test_any_headers_are_an_event_or_a_reason(
    value: bytes, headers: list[tuple[str, bytes]], book: PolicyBook
) -> None:
    read(value, book, headers)
    read(b'{"client_id": "a", "severity": "high"}', book, headers)
