"""A recording through a running Kafka and its trackers, read to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition

from sla_domain.alert import AlertKind
from sla_domain.policy import PolicyBook
from sla_engine.wire.alerts import read_alert_kind
from sla_engine.wire.progress import read_progress
from sla_kafka.reading import end_offsets, follower, read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.errors import CommandError
from sla_lab.feed import Feed
from sla_lab.progress import working
from sla_lab.recording import Line, Recorded
from sla_lab.simulation import Outputs, dead_letter_line, is_valid, within
from sla_schemas.topics import (
    APPROVALS,
    BREACHES,
    DEAD_LETTERS,
    EVENTS,
    PROGRESS,
    TICKETS,
    WARNINGS,
)

#: Seconds without any progress after which a replay gives up.
STALLED_SECONDS: Final = 60.0


async def replay_through(
    settings: KafkaSettings,
    lines: Iterable[Line],
    book: PolicyBook,
    until: int | None,
    check: Callable[[], None] = lambda: None,
) -> Outputs:
    """Publish ``lines`` and wait until replaying trackers have processed them; what came of it.

    ``check`` is called while waiting and may raise.
    """
    ends = await end_offsets(settings, EVENTS.name)
    starts = await output_ends(settings)
    started = time.perf_counter()
    async with Feed(settings) as feed:
        last = await _publish(feed, lines, book, until)
        await feed.move_frontier(until if until is not None else last)
        sent = feed.sent
    goals = await end_offsets(settings, EVENTS.name)
    await wait_for_progress(settings, ends, goals, check)
    seconds = time.perf_counter() - started
    outputs = await collect(settings, starts)
    outputs.summary.events = sent
    outputs.summary.took(seconds)
    return outputs


async def _publish(feed: Feed, lines: Iterable[Line], book: PolicyBook, until: int | None) -> int:
    """Send ``lines``; answers when the last valid event of all occurred."""
    last = 0
    with working("publishing events") as progress:
        for line in lines:
            if not within(line, until):
                continue
            if (
                line.occurred is not None
                and line.occurred > last
                and (is_valid(Recorded(EVENTS.name, 0, 0, 0, line.key, line.value, []), book))
            ):
                last = line.occurred
            await feed.add(line)
            if feed.sent % 5000 == 0:
                progress(feed.sent)
    return last


async def wait_for_progress(
    settings: KafkaSettings,
    begun: dict[TopicPartition, int],
    goals: dict[TopicPartition, int],
    check: Callable[[], None],
) -> None:
    """Until the progress of every partition has come from ``begun`` to ``goals``.

    Raises ``CommandError`` when nothing moves for too long, and whatever ``check`` raises.
    """
    total = sum(goals.values()) - sum(begun.values())
    reached = {partition.partition: 0 for partition in goals}
    wanted = {partition.partition: end for partition, end in goals.items()}
    moved = time.monotonic()
    async with follower(settings, [PROGRESS.name]) as consumer:
        with working("processing", total) as progress:
            while any(reached[number] < end for number, end in wanted.items()):
                check()
                found = await consumer.getmany(timeout_ms=200)
                for records in found.values():
                    for record in records:
                        if record.value is not None:
                            reached[record.partition] = read_progress(record.value).offset
                    moved = time.monotonic()
                progress(sum(reached.values()) - sum(begun.values()))
                if time.monotonic() - moved > STALLED_SECONDS:
                    raise CommandError(
                        f"nothing was processed for {STALLED_SECONDS:.0f} s; check that a tracker "
                        "is running there with --replay"
                    )


async def output_ends(settings: KafkaSettings) -> dict[str, dict[TopicPartition, int]]:
    """Where the topics that ``collect`` reads end now."""
    topics = (WARNINGS, BREACHES, APPROVALS, TICKETS, DEAD_LETTERS)
    return {topic.name: await end_offsets(settings, topic.name) for topic in topics}


async def collect(settings: KafkaSettings, starts: dict[str, dict[TopicPartition, int]]) -> Outputs:
    """What trackers wrote since ``starts``: the files and counts of ``sla simulate``."""
    outputs = Outputs()
    kinds: list[AlertKind] = []
    alerts = (
        (WARNINGS, outputs.warnings),
        (BREACHES, outputs.breaches),
        (APPROVALS, outputs.approvals),
    )
    for topic, lines in alerts:
        for record in await read_topic(settings, topic.name, starts[topic.name]):
            lines.append(record.value)
            kinds.append(read_alert_kind(record.value))
    outputs.summary.count_alerts(kinds)
    for record in await read_topic(settings, DEAD_LETTERS.name, starts[DEAD_LETTERS.name]):
        outputs.dead_letters.append(dead_letter_line(record.key, record.value, record.headers))
    outputs.summary.dead_letters = len(outputs.dead_letters)
    tickets: dict[bytes, bytes] = {}
    for record in await read_topic(settings, TICKETS.name, starts[TICKETS.name]):
        # A tombstone ends a ticket's life in the table; its last line stays.
        tickets[record.key] = record.value or tickets.get(record.key, b"")
    outputs.tickets = [line for line in tickets.values() if line]
    outputs.summary.tickets = len(outputs.tickets)
    for record in _last_by_partition(await read_topic(settings, PROGRESS.name)):
        counts = read_progress(record.value).counts
        outputs.summary.duplicates += counts.duplicates + counts.conflicts
    return outputs


def _last_by_partition(records: Iterable[ConsumerRecord]) -> Iterable[ConsumerRecord]:
    return {record.partition: record for record in records}.values()
