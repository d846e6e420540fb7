"""Alerts as the tracker writes them, produced by the engine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from sla_kafka.partitioning import partition_for
from sla_kafka.settings import KafkaSettings
from sla_notifier.alert import Origin, ReceivedAlert
from sla_schemas.topics import Topic
from support import ROOT

EXAMPLES = ROOT / "schemas" / "examples"


def example(name: str, /, ticket: str = "48213", **data: Any) -> dict[str, Any]:
    """A published example of a record, for ``ticket`` and with a unique id."""
    record: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    record["data"] = record["data"] | {"ticket_id": ticket} | data
    record |= {"subject": ticket, "partitionkey": ticket}
    record["id"] = f"{ticket}-{record['type']}-{data.get('occurrence', 1)}"
    record["time"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return record


class Told:
    """A stub for a part of a record; only its ``done`` matters."""

    wanted = True

    def __init__(self, done: Callable[[], None] = lambda: None) -> None:
        self.done = done

    def begin(self) -> bool:
        return True

    def drop(self) -> None: ...


async def nothing_stored(origin: Origin) -> ReceivedAlert:
    """A reader for alerts that were never stored; fails if called."""
    raise AssertionError(f"read again: {origin}")


async def write(
    settings: KafkaSettings,
    topic: Topic,
    records: Iterable[dict[str, Any]],
    partitions: int,
    abort: Sequence[dict[str, Any]] = (),
) -> None:
    """Write ``records`` in one transaction like the tracker, after aborting one with ``abort``."""
    producer = AIOKafkaProducer(
        **settings.client_options(), transactional_id=f"test-{time.monotonic_ns()}"
    )
    await producer.start()
    try:
        for batch, kept in ((abort, False), (list(records), True)):
            if not batch:
                continue
            await producer.begin_transaction()
            for record in batch:
                key = str(record.get("subject", record.get("ticket_id"))).encode()
                await producer.send_and_wait(
                    topic.name,
                    json.dumps(record).encode(),
                    key=key,
                    partition=partition_for(key, partitions),
                )
            await (producer.commit_transaction() if kept else producer.abort_transaction())
    finally:
        await producer.stop()
