"""A replay through a real broker and real trackers gives the simulation's alerts, byte for byte,
with any number of trackers and despite faults.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from support import event, lines_of, shared_file
from support.cli import sla, sla_json
from support.imports import imported

from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.wire.progress import read_progress
from sla_import.servicenow import ServiceNow
from sla_kafka.reading import end_offsets, read_topic
from sla_lab.feed import Feed
from sla_lab.processes import Harness
from sla_lab.recording import Line, opened, read_lines
from sla_lab.replaying import collect, output_ends, replay_through, wait_for_progress
from sla_lab.simulation import Outputs, simulate
from sla_schemas.topics import EVENTS, PROGRESS

pytestmark = pytest.mark.kafka
PARTITIONS = 6


def assert_same_alerts(real: Outputs, simulated: Outputs) -> None:
    assert real.warnings == simulated.warnings
    assert real.breaches == simulated.breaches
    assert real.approvals == simulated.approvals
    assert real.dead_letters == simulated.dead_letters
    counts = ("events", "duplicates", "tickets", "warnings", "breaches", "retractions", "notices")
    for name in counts:
        assert getattr(real.summary, name) == getattr(simulated.summary, name), name


def of_every_clause() -> list[Line]:
    """Two tickets that the recording has none of: with the guard, notices and approvals."""
    covered = {"plan": "integrations_24x7", "integration": {"built_by": "aivo"}}
    return lines_of(
        [
            event("created", "2016-03-04T20:00:00Z", "G-1", severity="high", **covered),
            event("guard_contacted", "2016-03-04T23:00:00Z", "G-1"),
            event("contact_logged", "2016-03-05T09:00:00Z", "G-1", contact_id="c", medium="meet"),
            event("resolved", "2016-03-05T16:00:00Z", "G-1", origin="client"),
            event("created", "2016-03-05T09:00:00Z", "G-2", channel="fax", requester_id="lucia"),
            event("guard_contacted", "2016-03-05T10:00:00Z", "G-2"),
            event("feature_subscribed", "2016-03-05T11:00:00Z", "G-2", subscriber_id="mateo"),
            event("feature_approved", "2016-03-05T12:00:00Z", "G-2"),
        ]
    )


def hostile_mix(lines: list[Line]) -> list[Line]:
    """Every tenth line again later, some late, and records that can't be used in between."""
    lines = sorted([*lines, *of_every_clause()], key=lambda line: line.occurred or 0)
    late = [line for index, line in enumerate(lines) if index % 20 == 7]
    prompt = [line for index, line in enumerate(lines) if index % 20 != 7]
    bad = lines_of(
        [b"not json", event("teleported", "2016-03-05T12:00:00Z"), event("assigned", "tomorrow")]
    )
    middle = len(prompt) // 2
    return [
        *prompt[:middle],
        *bad,
        *late[: len(late) // 2],
        *prompt[middle:],
        *lines[::10],
        *late[len(late) // 2 :],
    ]


def test_the_commands_agree_on_the_packaged_sample(tmp_path: Path) -> None:
    simulated = sla_json("simulate", "sample", "--out", tmp_path / "simulated")
    replayed = sla_json("replay", "sample", "--out", tmp_path / "replayed")
    for name in ("warnings.jsonl", "breaches.jsonl", "dead_letters.jsonl", "approvals.jsonl"):
        assert (tmp_path / "replayed" / name).read_bytes() == (
            tmp_path / "simulated" / name
        ).read_bytes(), name
    for figure in simulated:
        if not figure.startswith(("seconds", "events_per")):
            assert replayed[figure] == simulated[figure], figure
    assert simulated["breaches"] > 100
    assert simulated["retractions"] > 10


@pytest.mark.parametrize("trackers", [1, 2, 3])
def test_any_number_of_trackers_gives_the_same(book: PolicyBook, trackers: int) -> None:
    path = shared_file("data/uci-incident-event-log.csv.gz")
    lines = hostile_mix(slice_of_the_log(path, 2_000))
    simulated = simulate(lines, book, partitions=PARTITIONS)
    assert simulated.summary.duplicates > 100
    assert simulated.summary.dead_letters == 3
    assert simulated.summary.notices == 4
    assert len(simulated.approvals) == 2
    assert any(b'"limit":"integrations_24x7"' in line for line in simulated.breaches)
    with Harness(partitions=PARTITIONS, trackers=trackers) as harness:
        real = asyncio.run(replay_through(harness.settings, lines, book, None, harness.check))
    assert_same_alerts(real, simulated)


def slice_of_the_log(path: Path, count: int) -> list[Line]:
    with opened(path) as raw:
        head = b"".join(row for _, row in zip(range(3 * count), raw, strict=False))
    events = imported(head, ServiceNow(ZoneInfo("UTC"))).events
    assert len(events) >= count
    return lines_of([json.dumps(item).encode() for item in events[:count]])


def test_trackers_stopped_killed_and_added_in_the_middle_change_nothing(
    book: PolicyBook, tmp_path: Path
) -> None:
    lines = hostile_mix(list(read_lines([Path("sample")])))
    end = parse_instant("2016-04-01T00:00:00Z")
    simulated = simulate(lines, book, partitions=PARTITIONS, until=end)
    third = len(lines) // 3
    with Harness(partitions=PARTITIONS, trackers=1) as harness:
        harness.trackers[0].wait_until_ready()

        async def disturbed() -> Outputs:
            begun = await end_offsets(harness.settings, EVENTS.name)
            starts = await output_ends(harness.settings)
            async with Feed(harness.settings) as feed:
                await publish(feed, lines[:third])
                await wait_until_processed(harness, third // 4)
                harness.trackers[0].kill()
                second = harness.add_tracker(tmp_path / "second.log")
                await publish(feed, lines[third : 2 * third])
                await wait_until_processed(harness, third + third // 4)
                harness.add_tracker(tmp_path / "third.log").wait_until_ready()
                await publish(feed, lines[2 * third :])
                assert await asyncio.to_thread(second.stop) == 0
                await feed.move_frontier(end)
                sent = feed.sent
            goals = await end_offsets(harness.settings, EVENTS.name)
            await wait_for_progress(harness.settings, begun, goals, lambda: None)
            outputs = await collect(harness.settings, starts)
            outputs.summary.events = sent
            return outputs

        real = asyncio.run(disturbed())
    assert_same_alerts(real, simulated)


async def publish(feed: Feed, lines: list[Line]) -> None:
    for line in lines:
        await feed.add(line)
    await feed.flush()


async def wait_until_processed(harness: Harness, records: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        latest = {}
        for record in await read_topic(harness.settings, PROGRESS.name):
            latest[record.partition] = read_progress(record.value).offset
        if sum(latest.values()) >= records:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{records} records were not processed within {seconds} s")


def test_until_stops_the_clock(tmp_path: Path) -> None:
    stop = "2016-03-07T15:00:00Z"
    early = sla_json("simulate", "sample", "--until", stop, "--out", tmp_path)
    whole = sla_json("simulate", "sample")
    assert 0 < early["breaches"] < whole["breaches"]
    assert early["events"] < whole["events"]
    assert b"2016-03-07T15:00:00.000Z" in (tmp_path / "tickets.jsonl").read_bytes()


def test_replay_without_a_tracker_there_says_so() -> None:
    done = sla("replay", "sample", "--bootstrap", "127.0.0.1:1", status=1)
    assert b"127.0.0.1:1" in done.stderr


def test_the_offsets_a_replay_leaves_for_lag_tools(book: PolicyBook) -> None:
    lines = list(read_lines([Path("sample")]))[:200]
    with Harness(partitions=2) as harness:
        asyncio.run(replay_through(harness.settings, lines, book, None, harness.check))
        ends = asyncio.run(end_offsets(harness.settings, EVENTS.name))
        committed = asyncio.run(group_offsets(harness))
    assert committed == ends


async def group_offsets(harness: Harness) -> dict[object, int]:
    client = AIOKafkaAdminClient(**harness.settings.client_options())
    await client.start()
    try:
        offsets = await client.list_consumer_group_offsets("sla-tracker")
    finally:
        await client.close()
    return {partition: found.offset for partition, found in offsets.items()}
