"""``msgspec`` types that decode a valid event several times faster than the pydantic models.

Validation by the models was half the cost of an event. These types are generated from the models
and tried first. They never accept what the models reject; what they do not accept is validated by
the models, which also give the reason (decision 5). A test checks that the two agree.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from annotated_types import MaxLen, MinLen
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from sla_domain.event import EVENT_TYPES, EventType
from sla_schemas.events import TYPE_PREFIX, Envelope, Integration, TicketEvent
from sla_schemas.types import Instant

#: Event types by the envelope's ``type``.
TYPES: Final[dict[str, EventType]] = {
    TYPE_PREFIX + word: type_ for word, type_ in EVENT_TYPES.items()
}
#: What is told of a field that is an instant.
_READS_INSTANT: Final = get_args(Instant)[1]


class FastEnvelope(msgspec.Struct):
    """A valid envelope; ``data`` is not validated yet."""

    specversion: Literal["1.0"]
    type: str
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    time: Annotated[str, msgspec.Meta(max_length=64)]
    sequence: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    traceparent: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    data: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class _WholeEnvelope(FastEnvelope, forbid_unknown_fields=True):
    """The envelope when decoding from bytes, where msgspec skips unknown fields without validating
    them: common unused attributes are declared, and any other causes a fallback.
    """

    datacontenttype: Any = None
    dataschema: Any = None
    partitionkey: Any = None


#: Decodes an event from bytes; after a ``msgspec.DecodeError``, the models must decide.
ENVELOPE: Final = msgspec.json.Decoder(_WholeEnvelope)


def _msgspec_type(annotation: Any, metadata: list[Any]) -> Any:  # noqa: PLR0911  one case a line
    """The ``msgspec`` type that accepts the same JSON as a model field."""
    if annotation is int and any(item in metadata for item in get_args(Instant)[1:]):
        return Annotated[str, msgspec.Meta(max_length=64)]
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _msgspec_type(inner, [*more, *metadata])
    if origin in (Union, UnionType):
        parts = [_msgspec_type(part, metadata) for part in get_args(annotation)]
        return Union[tuple(parts)]  # noqa: UP007  a union of types known only now
    if origin is dict:
        key, value = (_msgspec_type(part, []) for part in get_args(annotation))
        limits = _limits(metadata)
        return Annotated[dict[key, value], msgspec.Meta(**limits)]  # type: ignore[valid-type]
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
            if isinstance(item.pattern, str):
                # Python's `$` also matches before a final newline.
                limits["pattern"] = item.pattern.removesuffix("$") + r"\Z"
    return limits


def _struct(model: type[BaseModel]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for name, field in model.model_fields.items():
        type_ = _msgspec_type(field.annotation, field.metadata)
        fields.append((name, type_) if field.is_required() else (name, type_, None))
    called = {name: field.alias for name, field in model.model_fields.items() if field.alias}
    return msgspec.defstruct(f"Fast{model.__name__}", fields, kw_only=True, rename=called)


def _data_field(event: type[Envelope]) -> FieldInfo:
    return event.model_fields["data"]


def _data_model(event: type[Envelope]) -> type[BaseModel]:
    model = _data_field(event).annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    return model


class FastData(NamedTuple):
    """An event type and, for its data: the validating type, the fields, those of them that are
    instants, whether it is optional.
    """

    event_type: EventType
    struct: type[msgspec.Struct]
    fields: frozenset[str]
    instants: tuple[str, ...]
    optional: bool


def _fast_data(event: type[Envelope]) -> tuple[str, FastData]:
    model = _data_model(event)
    [name] = get_args(event.model_fields["type"].annotation)
    optional = not _data_field(event).is_required()
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    instants = tuple([key for key, field in fields.items() if _is_instant(field)])
    return name, FastData(TYPES[name], _struct(model), frozenset(fields), instants, optional)


def _is_instant(field: FieldInfo) -> bool:
    told = [field.metadata, *[get_args(part) for part in get_args(field.annotation)]]
    return any(_READS_INSTANT in each for each in told)


#: By the envelope's ``type``.
DATA: Final[dict[str, FastData]] = dict(map(_fast_data, get_args(get_args(TicketEvent)[0])))
INTEGRATION_FIELDS: Final = frozenset(Integration.model_fields)
