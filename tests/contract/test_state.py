"""A table written by an older version is read by this one, with the same results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import state_story
from support.state_story import END, STATES, book_of, first_part, records

from sla_engine.frontier import TimeRule
from sla_engine.memory import STATE_VERSION, NewerStateError, NotOursError, read_stored
from sla_engine.partition import Partition
from sla_engine.wire.alerts import write_alert
from sla_engine.wire.progress import read_progress
from sla_schemas.topics import EVENTS

VERSIONS = sorted(int(path.name) for path in STATES.iterdir())


def alerts_of_the_rest(partition: Partition, version: int) -> list[bytes]:
    for record in records(version, then=True):
        partition.apply(record)
    partition.caught_up(END)
    return [write_alert(alert) for alert in partition.drain().alerts]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_any_version_stored_is_gone_on_from(version: int) -> None:
    progress = read_progress((STATES / str(version) / "progress.json").read_bytes())
    assert progress.state_version == version
    partition = Partition(0, EVENTS.name, book_of(version), TimeRule(0))
    partition.resume(progress.frontier, progress.counts)
    for line in (STATES / str(version) / "tickets.jsonl").read_bytes().splitlines():
        stored = read_stored(line)
        assert stored.state_version == version
        ticket_id = json.loads(line)["ticket_id"]
        partition.restore(ticket_id, stored)
        partition.rejudge(ticket_id)
    uninterrupted = first_part(version)
    uninterrupted.drain()
    expected = alerts_of_the_rest(uninterrupted, version)
    assert len(expected) > 10
    assert alerts_of_the_rest(partition, version) == expected
    assert partition.tally == uninterrupted.tally


def test_the_present_form_has_a_fixture_and_is_what_is_written(tmp_path: Path) -> None:
    """Where this fails, what is stored has changed: raise STATE_VERSION, and add the new form
    beside the old ones with ``python -m support.state_story fixtures/state/N``.
    """
    assert list(range(1, STATE_VERSION + 1)) == VERSIONS
    state_story.write(tmp_path)
    kept = STATES / str(STATE_VERSION)
    for name in ("tickets.jsonl", "progress.json"):
        assert (tmp_path / name).read_bytes() == (kept / name).read_bytes()


def test_a_form_of_the_future_is_refused() -> None:
    with pytest.raises(NewerStateError, match=f"up to {STATE_VERSION}"):
        read_stored(b'{"timeline": [], "state_version": 99}')
    with pytest.raises(NewerStateError, match="form 99"):
        read_stored(b'{"timeline": {"moved": true}, "state_version": 99}')


@pytest.mark.parametrize("value", [b"", b"[]", b'{"timeline": 1}', b'{"timeline": "\xff"}'])
def test_what_no_tracker_wrote_is_told(value: bytes) -> None:
    with pytest.raises(NotOursError):
        read_stored(value)
