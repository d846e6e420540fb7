"""Decodes ticket events. Never raises: a record is an event, or is rejected with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from pydantic import ValidationError

from sla_domain.event import Event, Facts
from sla_domain.instant import EARLIEST, LATEST
from sla_engine.memory import Headers, values_of
from sla_engine.wire.fast import DATA, ENVELOPE, INTEGRATION_FIELDS, TYPES, FastEnvelope
from sla_engine.wire.records import Record, Rejected, size_of
from sla_schemas.events import TICKET_EVENT
from sla_schemas.headers import UNREADABLE_HEADER
from sla_schemas.limits import MAX_DEPTH, MAX_RECORD_BYTES

#: The maximum length of the source kept for a rejected event, in characters.
MAX_SOURCE: Final = 1024


class Received(NamedTuple):
    """A valid event and the ticket it is about."""

    ticket_id: str
    event: Event
    unknown_fields: int
    #: The fields with a word that the policy does not know.
    unknown_words: tuple[str, ...] = ()


_JSON: Final = msgspec.json.Decoder()
_ENVELOPE_FIELDS: Final = ("specversion", "id", "source", "type")
_CLOUDEVENTS: Final = b"application/cloudevents"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NotFast(Exception):  # noqa: N818  no error: only the models can tell
    """The fast types do not accept this record."""


def read_event(record: Record) -> Received | Rejected:
    """Decode and validate the event in ``record``, before admission."""
    value = record.value
    if value is None:
        why = values_of(record.headers).get(UNREADABLE_HEADER)
        told = "" if why is None else f": the client can't read it, {why.decode(errors='replace')}"
        return Rejected("not_json", f"the record has no value{told}")
    size = size_of(None, value, record.headers) if record.headers else len(value)
    if size > MAX_RECORD_BYTES:
        return Rejected("too_large", f"{size} bytes; at most {MAX_RECORD_BYTES}")
    if value[:1] == b"\x00":
        # Confluent's wire format: a zero byte and a four-byte schema id before the JSON.
        value = value[5:]
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return Rejected("too_large", f"nested deeper than {MAX_DEPTH}")
    return _received(value, record.headers)


def _received(value: bytes, headers: Headers) -> Received | Rejected:
    if not headers:
        try:
            return fast_event(value)
        except NotFast:
            pass
    try:
        raw = _JSON.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Rejected("not_json", str(error))
    if headers:
        raw = _with_binary_attributes(raw, headers)
    if not isinstance(raw, dict):
        return Rejected("not_cloudevents", "the JSON is not an object")
    return _validated(raw)


def _depth(value: bytes) -> int:
    """The nesting depth of the brackets in ``value``, outside strings."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in value:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _with_binary_attributes(raw: Any, headers: Headers) -> Any:
    """Convert a binary-mode event to structured mode (CloudEvents Kafka binding §3.2)."""
    found = values_of(headers)
    if "ce_specversion" not in found or found.get("content-type", b"").startswith(_CLOUDEVENTS):
        return raw
    event = {
        name[3:]: content.decode("utf-8", "replace")
        for name, content in found.items()
        if name.startswith("ce_")
    }
    return {**event, "data": raw}


def _validated(raw: dict[str, Any]) -> Received | Rejected:
    try:
        return fast_event(raw)
    except NotFast:
        # Rare: an invalid record, or a valid one that only the models accept.
        try:
            model = TICKET_EVENT.validate_python(raw)
        except ValidationError as error:
            source = raw.get("source")
            return _reason(raw, error)._replace(
                source=source[:MAX_SOURCE] if isinstance(source, str) else ""
            )
    facts = _facts_of_model(model.data)
    event = Event(model.time, TYPES[model.type], model.source, model.id, model.sequence, facts)
    return Received(model.subject, event, _unknown(raw.get("data"), facts))


def fast_event(given: bytes | dict[str, Any]) -> Received:
    """An event from bytes or decoded JSON. Raises ``NotFast`` if the models must decide."""
    try:
        if isinstance(given, bytes):
            envelope: FastEnvelope = ENVELOPE.decode(given)
        else:
            envelope = msgspec.convert(given, FastEnvelope)
        expected = DATA[envelope.type]
        data = envelope.data
        if isinstance(data, msgspec.UnsetType):
            if not expected.optional:
                raise NotFast
            data = {}
        if data or not expected.optional:
            msgspec.convert(data, expected.struct)
            facts = _facts(data, expected.fields, expected.instants)
        else:
            facts = {}
        event = Event(
            _instant(envelope.time),
            expected.event_type,
            envelope.source,
            envelope.id,
            envelope.sequence,
            facts,
        )
        return Received(envelope.subject, event, _unknown(data, facts))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, ValueError):
        raise NotFast from None


def _facts(data: dict[str, Any], fields: frozenset[str], instants: tuple[str, ...] = ()) -> Facts:
    """The known fields of validated ``data``, converted as the models do."""
    facts = {name: value for name, value in data.items() if value is not None and name in fields}
    for name in instants:
        if name in facts:
            facts[name] = _instant(facts[name])
    if "integration" in facts:
        facts["integration"] = _facts(facts["integration"], INTEGRATION_FIELDS)
    return facts  # type: ignore[return-value]  # the models declare exactly these keys


def _instant(text: str) -> int:
    """Parse like ``sla_schemas.types.Instant``; raise ``NotFast`` for unusual forms."""
    if text[4:5] != "-" or text[10:11] != "T":
        raise NotFast
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise NotFast
    since = moment - _EPOCH
    instant = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    if not EARLIEST <= instant < LATEST:
        raise NotFast
    return instant


def _facts_of_model(data: Any) -> Facts:
    fields = type(data).model_fields
    facts: dict[str, Any] = {
        fields[name].alias or name: value
        for name, value in data.__dict__.items()
        if value is not None
    }
    if (integration := facts.get("integration")) is not None:
        facts["integration"] = _facts_of_model(integration)
    return facts  # type: ignore[return-value]  # the models declare exactly these keys


def _unknown(data: Any, facts: Facts) -> int:
    """The number of fields dropped from ``data``, not counting null ones."""
    if not isinstance(data, dict) or len(data) == len(facts):
        return 0
    return sum(1 for name, value in data.items() if value is not None and name not in facts)


def _reason(raw: dict[str, Any], error: ValidationError) -> Rejected:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    for problem in problems:
        where = [str(part) for part in problem["loc"] if part not in TYPES]
        detail = f"{'.'.join(where) or 'the event'}: {problem['msg']}"
        kind = problem["type"]
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            return _envelope_problem(raw) or Rejected("unknown_type", "no such event type")
        if where and where[0] in _ENVELOPE_FIELDS and kind != "string_too_long":
            return Rejected("not_cloudevents", detail)
        if kind == "string_too_long":
            return Rejected("too_large", detail)
        if kind == "instant_naive":
            return Rejected("naive_time", detail)
    first = problems[0]
    where = [str(part) for part in first["loc"] if part not in TYPES]
    return Rejected("invalid_data", f"{'.'.join(where)}: {first['msg']}")


def _envelope_problem(raw: dict[str, Any]) -> Rejected | None:
    for name in _ENVELOPE_FIELDS:
        if not isinstance(raw.get(name), str) or not raw[name]:
            return Rejected("not_cloudevents", f"{name}: must be a string that is not empty")
    if raw["specversion"] != "1.0":
        return Rejected("not_cloudevents", "specversion: must be 1.0")
    return None
