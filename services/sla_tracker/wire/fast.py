"""Reading a valid event several times faster than the models do.

A profile showed the pydantic models to be half of what an event costs. So ``msgspec`` types are
made from those models, field by field, and tried first; they accept nothing the models would not,
and whatever they do not accept goes to the models for a verdict and a reason. The models stay the
one definition, and a test holds the two together.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from annotated_types import MaxLen, MinLen
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from sla_domain.event import EVENT_TYPES, Event, EventType, Facts
from sla_domain.instant import EARLIEST, LATEST
from sla_schemas.events import TYPE_PREFIX, Envelope, Integration, TicketEvent
from sla_schemas.types import Instant, NamedSeverity
from sla_schemas.words import SEVERITY_NAMES, Severity

#: Event types by the name they have in the envelope.
TYPES: Final[dict[str, EventType]] = {
    TYPE_PREFIX + word: type_ for word, type_ in EVENT_TYPES.items()
}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NotFast(Exception):  # noqa: N818  no error: only the models can tell
    """The fast types don't take this record."""


class _Attributes(msgspec.Struct):
    """The envelope without its data."""

    specversion: Literal["1.0"]
    type: str
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    time: Annotated[str, msgspec.Meta(max_length=64)]
    sequence: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    traceparent: Annotated[str, msgspec.Meta(max_length=1024)] | None = None


def _msgspec_type(annotation: Any, metadata: list[Any]) -> Any:  # noqa: PLR0911  one case a line
    """The ``msgspec`` type that takes the same JSON as a field of the models."""
    if annotation is int and any(item in metadata for item in get_args(Instant)[1:]):
        return Annotated[str, msgspec.Meta(max_length=64)]
    if any(item in metadata for item in get_args(NamedSeverity)[1:]):
        return Literal[*get_args(Severity), *SEVERITY_NAMES]
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _msgspec_type(inner, [*more, *metadata])
    if origin in (Union, UnionType):
        parts = [_msgspec_type(part, metadata) for part in get_args(annotation)]
        return Union[tuple(parts)]  # noqa: UP007  a union of types known only now
    if origin is list:
        return list[_msgspec_type(get_args(annotation)[0], [])]  # type: ignore[misc]
    if annotation is str:
        limits = _limits(metadata)
        return Annotated[str, msgspec.Meta(**limits)] if limits else str
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _struct(annotation)
    return annotation


def _limits(metadata: list[Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for item in metadata:
        if isinstance(item, MinLen):
            limits["min_length"] = item.min_length
        elif isinstance(item, MaxLen):
            limits["max_length"] = item.max_length
        elif isinstance(item, StringConstraints):
            if item.min_length is not None:
                limits["min_length"] = item.min_length
            if item.max_length is not None:
                limits["max_length"] = item.max_length
    return limits


def _struct(model: type[BaseModel]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for name, field in model.model_fields.items():
        type_ = _msgspec_type(field.annotation, field.metadata)
        fields.append((name, type_) if field.is_required() else (name, type_, None))
    return msgspec.defstruct(f"Fast{model.__name__}", fields, kw_only=True)


def _data_field(event: type[Envelope]) -> FieldInfo:
    return event.model_fields["data"]


def _data_model(event: type[Envelope]) -> type[BaseModel]:
    model = _data_field(event).annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    return model


class _Data(NamedTuple):
    """The data of an event type: what validates it, its fields, and whether it may be absent."""

    struct: type[msgspec.Struct]
    fields: frozenset[str]
    optional: bool


_DATA: Final[dict[str, _Data]] = {
    get_args(event.model_fields["type"].annotation)[0]: _Data(
        _struct(_data_model(event)),
        frozenset(_data_model(event).model_fields),
        not _data_field(event).is_required(),
    )
    for event in get_args(get_args(TicketEvent)[0])
}
_INTEGRATION_FIELDS: Final = frozenset(Integration.model_fields)

_convert: Final = msgspec.convert


def fast_event(raw: dict[str, Any]) -> tuple[str, Event]:
    """Ticket id and event of a decoded record. Raises ``NotFast`` where the models must look."""
    try:
        envelope = _convert(raw, _Attributes)
        expected = _DATA[envelope.type]
        data: Any = raw.get("data")
        if data is None and expected.optional and "data" not in raw:
            data = {}
        _convert(data, expected.struct)
        return envelope.subject, Event(
            _instant(envelope.time),
            TYPES[envelope.type],
            envelope.source,
            envelope.id,
            envelope.sequence,
            _facts(data, expected.fields),
        )
    except (msgspec.ValidationError, KeyError, ValueError):
        raise NotFast from None


def _facts(data: dict[str, Any], fields: frozenset[str]) -> Facts:
    """The known fields of validated ``data``, as the models would turn them."""
    facts = {name: value for name, value in data.items() if value is not None and name in fields}
    if "communicated_at" in facts:
        facts["communicated_at"] = _instant(facts["communicated_at"])
    if "severity" in facts:
        facts["severity"] = SEVERITY_NAMES.get(facts["severity"], facts["severity"])
    if "integration" in facts:
        facts["integration"] = _facts(facts["integration"], _INTEGRATION_FIELDS)
    return facts  # type: ignore[return-value]  # the models declare exactly these keys


def _instant(text: str) -> int:
    """As ``sla_schemas.types.Instant`` reads it; anything odd is left to that."""
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
