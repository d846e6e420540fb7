"""Encodes alerts, as plain dictionaries in the form of the ``sla_schemas`` models.

The contract tests check that the two agree.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from sla_domain.alert import Alert, AlertKind, ClockSnapshot, Notice
from sla_domain.instant import format_instant, format_optional
from sla_schemas.topics import APPROVALS, BREACHES, WARNINGS

OUTPUT_SOURCE: Final = "/sla-tracker"

_DATA_SCHEMAS: Final = {
    AlertKind.WARNING: "SlaWarning",
    AlertKind.WARNING_RETRACTED: "SlaWarningRetracted",
    AlertKind.BREACH: "SlaBreach",
    AlertKind.BREACH_RETRACTED: "SlaBreachRetracted",
    AlertKind.ESCALATION: "SlaEscalation",
    AlertKind.ESCALATION_RETRACTED: "SlaEscalationRetracted",
    AlertKind.NOTICE: "SlaNotice",
    AlertKind.APPROVED: "FeatureApproved",
}
#: The topic of each kind of alert.
ALERT_TOPICS: Final = {
    AlertKind.WARNING: WARNINGS,
    AlertKind.WARNING_RETRACTED: WARNINGS,
    AlertKind.NOTICE: WARNINGS,
    AlertKind.BREACH: BREACHES,
    AlertKind.BREACH_RETRACTED: BREACHES,
    AlertKind.ESCALATION: BREACHES,
    AlertKind.ESCALATION_RETRACTED: BREACHES,
    AlertKind.APPROVED: APPROVALS,
}


def write_alert(alert: Alert | Notice) -> bytes:
    """Encode an alert as a CloudEvent in structured JSON."""
    data = _notice_data(alert) if isinstance(alert, Notice) else _alert_data(alert)
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


def _about(alert: Alert | Notice) -> dict[str, Any]:
    return {
        "ticket_id": alert.ticket_id,
        "client_id": alert.client_id,
        "severity": alert.severity,
        "policy": alert.policy,
        "late_ms": alert.late,
        **({} if alert.agreement is None else {"agreement": alert.agreement}),
    }


def _notice_data(notice: Notice) -> dict[str, Any]:
    if notice.kind is AlertKind.APPROVED:
        return {**_about(notice), "subscriber_id": notice.about}
    return {**_about(notice), "kind": notice.what.value, "contact": notice.about or None}


def _alert_data(alert: Alert) -> dict[str, Any]:
    data: dict[str, Any] = {
        **_about(alert),
        "clock": alert.clock,
        "cycle": alert.cycle,
        "occurrence": alert.occurrence,
        "limit": alert.limit,
        **({} if alert.team is None else {"team": alert.team}),
    }
    escalation = alert.escalation
    if escalation is not None:
        data |= {"name": escalation.name, "number": escalation.number}
    elif alert.told is AlertKind.WARNING:
        data["fraction"] = alert.what
    if alert.kind is AlertKind.BREACH:
        data["breached_at"] = format_instant(alert.at)
    if alert.retracts is not None and alert.reason is not None:
        data |= {"retracts": alert.retracts, "reason": alert.reason, "start": None, "due": None}
    if alert.shown is not None:
        data.update(_figures(alert.shown))
    return data


class _Typed(msgspec.Struct):
    type: str


_TYPED: Final = msgspec.json.Decoder(_Typed)


def read_alert_kind(value: bytes) -> AlertKind:
    """The kind of an encoded alert."""
    return AlertKind(_TYPED.decode(value).type)


def _figures(shown: ClockSnapshot) -> dict[str, Any]:
    return {
        "start": format_instant(shown.start),
        "counted_from": format_instant(shown.counted_from),
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
