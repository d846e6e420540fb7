"""A proven delivery, read: the events of it, and what could not be made one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
from pydantic import ValidationError

from sla_intake.draft import Delivery, UnusableError
from sla_intake.sources import Source
from sla_intake.vendors import TRANSLATE, cloudevents, kept_headers
from sla_runtime.tracing import TRACEPARENT
from sla_schemas.events import TICKET_EVENT
from sla_schemas.headers import (
    ARRIVED_HEADER,
    DETAIL_HEADER,
    HTTP_HEADER_PREFIX,
    HTTP_ORIGIN,
    REASON_HEADER,
    TOPIC_HEADER,
)
from sla_schemas.words import DeadLetterReason

_JSON: Final = msgspec.json.Decoder()
#: What a dead letter tells of a wrong field; never its content.
_TOLD_ERRORS: Final = 3
_AS_IT_CAME: Final[Mapping[str, str]] = {}
#: What an event of a batch has as its headers once it is by itself.
_ALONE: Final[Mapping[str, str]] = {"content-type": cloudevents.STRUCTURED}


@dataclass(frozen=True, slots=True)
class Letter:
    """What no event could be made of, with all that reading it again as it was delivered needs."""

    body: bytes
    reason: DeadLetterReason
    detail: str
    source: Source
    arrived: str
    http: Mapping[str, str]

    def headers(self) -> list[tuple[str, bytes]]:
        """Of its record on the dead-letter topic."""
        told = {
            REASON_HEADER: self.reason,
            DETAIL_HEADER: self.detail,
            TOPIC_HEADER: HTTP_ORIGIN + self.source.path,
            ARRIVED_HEADER: self.arrived,
        }
        told |= {HTTP_HEADER_PREFIX + name: value for name, value in self.http.items()}
        return [(name, value.encode("utf-8", "surrogateescape")) for name, value in told.items()]


class Reading(NamedTuple):
    """What a delivery came to."""

    events: list[dict[str, Any]]
    letters: list[Letter]


def understood(source: Source, headers: Mapping[str, str], body: bytes, arrived: str) -> Reading:
    """The events of a proven delivery, and what could not be made one of.

    Of a delivery that can't be understood the whole body is kept, of a batch the events that are
    wrong. ``arrived`` is when it came, RFC 3339 with microseconds.
    """

    def letter(value: bytes, error: UnusableError, http: Mapping[str, str] = _AS_IT_CAME) -> Letter:
        return Letter(
            value, error.reason, str(error), source, arrived, {**kept_headers(headers), **http}
        )

    try:
        told = _JSON.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Reading([], [letter(body, UnusableError("not_json", str(error)))])
    try:
        found = TRANSLATE[source.kind](Delivery(source, headers, body, told))
    except UnusableError as error:
        return Reading([], [letter(body, error)])
    events: list[dict[str, Any]] = []
    letters: list[Letter] = []
    for event in found:
        if TRACEPARENT in headers:
            # An event's own trace goes before that of the request which brought it.
            event.setdefault(TRACEPARENT, headers[TRACEPARENT])
        try:
            TICKET_EVENT.validate_python(event)
        except ValidationError as error:
            wrong = _wrong(event, error)
            if isinstance(told, list):
                # The rest of a batch goes on, so only this event of it is kept.
                letters.append(letter(msgspec.json.encode(event), wrong, _ALONE))
            else:
                letters.append(letter(body, wrong))
        else:
            events.append(event)
    return Reading(events, letters)


def _wrong(event: dict[str, Any], error: ValidationError) -> UnusableError:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"].startswith("union_tag"):
        return UnusableError("unknown_type", f"type {str(event.get('type'))[:80]!r} is not known")
    details = [
        f"{'.'.join(str(part) for part in each['loc'][1:])}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)[:_TOLD_ERRORS]
    ]
    naive = first["type"] == "instant_naive"
    return UnusableError("naive_time" if naive else "invalid_data", "; ".join(details))
