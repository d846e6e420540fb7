"""External failures of a tracker: each gives one clear message, and does no harm."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from support import POLICY, event
from support.cli import sla
from support.live import (
    PARTITIONS,
    ago,
    ended,
    keyed,
    log_lines,
    publish,
    records_of,
    table_row,
    until,
)

from sla_engine.wire.progress import read_progress
from sla_kafka.admin import NOT_SEEN, admin_client, create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.partitioning import partition_for
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import TrackerProcess
from sla_schemas.topics import BREACHES, EVENTS, PROGRESS, TICKETS, TOPICS, WARNINGS, Topic

pytestmark = pytest.mark.kafka
TICKET = "UNLUCKY-1"


class Scene:
    """A broker with topics, and trackers one after the other."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.broker = EmbeddedKafka(directory / "kafka").start()
        self.settings = KafkaSettings(bootstrap=self.broker.bootstrap)
        self.trackers: list[TrackerProcess] = []
        asyncio.run(create_topics(self.settings, PARTITIONS))

    def tracker(self, *, ready: bool = True, policies: tuple[Path, ...] = ()) -> TrackerProcess:
        log = self.directory / f"tracker-{len(self.trackers)}.log"
        started = TrackerProcess(self.broker.bootstrap, log, replay=False, policies=policies)
        self.trackers.append(started)
        if ready:
            started.wait_until_ready()
        return started

    def with_an_open_ticket(self) -> None:
        """A ticket in the table, and a tracker that has ended in order."""
        tracker = self.tracker()
        self.publish(event("created", ago(seconds=5), TICKET, severity="low"))
        self.row()
        assert tracker.stop() == 0

    def publish(self, *events: dict[str, Any]) -> None:
        asyncio.run(publish(self.settings, keyed(*events)))

    def row(self, events: int = 1) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            row = await table_row(self.settings, TICKET)
            return row if row and len(row["timeline"]) >= events else None

        return asyncio.run(until(look))

    def alerts(self) -> list[str]:
        """Every alert in the topics, in order."""

        async def read() -> list[str]:
            found = [
                record
                for topic in (WARNINGS, BREACHES)
                for record in await read_topic(self.settings, topic.name)
            ]
            told = [json.loads(record.value) for record in found]
            return sorted(f"{each['type']} {each['id']}" for each in told)

        return asyncio.run(read())

    def close(self) -> None:
        for tracker in self.trackers:
            tracker.stop()
        self.broker.stop()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    try:
        yield made
    finally:
        made.close()


async def administer(scene: Scene, *calls: Any) -> None:
    async with admin_client(scene.settings) as client:
        for call in calls:
            await call(client)


def blocker(ticket: str, seconds: float) -> dict[str, Any]:
    """A ticket whose first response is due in so many seconds."""
    communicated = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=seconds)
    told = communicated.isoformat()
    return event("created", ago(seconds=1), ticket, severity="blocker", communicated_at=told)


