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

#: The maximum length of a known string field, and of an identifier, in characters.
MAX_TEXT = 1024
MAX_ID = 200
#: The longest a word of a contract may be, and the name that it gives a severity.
MAX_WORD = 64
MAX_NAME = 100
#: How many attributes a ticket may have.
MAX_ATTRIBUTES = 16

Text = Annotated[str, StringConstraints(strict=True, max_length=MAX_TEXT)]
#: A word of a contract, as its policy writes it; which ones there are is the policy's to say.
Word = Annotated[
    str, StringConstraints(strict=True, max_length=MAX_WORD, pattern=r"^[a-z0-9][a-z0-9_-]*$")
]
#: What an attribute is called, and what it says: words, no free text.
Attributes = Annotated[
    dict[Word, Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_ID)]],
    Field(max_length=MAX_ATTRIBUTES),
]
#: On input: a severity by its word or by a name of the policy's.
SeverityText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_NAME)]
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


Milliseconds = Annotated[int, Field(ge=0)]
