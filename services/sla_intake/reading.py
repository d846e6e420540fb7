"""Reads a verified delivery: its events, and what could not be made into one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import msgspec
import structlog
from pydantic import ValidationError

from sla_intake.delivery import Delivery, UnusableError, shown
from sla_intake.draft import Ignored, Translation
from sla_intake.sources import Source
from sla_intake.vendors import TRANSLATE, cloudevents, github, kept_headers
from sla_runtime.tracing import TRACEPARENT
from sla_schemas.events import TICKET_EVENT, TicketSeverityChanged
from sla_schemas.headers import (
    ARRIVED_HEADER,
    DETAIL_HEADER,
    HTTP_HEADER_PREFIX,
    HTTP_ORIGIN,
    LACKING_HEADER,
    REASON_HEADER,
    TOPIC_HEADER,
)
from sla_schemas.limits import FUTURE_TOLERANCE, MAX_DEPTH, MAX_RECORD_BYTES
from sla_schemas.words import DeadLetterReason

_JSON: Final = msgspec.json.Decoder()
_FORM: Final = "application/x-www-form-urlencoded"
_FORM_FIELDS: Final = 10
_PAYLOAD: Final = f"{github.FORM_FIELD}=".encode()
#: W3C Trace Context §3.2. Anybody can write the header of a request, so another text is dropped.
_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
#: How many mistakes a dead letter tells, and in how many characters; never a field's content.
_TOLD_ERRORS: Final = 3
_MAX_DETAIL: Final = 600

log = structlog.get_logger("sla_intake")


@dataclass(frozen=True, slots=True)
class Letter:
    """The part of a delivery that was not understood, with everything needed to read it again as it
    was delivered. ``lacking`` are the fields that its ``created`` was published without.
    """

    body: bytes
    reason: DeadLetterReason
    detail: str
    source: Source
    arrived: str
    http: Mapping[str, str]
    lacking: Sequence[str] = ()

    def headers(self) -> list[tuple[str, bytes]]:
        """Of its record on the dead-letter topic."""
        told = {
            REASON_HEADER: self.reason,
            DETAIL_HEADER: self.detail,
            TOPIC_HEADER: HTTP_ORIGIN + self.source.path,
            ARRIVED_HEADER: self.arrived,
        }
        if self.lacking:
            told[LACKING_HEADER] = ",".join(self.lacking)
        told |= {HTTP_HEADER_PREFIX + name: value for name, value in self.http.items()}
        return [(name, value.encode("utf-8", "surrogateescape")) for name, value in told.items()]


class Reading(NamedTuple):
    """The result of a delivery: events, letters, or reasons why it has neither; at least one."""

    events: list[dict[str, Any]]
    letters: list[Letter]
    ignored: list[Ignored]


def understood(
    source: Source, headers: Mapping[str, str], body: bytes, arrived: str, now: int
) -> Reading:
    """The result of a verified delivery.

    If it is not understood, or only in part, the whole body is kept; of a batch, the events that
    are wrong. ``arrived`` is when it arrived, RFC 3339 with microseconds; no event may be far ahead
    of ``now``, in milliseconds.
    """
    try:
        told = _decoded(source, headers, body)
        if source.kind != "cloudevents" or not cloudevents.is_batch(headers):
            return _read(Delivery(source, headers, told, arrived, body), now)
        parts = cloudevents.events_of_batch(told)
    except Exception as error:  # noqa: BLE001  whatever it is, the delivery must not be lost
        delivery = Delivery(source, headers, None, arrived, body)
        return Reading([], [_letter(delivery, [_unusable(error, source)], ())], [])
    alone = cloudevents.headers_of_part(headers)
    found = [_read(Delivery(source, alone, part, arrived), now) for part in parts]
    return Reading(
        [event for each in found for event in each.events],
        [letter for each in found for letter in each.letters],
        [] if parts else ["empty"],
    )


def _unusable(error: Exception, source: Source) -> UnusableError:
    """What is told of an error. One that is not the delivery's is a fault of ours, which a repeat
    would not mend: its sentence names the error, and the log says where it was.
    """
    if isinstance(error, UnusableError):
        return error
    name = type(error).__name__
    log.error("a delivery could not be read", source=source.name, exc_info=error)
    return UnusableError("invalid_data", f"the intake failed on it ({name}); its log says where")


def _decoded(source: Source, headers: Mapping[str, str], body: bytes) -> Any:
    try:
        return _JSON.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = UnusableError("not_json", str(error))
    # Whether it is a form its bytes tell: the header that says so is not signed.
    if source.kind != "github" or not body.startswith(_PAYLOAD):
        if cloudevents.media_type(headers) == _FORM:
            raise UnusableError("not_json", f"it came as {_FORM}; let it be sent as JSON")
        raise wrong
    try:
        return _JSON.decode(_form_field(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableError("not_json", str(error)) from error


def _form_field(body: bytes) -> bytes:
    """The JSON in a form, which is how GitHub sends unless told otherwise."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_FORM_FIELDS)
    except ValueError as error:
        raise UnusableError("not_json", f"it is no form: {error}") from error
    return fields.get(github.FORM_FIELD, [""])[0].encode()


