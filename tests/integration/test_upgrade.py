"""A tracker of today takes over topics that an older one has written, on a real Kafka."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiokafka import AIOKafkaProducer
from support import lines_of
from support.state_story import END, STATES, THEN, book_of, first_events

from sla_engine.frontier import REPLAY
from sla_engine.memory import STATE_VERSION
from sla_engine.partition import Partition
from sla_engine.wire.alerts import write_alert
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import APP, Harness
from sla_lab.recording import laid_out
from sla_lab.replaying import replay_through
from sla_schemas.topics import EVENTS, PROGRESS, TICKETS

pytestmark = pytest.mark.kafka


async def left_behind(settings: KafkaSettings, version: int) -> None:
    """Have on the topics what a tracker of ``version`` read and wrote."""
    state = STATES / str(version)
    async with AIOKafkaProducer(**settings.client_options()) as sender:
        for line in lines_of(first_events(version)):
            await sender.send_and_wait(EVENTS.name, line.value, key=line.key, partition=0)
        for row in (state / "tickets.jsonl").read_bytes().splitlines():
            key = json.loads(row)["ticket_id"].encode()
            await sender.send_and_wait(TICKETS.name, row, key=key, partition=0)
        progress = (state / "progress.json").read_bytes()
        await sender.send_and_wait(PROGRESS.name, progress, key=APP.encode(), partition=0)


def uninterrupted(version: int) -> list[bytes]:
    """The alerts of the second part, as if there had been one tracker all the time."""
    partition = Partition(0, EVENTS.name, book_of(version), REPLAY)
    first = first_events(version)
    for record in laid_out(lines_of([*first, *THEN]), EVENTS.name, 1):
        if record.offset == len(first):
            partition.drain()
        partition.apply(record)
    partition.advance(END)
    return [write_alert(alert) for alert in partition.drain().alerts]


@pytest.mark.parametrize("version", range(1, STATE_VERSION + 1))
def test_a_tracker_goes_on_with_what_an_older_one_wrote(version: int) -> None:
    book = book_of(version)
    own = STATES / str(version) / "policy.toml"
    policies = [own] if own.exists() else []
    with Harness(partitions=1, trackers=0, policies=policies) as harness:
        asyncio.run(left_behind(harness.settings, version))
        harness.add_tracker(harness.directory / "tracker.log").wait_until_ready()
        lines = lines_of(THEN)
        real = asyncio.run(replay_through(harness.settings, lines, book, END, harness.check))
        rows = asyncio.run(read_topic(harness.settings, TICKETS.name))
    expected = uninterrupted(version)
    assert len(expected) > 10
    assert sorted([*real.warnings, *real.breaches, *real.approvals]) == sorted(expected)
    latest = {row.key: row.value for row in rows if row.value is not None}
    forms = {json.loads(value).get("state_version") for value in latest.values()}
    assert STATE_VERSION in forms
