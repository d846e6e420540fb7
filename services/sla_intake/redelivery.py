"""A dead letter of the intake, read again through its source's mapping as it was delivered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from sla_config.errors import UserFacingError
from sla_intake.arrival import arrival_text
from sla_intake.reading import understood
from sla_intake.sources import Source
from sla_schemas.events import TYPE_PREFIX
from sla_schemas.headers import (
    ARRIVED_HEADER,
    HTTP_HEADER_PREFIX,
    HTTP_ORIGIN,
    LACKING_HEADER,
    TOPIC_HEADER,
)

Headers = Iterable[tuple[str, bytes]]


class RedeliveryError(UserFacingError):
    """The letter can't be retried; the message says why and what would help."""


class Record(NamedTuple):
    """What goes to the events topic, under its ticket's key."""

    key: bytes
    value: bytes


def is_delivery(headers: Headers) -> bool:
    """Whether a dead letter with these headers is one of the intake."""
    return any(
        name == TOPIC_HEADER and value.startswith(HTTP_ORIGIN.encode()) for name, value in headers
    )


def redelivered(
    headers: Headers, body: bytes, appended: int, sources: Iterable[Source]
) -> list[Record]:
    """The records that a dead letter of the intake comes to with the mappings of today, none where
    nothing of it concerns a promise.

    ``headers`` and ``body`` are those of its record, which was ``appended`` at that instant in
    milliseconds; ``sources`` are as ``read_sources`` gives them. The ids of the events are those
    that the delivery had, so what was published of it before is a copy. Raises ``RedeliveryError``
    where it is still not understood as a whole.
    """
    told = {name: value.decode("utf-8", "surrogateescape") for name, value in headers}
    path = told.get(TOPIC_HEADER, "").removeprefix(HTTP_ORIGIN)
    source = next((each for each in sources if each.path == path), None)
    if source is None:
        raise RedeliveryError(
            f"the sources file has no source for {path!r}; name the file that has it with --sources"
        )
    http = {
        name.removeprefix(HTTP_HEADER_PREFIX): value
        for name, value in told.items()
        if name.startswith(HTTP_HEADER_PREFIX)
    }
    arrived = told.get(ARRIVED_HEADER) or arrival_text(appended * 1000)
    reading = understood(source, http, body, arrived, time.time_ns() // 1_000_000)
    if reading.letters:
        details = "; ".join(f"{each.reason}: {each.detail}" for each in reading.letters)
        raise RedeliveryError(f"source {source.name!r} still does not understand it: {details}")
    lacking = told.get(LACKING_HEADER, "").split(",")
    events = [_new_of(event, lacking) for event in reading.events]
    return [Record(event["subject"].encode(), msgspec.json.encode(event)) for event in events]


def _new_of(event: dict[str, Any], lacking: Sequence[str]) -> dict[str, Any]:
    """An event, of a ``created`` that was published the severity it lacked: of two with the same
    id the first stands, so that can only be told as a change, of the same instant.
    """
    severity = event.get("data", {}).get("severity") if "severity" in lacking else None
    if severity is None or event["type"] != f"{TYPE_PREFIX}created":
        return event
    type_ = f"{TYPE_PREFIX}severity_changed"
    return {**event, "id": f"{event['id']}-severity", "type": type_, "data": {"severity": severity}}
