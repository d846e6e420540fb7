"""Field types shared by the records: bounded strings, and instants as milliseconds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from sla_domain.instant import (
    NaiveTimeError,
    format_instant,
    parse_instant,
)
from sla_schemas.words import SEVERITY_NAMES, Severity

#: The maximum length of a known string field, and of an identifier, in characters.
MAX_TEXT = 1024
MAX_ID = 200

Text = Annotated[str, StringConstraints(strict=True, max_length=MAX_TEXT)]
Id = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_ID)]


def _read_instant(value: Any) -> int:
    if isinstance(value, datetime):
        value = value.isoformat()
    if not isinstance(value, str):
        raise PydanticCustomError("instant_type", "must be an RFC 3339 time written as a string")
    if len(value) < 11 or value[4] != "-" or value[10] not in "Tt ":
        raise PydanticCustomError("instant_parsing", "is not an RFC 3339 time")
    try:
        return parse_instant(value)
    except NaiveTimeError:
        raise PydanticCustomError(
            "instant_naive", "has no offset, so it names no instant"
        ) from None
    except ValueError:
        raise PydanticCustomError(
            "instant_parsing", "is not an RFC 3339 time between 1970 and 2100"
        ) from None


#: UTC milliseconds since 1970 in Python, RFC 3339 with an offset on the wire.
Instant = Annotated[
    int,
    BeforeValidator(_read_instant),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def _severity(value: Any) -> Any:
    return SEVERITY_NAMES.get(value, value) if isinstance(value, str) else value


#: A severity, by our name or by that of the source document (Blocker, Alto, Medio, Bajo).
NamedSeverity = Annotated[
    Severity,
    BeforeValidator(_severity),
    WithJsonSchema(
        {"type": "string", "enum": ["blocker", "high", "medium", "low", *SEVERITY_NAMES]}
    ),
]

Milliseconds = Annotated[int, Field(ge=0)]
