"""Each guarantee of the protocol, with a real broker."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from support import event, lines_of
from support.cli import sla, sla_json

from sla_domain.instant import DAY, format_instant, parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.effects import Effects
from sla_engine.frontier import REPLAY
from sla_engine.partition import Partition
from sla_engine.wire.progress import Counts, read_progress, write_progress
from sla_kafka.admin import create_topics, topic_states
from sla_kafka.clients import KafkaClients
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.reading import end_offsets, read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.feed import Feed
from sla_lab.processes import TrackerProcess
from sla_lab.recording import Line
from sla_lab.replaying import wait_for_progress
from sla_schemas.topics import EVENTS, MAX_TICKET_BYTES, PROGRESS, TICKETS, TOPICS
from sla_tracker.errors import FatalError
from sla_tracker.restore import restore
from sla_tracker.settings import TrackerSettings
from sla_tracker.transaction import TransactionalWriter

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def settings(kafka: EmbeddedKafka) -> KafkaSettings:
    """How to reach the module's broker, which has the topics."""
    reached = KafkaSettings(bootstrap=kafka.bootstrap)
    asyncio.run(create_topics(reached, 4))
    return reached


def tracker_settings(app: str, **more: object) -> TrackerSettings:
    return TrackerSettings(app=app, replay=True, **more)


async def written(settings: KafkaSettings, app: str) -> list[int]:
    """The offsets an app's progress records tell, in the order committed."""
    return [
        read_progress(record.value).offset
        for record in await read_topic(settings, PROGRESS.name)
        if record.key == app.encode()
    ]


async def test_an_older_owner_is_shut_out_by_the_fence(settings: KafkaSettings) -> None:
    config = tracker_settings("fence")
    older = TransactionalWriter(0, KafkaClients(settings), config)
    await older.fence()
    await older.write(Effects(), 1, write_progress(1, 0, Counts()))
    newer = TransactionalWriter(0, KafkaClients(settings), config)
    await newer.fence()
    try:
        with pytest.raises((KafkaError, AssertionError)):
            await older.write(Effects(), 2, write_progress(2, 0, Counts()))
        await newer.write(Effects(), 3, write_progress(3, 0, Counts()))
        assert await written(settings, "fence") == [1, 3]
    finally:
        await older.close()
        await newer.close()


async def test_a_restore_after_the_fence_sees_the_last_commit(
    settings: KafkaSettings, book: PolicyBook
) -> None:
    config = tracker_settings("restore")
    for offset in range(1, 6):
        writer = TransactionalWriter(1, KafkaClients(settings), config)
        await writer.fence()
        world = Partition(1, EVENTS.name, book, REPLAY)
        assert await restore(world, KafkaClients(settings), config, 4) == (offset - 1 or None)
        await writer.write(Effects(), offset, write_progress(offset, offset, Counts(events=offset)))
        await writer.close()
        assert world.tally.events == offset - 1


async def test_a_record_too_large_fails_the_whole_transaction(settings: KafkaSettings) -> None:
    config = tracker_settings("large")
    writer = TransactionalWriter(2, KafkaClients(settings), config)
    await writer.fence()
    effects = Effects(tickets={"T": b"x" * (MAX_TICKET_BYTES + 1)})
    try:
        # More than the topic takes; the commit by itself would succeed.
        with pytest.raises((KafkaError, AssertionError)):
            await writer.write(effects, 1, write_progress(1, 0, Counts()))
    finally:
        await writer.close()
    again = TransactionalWriter(2, KafkaClients(settings), config)
    await again.fence()
    await again.close()
    assert await written(settings, "large") == []


async def test_tickets_without_progress_stop_everything(
    settings: KafkaSettings, book: PolicyBook
) -> None:
    producer = AIOKafkaProducer(**settings.client_options())
    await producer.start()
    try:
        value = b'{"timeline": [], "sent": []}'
        await producer.send_and_wait(TICKETS.name, value, key=b"T", partition=3)
    finally:
        await producer.stop()
    world = Partition(3, EVENTS.name, book, REPLAY)
    with pytest.raises(FatalError, match=r"1 ticket .* no progress of 'lost'.*SLA_TRACKER_APP"):
        await restore(world, KafkaClients(settings), tracker_settings("lost"), 4)


async def test_letting_go_of_a_producer_never_hangs_even_when_the_broker_does() -> None:
    with EmbeddedKafka() as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap)
        await create_topics(settings, 1)
        writer = TransactionalWriter(
            0, KafkaClients(settings), tracker_settings("frozen", call_seconds=3)
        )
        await writer.fence()
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                await writer.write(Effects(), 1, write_progress(1, 0, Counts()))
            await writer.close()
            assert time.monotonic() - started < 10
        finally:
            os.kill(broker.pid, signal.SIGCONT)