def test_a_brokers_full_disk_stops_the_clocks_until_there_is_space(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLA_TRACKER_STALLED_SECONDS", "2")
    monkeypatch.setenv("SLA_TRACKER_GIVE_UP_SECONDS", "8")
    monkeypatch.setenv("SLA_TRACKER_CALL_SECONDS", "3")
    tracker = scene.tracker()
    scene.publish(blocker(TICKET, seconds=5))
    scene.row()
    # No file may grow any more. The broker gives its only disk up and ends, as on a full one.
    resource.prlimit(scene.broker.pid, resource.RLIMIT_FSIZE, (1, 1))

    async def unready() -> bool | None:
        status, body = await asyncio.to_thread(tracker.get, "/readyz")
        return True if status == 503 and "stalled" in body else None

    assert asyncio.run(until(unready))

    async def waiting() -> bool | None:
        told = [line["message"] for line in log_lines(tracker)]
        return True if "no broker answers; waiting for one" in told else None

    assert asyncio.run(until(waiting, seconds=60))
    told = [line for line in log_lines(tracker) if line["message"] == "partition stalled"]
    assert len(told) == PARTITIONS, "each once"
    assert tracker.exit_status is None, "nobody may be there to start it anew"
    scene.broker.kill()
    scene.broker.start()

    async def breach() -> int | None:
        return len(await records_of(scene.settings, BREACHES.name, TICKET)) or None

    assert asyncio.run(until(breach)) == 1
    alerts = scene.alerts()
    assert len(set(alerts)) == len(alerts)


def test_a_table_topic_deleted_under_a_tracker_ends_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLA_TRACKER_CALL_SECONDS", "2")
    tracker = scene.tracker()
    scene.publish(event("created", ago(seconds=5), TICKET, severity="low"))
    scene.row()
    asyncio.run(administer(scene, lambda client: client.delete_topics([TICKETS.name])))
    scene.publish(event("assigned", ago(seconds=1), TICKET))
    assert f"topic {TICKETS.name}" in (reason := ended(tracker))
    assert NOT_SEEN in reason
    assert "sla topics create" in reason
    # Created again it is empty, though there was a ticket: going on would forget it.
    asyncio.run(create_topics(scene.settings, PARTITIONS))
    reason = ended(scene.tracker(ready=False))
    assert "has 0 tickets" in reason
    assert "but 1 had been written" in reason
    assert scene.alerts() == []


def test_topics_not_as_they_must_be_are_told_before_anything_is_read(
    scene: Scene,
) -> None:
    for topic, right, wrong in (
        (TICKETS.name, "compact", "delete"),
        (EVENTS.name, "delete", "compact"),
    ):
        asyncio.run(administer(scene, _cleaned(topic, wrong)))
        reason = ended(scene.tracker(ready=False))
        assert f"topic {topic}" in reason
        assert f"cleanup.policy is {wrong}, must be {right}" in reason
        assert "kafka-configs.sh" in reason
        config = dict(_defined(topic).config)
        asyncio.run(administer(scene, _configured(topic, config)))

    async def recreate(client: AIOKafkaAdminClient) -> None:
        await client.delete_topics([TICKETS.name])

        async def gone() -> bool | None:
            return True if TICKETS.name not in await client.list_topics() else None

        await until(gone)
        await client.create_topics(
            [NewTopic(TICKETS.name, PARTITIONS + 1, 1, topic_configs={"cleanup.policy": "compact"})]
        )

    asyncio.run(administer(scene, recreate))
    reason = ended(scene.tracker(ready=False))
    assert f"has {PARTITIONS + 1} partitions, but {EVENTS.name} has {PARTITIONS}" in reason


def _defined(topic: str) -> Topic:
    return next(each for each in TOPICS if each.name == topic)


def _cleaned(topic: str, policy: str) -> Any:
    return _configured(topic, {**_defined(topic).config, "cleanup.policy": policy})


def _configured(topic: str, config: dict[str, str]) -> Any:
    given = ConfigResource(ConfigResourceType.TOPIC, topic, config)
    return lambda client: client.alter_configs([given])


def test_partitions_added_to_all_topics_are_told(
    scene: Scene,
) -> None:
    scene.with_an_open_ticket()
    more = {topic: NewPartitions(PARTITIONS + 2) for topic in _all_topics(scene)}
    asyncio.run(administer(scene, lambda client: client.create_partitions(more)))
    reason = ended(scene.tracker(ready=False))
    assert f"has {PARTITIONS + 2} partitions and had {PARTITIONS}" in reason
    assert "fixed for life" in reason


def _all_topics(scene: Scene) -> list[str]:
    async def names() -> list[str]:
        async with admin_client(scene.settings) as client:
            return [name for name in await client.list_topics() if name.startswith("support.")]

    return asyncio.run(names())


def test_input_deleted_before_it_was_read_is_told_and_can_be_skipped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.with_an_open_ticket()
    scene.publish(
        event("assigned", ago(seconds=3), TICKET),
        event("waiting_on_client", ago(seconds=2), TICKET),
    )
    place = TopicPartition(EVENTS.name, partition_for(TICKET.encode(), PARTITIONS))
    asyncio.run(
        administer(scene, lambda client: client.delete_records({place: RecordsToDelete(2)}))
    )
    reason = ended(scene.tracker(ready=False))
    assert f"record 1 of {EVENTS.name} partition 2 was deleted" in reason
    assert "SLA_TRACKER_SKIP_DELETED=1" in reason
    monkeypatch.setenv("SLA_TRACKER_SKIP_DELETED", "1")
    scene.tracker()
    assert [entry[1] for entry in scene.row(2)["timeline"]] == [0, 7], "the table is kept"


def test_group_offsets_that_expired_are_not_needed(scene: Scene) -> None:
    scene.with_an_open_ticket()
    scene.publish(event("assigned", ago(seconds=1), TICKET))

    async def forget() -> None:
        # What expiry does: a tombstone in the group's offsets, here by going back to the start.
        consumer = AIOKafkaConsumer(
            **scene.settings.client_options(), group_id="sla-tracker", enable_auto_commit=False
        )
        await consumer.start()
        places = [TopicPartition(EVENTS.name, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
        await consumer.stop()

    asyncio.run(forget())
    scene.tracker()
    row = scene.row(2)
    assert len(row["timeline"]) == 2
    counts = asyncio.run(_counts(scene))
    assert counts["duplicates"] == 0, "nothing was read twice"


async def _counts(scene: Scene) -> dict[str, int]:
    latest = {
        r.partition: read_progress(r.value) for r in await read_topic(scene.settings, PROGRESS.name)
    }
    return {
        name: sum(getattr(progress.counts, name) for progress in latest.values())
        for name in ("events", "applied", "duplicates")
    }


def test_a_policy_file_broken_at_a_restart_is_told_and_nothing_is_touched(
    scene: Scene, tmp_path: Path
) -> None:
    scene.with_an_open_ticket()
    before = asyncio.run(_counts(scene))
    policy = tmp_path / "mine.toml"
    mistaken = POLICY.read_text().replace('within = "1h"', 'within = "soon"', 1)
    for text, told in (
        (None, "no such file"),
        ("this is no TOML", "a key needs '='"),
        (mistaken, "'soon' is not an amount of time"),
    ):
        if text is not None:
            policy.write_text(text)
        reason = ended(scene.tracker(ready=False, policies=(policy,)))
        assert "mine.toml" in reason
        assert told in reason.lower()
    assert asyncio.run(_counts(scene)) == before
    scene.tracker()
    assert scene.row()["policy"].startswith("aivo@")


def test_a_table_written_by_a_newer_version_is_left_alone(scene: Scene) -> None:
    scene.with_an_open_ticket()
    [record] = asyncio.run(records_of(scene.settings, TICKETS.name, TICKET))
    newer = {**json.loads(record.value), "state_version": 99}

    async def overwrite(topic: str, key: bytes, value: dict[str, Any]) -> None:
        producer = AIOKafkaProducer(**scene.settings.client_options())
        await producer.start()
        await producer.send_and_wait(
            topic, json.dumps(value).encode(), key, partition=record.partition
        )
        await producer.stop()

    asyncio.run(overwrite(TICKETS.name, TICKET.encode(), newer))
    reason = ended(scene.tracker(ready=False))
    assert f"ticket {TICKET} in {TICKETS.name} has form 99" in reason
    assert "start the version of the tracker that wrote it" in reason
    explained = ("explain", TICKET, "--bootstrap", scene.settings.bootstrap)
    assert sla(*explained, status=1).stderr.decode() == f"sla: {reason}\n"
    # A form that has moved a field can't be read as ours, and is named all the same.
    moved = {"state_version": 99, "timeline": {"events": []}}
    asyncio.run(overwrite(TICKETS.name, TICKET.encode(), moved))
    assert "has form 99" in ended(scene.tracker(ready=False))
    assert b"has form 99" in sla(*explained, status=1).stderr
    asyncio.run(overwrite(TICKETS.name, TICKET.encode(), {"timeline": "mine"}))
    assert "was not written by a tracker" in ended(scene.tracker(ready=False))
    told = sla(*explained, status=1).stderr.decode()
    assert f"the record of ticket '{TICKET}' in {TICKETS.name} was not written by a tracker" in told
    assert len(told.splitlines()) == 1
    progress = {"offset": 1, "frontier": None, "counts": {}, "state_version": 99}
    asyncio.run(overwrite(PROGRESS.name, b"sla-tracker", progress))
    assert f"the progress in {PROGRESS.name} has form 99" in ended(scene.tracker(ready=False))


#: Turns the clock of a Python process by as many seconds as the file named in SHIFT_FILE says.
SHIFTED_CLOCK = """
import os, time
_file, _time, _time_ns = os.environ["SHIFT_FILE"], time.time, time.time_ns

def _shift():
    try:
        with open(_file) as shift:
            return int(shift.read() or 0)
    except FileNotFoundError:
        return 0

time.time = lambda: _time() + _shift()
time.time_ns = lambda: _time_ns() + _shift() * 1_000_000_000
"""
DAY = 86_400


def test_a_clock_that_is_a_day_wrong_makes_no_alert_and_holds_none_back(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHIFTED_CLOCK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SHIFT_FILE", str(tmp_path / "shift"))
    turn = tmp_path / "shift"
    turn.write_text(str(DAY))
    tracker = scene.tracker()
    scene.publish(blocker("DUE-LATER", seconds=3600))

    def moved() -> list[int]:
        told = [line for line in log_lines(tracker) if "clock was changed" in line["message"]]
        return [line["milliseconds"] for line in told]

    def fires(ticket: str) -> None:
        async def breach() -> int | None:
            return len(await records_of(scene.settings, BREACHES.name, ticket)) or None

        scene.publish(blocker(ticket, seconds=3))
        assert asyncio.run(until(breach, 20)) == 1

    fires("WRONG-FROM-THE-START")
    assert moved() == []
    for number, now in enumerate((-DAY, DAY), 1):
        turn.write_text(str(now))
        fires(f"SET-TO-{now}")
        assert number <= len(moved()) <= number * PARTITIONS, "told once by each partition"
        assert abs(moved()[-1] - 2 * now * 1000) < 10_000
    assert asyncio.run(records_of(scene.settings, BREACHES.name, "DUE-LATER")) == []
