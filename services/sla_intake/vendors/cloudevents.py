"""CloudEvents over HTTP (HTTP protocol binding 1.0.2): structured, binary and batched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from sla_intake.delivery import Delivery, UnusableError
from sla_intake.draft import Translation

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
ATTRIBUTE: Final = "ce-"
#: Events in a batch at most; a batch is acknowledged as a whole.
MAX_BATCH: Final = 1000


def translate(delivery: Delivery) -> Translation:
    """The event of a delivery, as it is; a batch was taken apart before."""
    if media_type(delivery.headers).startswith("application/cloudevents"):
        if not isinstance(delivery.json, dict):
            raise UnusableError("not_cloudevents", "an event is a JSON object")
        return Translation([delivery.json])
    # §3.1: binary exactly when the media type is none of CloudEvents'.
    attributes = {
        name.removeprefix(ATTRIBUTE): unquote(value)
        for name, value in delivery.headers.items()
        if name.startswith(ATTRIBUTE)
    }
    if "specversion" not in attributes:
        raise UnusableError("not_cloudevents", f"neither {STRUCTURED} nor a header ce-specversion")
    return Translation([attributes | {"data": {} if delivery.json is None else delivery.json}])


def media_type(headers: Mapping[str, str]) -> str:
    """What the body is, without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_batch(headers: Mapping[str, str]) -> bool:
    """Whether the body is a batch of events."""
    return media_type(headers) == BATCH


def events_of_batch(found: Any) -> list[Any]:
    """What a batch holds. Raises ``UnusableError``."""
    if not isinstance(found, list):
        raise UnusableError("not_cloudevents", "a batch is a JSON array")
    if len(found) > MAX_BATCH:
        raise UnusableError("too_large", f"a batch has {MAX_BATCH} events at most")
    return found


def headers_of_part(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of an event of a batch by itself: attributes in headers are of no event in it."""
    found = {name: value for name, value in headers.items() if not name.startswith(ATTRIBUTE)}
    return found | {"content-type": STRUCTURED}
