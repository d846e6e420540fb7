"""CloudEvents over HTTP (HTTP protocol binding 1.0.2): structured, binary and batched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from sla_intake.delivery import Delivery, UnusableError
from sla_intake.draft import Translation
from sla_intake.sources import Source
from sla_schemas.events import TYPE_PREFIX

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
ATTRIBUTE: Final = "ce-"
CREATED: Final = f"{TYPE_PREFIX}created"
#: Fields of events that name another ticket.
_TICKETS: Final = ("merged_into", "ticket_id")
#: Events in a batch at most; a batch is acknowledged as a whole.
MAX_BATCH: Final = 1000


def translate(delivery: Delivery) -> Translation:
    """The event of a delivery; a batch was taken apart before. Whose it is is ours to say."""
    return Translation([_as_ours(_event(delivery), delivery.source)])


def _as_ours(event: dict[str, Any], source: Source) -> dict[str, Any]:
    """An event that speaks for its source and nobody else: under the source's own name, about the
    tickets with its prefix, and of its client where it is bound to one. What has another shape
    than it must have is left to the models to refuse.
    """
    ours = dict(event)
    if isinstance(data := event.get("data", {}), dict):
        ours["data"] = _data_as_ours(event.get("type"), data, source)
    if (theirs := event.get("source")) and isinstance(theirs, str):
        # Their own name stays in it, since their ids may be unique beneath that alone.
        ours["source"] = f"{source.uri}/{theirs.removeprefix('/')}"
    if (ticket := event.get("subject")) and isinstance(ticket, str):
        ours["subject"] = source.ticket_prefix + ticket
    return ours


def _data_as_ours(type_: Any, data: dict[str, Any], source: Source) -> dict[str, Any]:
    ours = dict(data)
    for name in _TICKETS:
        if (ticket := data.get(name)) and isinstance(ticket, str):
            ours[name] = source.ticket_prefix + ticket
    if type_ == CREATED and source.bound_to is not None:
        if data.get("client_id") not in (None, source.bound_to):
            raise UnusableError(
                "invalid_data",
                f"client_id is another than that of source {source.name!r}, {source.bound_to!r}",
            )
        ours["client_id"] = source.bound_to
    return ours


def _event(delivery: Delivery) -> dict[str, Any]:
    """What came, in the structured form."""
    if media_type(delivery.headers).startswith("application/cloudevents"):
        if not isinstance(delivery.json, dict):
            raise UnusableError("not_cloudevents", "an event is a JSON object")
        return delivery.json
    # §3.1: binary exactly when the media type is none of CloudEvents'.
    attributes = {
        name.removeprefix(ATTRIBUTE): unquote(value)
        for name, value in delivery.headers.items()
        if name.startswith(ATTRIBUTE)
    }
    if "specversion" not in attributes:
        raise UnusableError("not_cloudevents", f"neither {STRUCTURED} nor a header ce-specversion")
    return attributes | {"data": {} if delivery.json is None else delivery.json}


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
