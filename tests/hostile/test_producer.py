"""A hostile producer on the input topic of a real tracker: the tracker skips and reports whatever
it sends, and processes other events as usual.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record._crc32c import crc
from support import event
from support.live import PARTITIONS, ago, keyed, publish, table_row, until

from sla_engine.memory import values_of
from sla_kafka.partitioning import partition_for
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import TrackerProcess
from sla_schemas.headers import DETAIL_HEADER, LENGTH_HEADER, REASON_HEADER
from sla_schemas.topics import DEAD_LETTERS, EVENTS

pytestmark = pytest.mark.kafka
NEIGHBOUR = "NEIGHBOUR"
PARTITION = partition_for(NEIGHBOUR.encode(), PARTITIONS)


async def send(
    settings: KafkaSettings,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]] = (),
    compression: str | None = None,
    patch: tuple[bytes, bytes] | None = None,
) -> None:
    """One record, on the neighbour's partition; ``patch`` is put in place of bytes of it, as a
    client that does not care for the protocol would.
    """
    producer = AIOKafkaProducer(
        **settings.client_options(), max_request_size=64 * 1024 * 1024, compression_type=compression
    )
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=key, value=value, headers=list(headers))
        batch.close()
        if patch is not None:
            build = batch._build

            def patched() -> Any:
                built = bytearray(bytes(build()).replace(*patch))
                built[17:21] = struct.pack(">I", crc(bytes(built[21:])))
                return built

            batch._build = patched
        await (await producer.send_batch(batch, EVENTS.name, partition=PARTITION))
    finally:
        await producer.stop()


def an_event(ticket: str) -> bytes:
    return json.dumps(event("created", ago(seconds=1), ticket, severity="low")).encode()


ATTACKS: dict[str, Any] = {
    "twenty megabytes of blanks, compressed": {
        "value": b" " * 20_000_000,
        "compression": "gzip",
    },
    "a key of ten megabytes, compressed": {
        "key": b"k" * 10_000_000,
        "value": b"{}",
        "compression": "gzip",
    },
    "an event under a wrong key with headers of ten megabytes": {
        "key": b"somebody",
        "value": an_event("T-HEADERS"),
        "headers": [("x", b"x" * 10_000_000)],
        "compression": "gzip",
    },
    "a header without a value": {
        "key": b"T-NULL",
        "value": b"{",
        "headers": [("ce_specversion", None), ("x", None)],
    },
    "a header whose name is no text": {
        "key": b"T-NAME",
        "value": b"{",
        "headers": [("XXXXXXXX", b"v")],
        "patch": (b"XXXXXXXX", b"\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc"),
    },
    **{
        f"compressed by {codec}": {"key": b"T-CODEC", "value": b"{" * 9, "compression": codec}
        for codec in ("gzip", "snappy", "lz4", "zstd")
    },
    "ten thousand headers": {
        "key": b"T-MANY",
        "value": b"{",
        "headers": [(f"h{number}", b"v") for number in range(10_000)],
    },
    "brackets": {"key": b"T-DEEP", "value": b"[" * 262_144},
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_no_record_stops_the_partition(
    settings: KafkaSettings, tracker: TrackerProcess, attack: str
) -> None:
    letters = len(await read_topic(settings, DEAD_LETTERS.name))
    await send(settings, **{"key": None, **ATTACKS[attack]})
    # On the same partition, behind it.
    told = event("created", ago(seconds=1), NEIGHBOUR, severity="low")
    await publish(settings, keyed(told))

    async def heard() -> bool | None:
        row = await table_row(settings, NEIGHBOUR)
        heard = row is not None and told["id"] in json.dumps(row["timeline"])
        return True if heard else None

    await until(heard, seconds=60)
    found = (await read_topic(settings, DEAD_LETTERS.name))[letters:]
    assert len(found) == 1
    said = values_of(found[0].headers)
    assert said[REASON_HEADER] in (b"not_json", b"not_cloudevents", b"too_large")
    assert said[DETAIL_HEADER]
    assert len(found[0].value or b"") <= 262_144 or LENGTH_HEADER in said
    assert tracker.exit_status is None
    assert tracker.get("/readyz")[0] == 200
