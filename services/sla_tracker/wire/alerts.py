"""Writing alerts: plain dictionaries in the shape of the ``sla_schemas`` models.

The contract tests hold the two together.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from sla_domain.alert import SEVERITY_LIMIT, Alert, AlertKind, ClockShown
from sla_domain.instant import format_instant, format_optional

OUTPUT_SOURCE: Final = "/sla-tracker"

_DATA_SCHEMAS: Final = {
    AlertKind.WARNING: "SlaWarning",
    AlertKind.WARNING_RETRACTED: "SlaWarningRetracted",
    AlertKind.BREACH: "SlaBreach",
    AlertKind.BREACH_RETRACTED: "SlaBreachRetracted",
}


def write_alert(alert: Alert) -> bytes:
    """The alert as a CloudEvent in structured JSON."""
    data: dict[str, Any] = {
        "ticket_id": alert.ticket_id,
        "client_id": alert.client_id,
        "severity": alert.severity,
        "policy": alert.policy,
        "clock": alert.clock,
        "cycle": alert.cycle,
        "occurrence": alert.occurrence,
    }
    if alert.kind.of_warning:
        data["fraction"] = alert.what
    else:
        data["limit"] = SEVERITY_LIMIT
    if alert.kind is AlertKind.BREACH:
        data["breached_at"] = format_instant(alert.at)
    if alert.retracts is not None and alert.reason is not None:
        data |= {"retracts": alert.retracts, "reason": alert.reason, "start": None, "due": None}
    if alert.shown is not None:
        data.update(_figures(alert.shown))
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": alert.id,
            "source": OUTPUT_SOURCE,
            "type": alert.kind.value,
            "subject": alert.ticket_id,
            "time": format_instant(alert.at),
            "partitionkey": alert.ticket_id,
            "causationid": alert.caused_by,
            "dataschema": f"/schemas/{_DATA_SCHEMAS[alert.kind]}.json",
            "datacontenttype": "application/json",
            "data": data,
        }
    )


class _Typed(msgspec.Struct):
    type: str


_TYPED: Final = msgspec.json.Decoder(_Typed)


def read_alert_kind(value: bytes) -> AlertKind:
    """Of which kind a written alert is."""
    return AlertKind(_TYPED.decode(value).type)


def _figures(shown: ClockShown) -> dict[str, Any]:
    return {
        "start": format_instant(shown.start),
        "due": format_optional(shown.due),
        "target_ms": shown.target,
        "boundary": shown.boundary,
        "calendar": shown.calendar,
        "used_ms": shown.used,
        "paused_ms": shown.paused,
        "pauses": [
            {
                "start": format_instant(pause.start),
                "end": format_optional(pause.end),
                "party": pause.party,
                "counted_ms": pause.counted,
            }
            for pause in shown.pauses
        ],
        "follows": list(shown.follows),
    }
