"""Trackers on the wall clock and a real broker: publishes, and waits for results."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer, ConsumerRecord

from sla_kafka.partitioning import partition_for
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import TrackerProcess
from sla_schemas.topics import EVENTS, MAX_INPUT_BYTES, TICKETS

PARTITIONS = 3
#: The file with the key for erase orders, next to a tracker's log.
ERASE_KEY = "erase.key"
T = TypeVar("T")
Rows = list[tuple[bytes | None, bytes | None]]


def ago(**units: float) -> str:
    """An instant in the past or, with negative units, in the future."""
    return (datetime.now(UTC) - timedelta(**units)).isoformat()


def keyed(*events: dict[str, Any]) -> Rows:
    """Events with their ticket ids as keys."""
    return [(item["subject"].encode(), json.dumps(item).encode()) for item in events]


async def publish(settings: KafkaSettings, records: Rows) -> None:
    """Publish records to the input topic like any producer, each to its key's partition."""
    producer = AIOKafkaProducer(**settings.client_options(), max_request_size=2 * MAX_INPUT_BYTES)
    await producer.start()
    try:
        for key, value in records:
            partition = partition_for(key, PARTITIONS)
            await producer.send_and_wait(EVENTS.name, value, key=key, partition=partition)
    finally:
        await producer.stop()


async def until(look: Callable[[], Awaitable[T | None]], seconds: float = 30) -> T:
    """Poll ``look`` until it returns something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := await look()) is not None:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"nothing found within {seconds} s")


async def records_of(settings: KafkaSettings, topic: str, ticket: str) -> list[ConsumerRecord]:
    """The committed records of ``topic`` with a ticket's key."""
    key = ticket.encode()
    return [record for record in await read_topic(settings, topic) if record.key == key]


async def table_row(settings: KafkaSettings, ticket: str) -> dict[str, Any] | None:
    """The current row of a ticket in the table topic."""
    found = await records_of(settings, TICKETS.name, ticket)
    return json.loads(found[-1].value) if found and found[-1].value else None


def log_lines(tracker: TrackerProcess) -> list[dict[str, Any]]:
    """A tracker's log entries; fails on a stack trace, which is not JSON."""
    return [json.loads(line) for line in tracker.log.read_text().splitlines()]


def ended(tracker: TrackerProcess, seconds: float = 60) -> str:
    """The reason why a tracker exited by itself, with status 1 and one error in its log."""
    deadline = time.monotonic() + seconds
    while tracker.exit_status is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert tracker.exit_status == 1, f"it did not end; its log: {tracker.log.read_text()}"
    lines = log_lines(tracker)
    errors = [line for line in lines if line["level"] == "error"]
    assert lines[-1:] == errors, "one clear message, and it comes last"
    return str(errors[0]["reason"])
