"""CloudEvents over HTTP (HTTP protocol binding 1.0.2): structured, binary and batched."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from sla_intake.draft import Delivery, UnusableError

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
ATTRIBUTE: Final = "ce-"
#: Events in a batch at most; a batch is acknowledged as a whole.
MAX_BATCH: Final = 1000


def translate(delivery: Delivery) -> list[dict[str, Any]]:
    """The events of a delivery, as they are."""
    media_type = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == BATCH:
        return _batch(delivery.json)
    if media_type.startswith("application/cloudevents"):
        return [_event(delivery.json)]
    # §3.1: binary exactly when the media type is none of CloudEvents'.
    attributes = {
        name.removeprefix(ATTRIBUTE): unquote(value)
        for name, value in delivery.headers.items()
        if name.startswith(ATTRIBUTE)
    }
    if "specversion" not in attributes:
        raise UnusableError("not_cloudevents", f"neither {STRUCTURED} nor a header ce-specversion")
    return [attributes | {"data": {} if delivery.json is None else delivery.json}]


def _batch(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        raise UnusableError("not_cloudevents", "a batch is a JSON array")
    if len(found) > MAX_BATCH:
        raise UnusableError("too_large", f"a batch has {MAX_BATCH} events at most")
    return [_event(each) for each in found]


def _event(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnusableError("not_cloudevents", "an event is a JSON object")
    return value
