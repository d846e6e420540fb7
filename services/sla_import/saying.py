"""What the events of an export say, and from which keys of the columns file."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from sla_domain.event import EventType
from sla_schemas.events import (
    AssignedData,
    CancelledData,
    CreatedData,
    ReclassifiedData,
    ResolvedData,
    SeverityChangedData,
    WaitingData,
)

#: What an event says, by the key of the columns file that tells it.
SAYS: Final[dict[EventType, tuple[type[BaseModel], dict[str, str]]]] = {
    EventType.CREATED: (
        CreatedData,
        {
            "client_id": "client",
            "severity": "severity",
            "impact": "impact",
            "scope": "scope",
            "kind": "kind",
            "channel": "channel",
            "plan": "plan",
            "requester_id": "requester",
        },
    ),
    EventType.ASSIGNED: (AssignedData, {"analyst_id": "analyst", "group": "group"}),
    EventType.WAITING_ON_CLIENT: (WaitingData, {"party": "party"}),
    EventType.RESOLVED: (ResolvedData, {"origin": "origin"}),
    EventType.CANCELLED: (CancelledData, {"reason": "cancel_reason"}),
    EventType.SEVERITY_CHANGED: (
        SeverityChangedData,
        {"severity": "severity", "impact": "impact", "scope": "scope"},
    ),
    EventType.RECLASSIFIED: (ReclassifiedData, {"kind": "kind", "severity": "severity"}),
}


@cache
def adapter(model: type[BaseModel], field: str) -> TypeAdapter[Any]:
    """What validates a field of an event's data."""
    return TypeAdapter(model.model_fields[field].rebuild_annotation())


def why_not(error: ValidationError, key: str) -> str:
    """Why a word is not taken, and what to do about it in the columns file."""
    first = error.errors(include_input=False, include_url=False)[0]
    if first["type"] == "literal_error":
        known = str(first["ctx"]["expected"]).replace("'", "")
        where = f"in the values of {key}"
        return f"it is not one of {known}; say what it means {where} of the columns file"
    text = first["msg"]
    return text[:1].lower() + text[1:]
