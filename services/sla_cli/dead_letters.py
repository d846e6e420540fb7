"""Reading the dead-letter topic."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sla_cli.rig import read_topic
from sla_kafka.settings import KafkaSettings
from sla_kafka.topics import DEAD_LETTERS
from sla_tracker.wire.records import (
    DETAIL_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    REASON_HEADER,
    TOPIC_HEADER,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: its place in the topic, why it is there, and the record as it came."""

    id: str
    reason: str
    detail: str
    origin: str
    key: bytes | None
    value: bytes

    def row(self) -> dict[str, object]:
        """As a line of a listing."""
        return {
            "id": self.id,
            "reason": self.reason,
            "detail": self.detail,
            "key": None if self.key is None else self.key.decode("utf-8", "replace"),
            "bytes": len(self.value),
            "origin": self.origin,
        }


def read_letters(settings: KafkaSettings) -> list[Letter]:
    """Every dead letter there is, by partition and offset. An id is ``partition/offset``."""
    letters = []
    for record in asyncio.run(read_topic(settings, DEAD_LETTERS.name)):
        headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
        origin = "/".join(
            headers.get(name, "?") for name in (TOPIC_HEADER, PARTITION_HEADER, OFFSET_HEADER)
        )
        letters.append(
            Letter(
                f"{record.partition}/{record.offset}",
                headers.get(REASON_HEADER, "?"),
                headers.get(DETAIL_HEADER, ""),
                origin,
                record.key,
                record.value or b"",
            )
        )
    return letters
