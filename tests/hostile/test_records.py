"""No record on the input topic stops a partition, whatever it contains."""

from __future__ import annotations

import json
from hashlib import sha256

from hypothesis import example, given
from hypothesis import strategies as st
from support import default_book, event

from sla_domain.instant import parse_instant
from sla_engine.frontier import REPLAY, TimeRule
from sla_engine.memory import values_of
from sla_engine.partition import Partition
from sla_engine.wire.records import size_of
from sla_lab.recording import Recorded
from sla_schemas.cutting import KEPT_VALUE
from sla_schemas.headers import (
    DETAIL_HEADER,
    ERASE_HEADER,
    LENGTH_HEADER,
    REKEYED_HEADER,
    REPLAY_FRONTIER_HEADER,
    SHA256_HEADER,
)
from sla_schemas.topics import EVENTS, MAX_DEAD_LETTER_BYTES
from sla_tracker.sources import LEAST, SourceCount, SourceWatch

NOW = parse_instant("2026-11-25T14:00:00Z")
EVENT = json.dumps(event("created", "2026-11-25T13:59:00Z", "T", severity="low")).encode()

names = st.sampled_from(
    [
        REPLAY_FRONTIER_HEADER,
        ERASE_HEADER,
        REKEYED_HEADER,
        "ce_specversion",
        "ce_type",
        "ce_id",
        "content-type",
        "traceparent",
    ]
) | st.text(max_size=20)
headers = st.lists(st.tuples(names, st.none() | st.binary(max_size=40)), max_size=6)
values = st.none() | st.binary(max_size=60) | st.just(EVENT)
keys = st.none() | st.binary(max_size=20) | st.just(b"T")


@given(keys, values, headers, st.booleans())
@example(b"T", EVENT, [("ce_specversion", None)], False)
@example(b"other", EVENT, [("x", None)], False)
@example(None, b"", [(REPLAY_FRONTIER_HEADER, b"\xb2")], True)
@example(None, b"", [(REPLAY_FRONTIER_HEADER, b"9" * 40)], True)
@example(None, b"", [(REPLAY_FRONTIER_HEADER, None)], True)
def test_any_record_is_taken_in_and_what_it_was_is_told(
    key: bytes | None,
    value: bytes | None,
    told: list[tuple[str, bytes | None]],
    replay: bool,  # noqa: FBT001  drawn by hypothesis
) -> None:
    partition = Partition(0, EVENTS.name, default_book(), REPLAY if replay else TimeRule())
    partition.apply(Recorded(EVENTS.name, 0, 0, NOW, key, value, told))
    effects, tally = partition.drain(), partition.tally
    counted = tally.applied + tally.rekeyed + tally.dead_letters
    assert counted == tally.events
    assert len(effects.dead_letters) == tally.dead_letters
    assert len(effects.rekeyed) == tally.rekeyed
    # Its neighbour is taken in as ever.
    partition.apply(Recorded(EVENTS.name, 0, 1, NOW, b"T", EVENT, []))
    assert partition.tally.applied >= 1


def rejected(
    key: bytes | None, value: bytes, told: list[tuple[str, bytes | None]]
) -> dict[str, bytes]:
    """The headers of the dead letter that a record becomes."""
    partition = Partition(0, EVENTS.name, default_book(), TimeRule())
    partition.apply(Recorded(EVENTS.name, 0, 0, NOW, key, value, told))
    [letter] = partition.drain().dead_letters
    assert size_of(letter.key, letter.value, letter.headers) < MAX_DEAD_LETTER_BYTES
    found = values_of(letter.headers)
    if LENGTH_HEADER in found:
        assert letter.value == value[:KEPT_VALUE]
    return found


def test_a_dead_letter_that_is_too_large_is_cut_and_says_what_it_was() -> None:
    found = rejected(b"T", b" " * 20_000_000, [])
    assert found[LENGTH_HEADER] == b"20000000"
    assert found[SHA256_HEADER] == sha256(b" " * 20_000_000).hexdigest().encode()


def test_so_are_its_key_and_its_headers() -> None:
    many: list[tuple[str, bytes | None]] = [(f"h{number}", b"x" * 1000) for number in range(9000)]
    assert LENGTH_HEADER in rejected(b"k" * 5_000_000, b"{", [])
    assert LENGTH_HEADER in rejected(b"T", b"{", many)
    assert LENGTH_HEADER not in rejected(b"T", b"{", many[:100])


def test_an_event_with_large_headers_is_not_sent_on_under_its_right_key() -> None:
    found = rejected(b"somebody", EVENT, [("x", b"x" * 1_500_000)])
    assert b"at most" in found[DETAIL_HEADER]


def test_a_source_mostly_refused_is_told_of_once_and_others_are_not() -> None:
    watch = SourceWatch(0.5)
    assert (
        watch.count({"/good": SourceCount(5000, 10), "/bad": SourceCount(LEAST - 1, LEAST - 1)})
        == []
    )
    assert watch.count({"/bad": SourceCount(1, 1)}) == [("/bad", SourceCount(LEAST, LEAST))]
    assert watch.count({"/bad": SourceCount(1, 1), "/good": SourceCount(1, 1)}) == []
    assert watch.refused == {"/bad"}
    watch.count({"/bad": SourceCount(4000, 0)})
    assert watch.refused == set()


def test_sources_that_are_made_up_do_not_fill_the_memory() -> None:
    watch = SourceWatch(0.5)
    for number in range(20):
        watch.count({f"/{number}/{each}": SourceCount(1, 1) for each in range(500)})
    assert len(watch._counts) <= 1000