def _read(delivery: Delivery, now: int) -> Reading:
    """Of a delivery that is no batch, or of an event of one. Whatever is raised concerns this one
    alone.
    """
    translation = Translation([])
    problems: list[UnusableError] = []
    try:
        translation = TRANSLATE[delivery.source.kind](delivery)
        problems += translation.problems
    except Exception as error:  # noqa: BLE001  whatever it is, the delivery must not be lost
        problems.append(_unusable(error, delivery.source))
    events = []
    for event in translation.events:
        # An event's own trace goes before that of the request which brought it.
        traces = (event.get(TRACEPARENT), delivery.headers.get(TRACEPARENT))
        event[TRACEPARENT] = next(filter(_is_trace, traces), None)
        try:
            published = _published(event, now)
            delivery.source.clients.fill(published)
            events.append(published)
        except Exception as error:  # noqa: BLE001  as above
            problems.append(_unusable(error, delivery.source))
    ignored = [] if translation.ignored is None else [translation.ignored]
    if not problems:
        return Reading(events, [], ignored)
    created = any(event["type"] == "ticket.created" for event in events)
    lacking = translation.lacking if created else ()
    return Reading(events, [_letter(delivery, problems, lacking)], [])


def _letter(
    delivery: Delivery, problems: Sequence[UnusableError], lacking: Sequence[str]
) -> Letter:
    return Letter(
        msgspec.json.encode(delivery.json) if delivery.body is None else delivery.body,
        problems[0].reason,
        _detail(problems),
        delivery.source,
        delivery.arrived,
        kept_headers(delivery.headers),
        lacking,
    )


def _detail(problems: Sequence[UnusableError]) -> str:
    """What was not understood; of much the first, since a delivery may hold any number."""
    told = list(dict.fromkeys(str(each) for each in problems))
    more = len(told) - _TOLD_ERRORS
    text = "; ".join(told[:_TOLD_ERRORS]) + (f"; and {more} more" if more > 0 else "")
    return text if len(text) <= _MAX_DETAIL else text[:_MAX_DETAIL] + "…"


def _is_trace(text: Any) -> bool:
    return isinstance(text, str) and _TRACE.fullmatch(text) is not None


def _published(event: dict[str, Any], now: int) -> dict[str, Any]:
    """An event as it was read: the fields that the contract knows and nothing else, so that no
    text which came along lies on the topic. Raises ``UnusableError`` for what the tracker would
    not take either.
    """
    written = msgspec.json.encode(event)
    if len(written) > MAX_RECORD_BYTES:
        raise UnusableError("too_large", f"{len(written)} bytes; at most {MAX_RECORD_BYTES}")
    if written.count(b"{") + written.count(b"[") > MAX_DEPTH and _deeper(event, MAX_DEPTH):
        raise UnusableError("too_large", f"nested deeper than {MAX_DEPTH}")
    try:
        model = TICKET_EVENT.validate_python(event)
    except ValidationError as error:
        raise _wrong(event, error) from error
    if (
        isinstance(model, TicketSeverityChanged)
        and model.data.severity is None
        and model.data.impact is None
    ):
        # Which severity an impact comes to is the policy's to say; without one there is none.
        raise UnusableError("unclassifiable", "neither severity nor an impact and scope")
    communicated = getattr(model.data, "communicated_at", None)
    if max(model.time, communicated or 0) > now + FUTURE_TOLERANCE:
        raise UnusableError("from_the_future", "more than 5 minutes ahead of its arrival")
    return model.model_dump(mode="json", exclude_none=True)


def _deeper(value: Any, levels: int) -> bool:
    """Whether JSON nests deeper than so many levels."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper(each, levels - 1) for each in value)


def _wrong(event: dict[str, Any], error: ValidationError) -> UnusableError:
    errors = error.errors(include_url=False, include_input=False)
    first = errors[0]["type"]
    if first.startswith("union_tag"):
        return UnusableError("unknown_type", f"type {shown(str(event.get('type')))} is not known")
    reason = _REASONS.get(first, "invalid_data")
    return UnusableError(
        reason,
        "; ".join(
            f"{'.'.join(str(part) for part in each['loc'][1:])}: {each['msg']}"
            for each in errors[:_TOLD_ERRORS]
        ),
    )


_REASONS: Final[dict[str, DeadLetterReason]] = {
    "instant_naive": "naive_time",
    "string_too_long": "too_large",
}