def replayed(
    lines: list[Line], end: int, directory: Path, partitions: int = 1, **environment: str
) -> tuple[dict[bytes, bytes | None], TrackerProcess]:
    """The ticket table after a replay, and the tracker that made it."""
    with EmbeddedKafka() as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap)
        asyncio.run(create_topics(settings, partitions))
        old = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            tracker = TrackerProcess(broker.bootstrap, directory / "tracker.log")
        finally:
            for name, value in old.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})

        async def go() -> dict[bytes, bytes | None]:
            begun = await end_offsets(settings, EVENTS.name)
            async with Feed(settings) as feed:
                for line in lines:
                    await feed.add(line)
                await feed.move_frontier(end)
            goals = await end_offsets(settings, EVENTS.name)
            await wait_for_progress(settings, begun, goals, tracker.check)
            return {r.key: r.value for r in await read_topic(settings, TICKETS.name)}

        try:
            return asyncio.run(go()), tracker
        finally:
            tracker.stop()


def test_a_resolved_ticket_leaves_the_table_after_its_retention(tmp_path: Path) -> None:
    begin = parse_instant("2026-01-05T12:00:00Z")
    lines = lines_of(
        [
            event("created", format_instant(begin), "DONE"),
            event("created", format_instant(begin), "OPEN"),
            event("resolved", format_instant(begin + 1000), "DONE"),
        ]
    )
    table, _ = replayed(lines, begin + 90 * DAY, tmp_path)
    assert table[b"DONE"] is not None
    table, _ = replayed(lines, begin + 1000 + 90 * DAY, tmp_path)
    assert table[b"DONE"] is None
    assert table[b"OPEN"] is not None


def test_a_source_of_rubbish_is_told_of_and_holds_nobody_up(tmp_path: Path) -> None:
    rubbish = [Line(None, b'{"source": "/rubbish"}', None)] * 1000
    good = lines_of([event("created", "2026-01-05T12:00:00Z", "GOOD", severity="low")])
    table, _ = replayed([*rubbish, *good], parse_instant("2026-01-05T12:00:00Z"), tmp_path)
    assert table.keys() == {b"GOOD"}
    log = (tmp_path / "tracker.log").read_text()
    assert log.count("most records of a source can't be used") == 1
    assert '"source": "/rubbish"' in log
    assert "sla dlq list" in log


async def test_topics_are_as_defined_and_a_wrong_one_is_told() -> None:
    with EmbeddedKafka() as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap)
        checks = await asyncio.to_thread(
            sla_json, "doctor", "--bootstrap", broker.bootstrap, status=1
        )
        missing = [check for check in checks if not check["ok"]]
        assert {check["check"] for check in missing} == {
            "tracker",
            *(topic.name for topic in TOPICS),
        }
        assert all("sla topics create" in check["detail"] for check in missing)
        client = AIOKafkaAdminClient(**settings.client_options())
        await client.start()
        await client.create_topics([NewTopic(EVENTS.name, 5, 1)])
        await client.close()
        created = await asyncio.to_thread(
            sla_json, "topics", "create", "--bootstrap", broker.bootstrap, "--partitions", "4"
        )
        assert EVENTS.name not in created["created"]
        assert len(created["created"]) == len(TOPICS) - 1
        wrong = {state.topic.name: list(state.wrong) for state in await topic_states(settings)}
        assert any("LogAppendTime" in text for text in wrong.pop(EVENTS.name))
        done = await asyncio.to_thread(sla, "doctor", "--bootstrap", broker.bootstrap, status=1)
        assert b"message.timestamp.type is CreateTime" in done.stdout


def test_a_broker_killed_and_started_again_keeps_its_data(tmp_path: Path) -> None:
    broker = EmbeddedKafka(tmp_path / "kafka")
    settings = KafkaSettings(bootstrap=broker.bootstrap)
    try:
        broker.start()
        asyncio.run(create_topics(settings, 1))

        async def send() -> None:
            async with Feed(settings) as feed:
                await feed.add(Line(b"T", b"kept", None))
                await feed.flush()

        asyncio.run(send())
        broker.kill()
        broker.start()
        [record] = asyncio.run(read_topic(settings, EVENTS.name))
        assert record.value == b"kept"
    finally:
        broker.stop()
    assert not list(tmp_path.rglob(".lock"))


def test_a_cluster_id_that_begins_with_a_dash_is_no_option() -> None:
    with EmbeddedKafka(cluster_id="-Ab9fJ0RT3mKq1x2y3z4wA") as broker:
        assert broker.bootstrap
