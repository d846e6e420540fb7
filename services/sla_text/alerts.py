"""An alert as a sentence, from its record on a topic."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sla_domain.instant import parse_instant
from sla_domain.policy import SeverityNames
from sla_domain.steps import Escalation
from sla_text.language import Texts
from sla_text.steps import told_escalation, told_step
from sla_text.times import length, moment, percent_of


def alert_text(
    record: Mapping[str, Any], texts: Texts, zone: ZoneInfo, names: SeverityNames
) -> str:
    """``record`` (a CloudEvent of the tracker) as a sentence, its times in ``zone``.

    ``names`` are the policy's names for the severities.
    """
    data, kind = record["data"], record["type"].partition(".")[2]
    values: dict[str, Any] = {
        "ticket": data["ticket_id"],
        "severity": texts.severity(data["severity"], names),
        "at": moment(parse_instant(record["time"]), zone, texts),
    }
    if kind == "notice":
        values["notice"] = texts.word("notice", data["kind"], about=data["contact"])
    elif kind == "approved":
        values["about"] = data["subscriber_id"]
    else:
        values["clock"] = texts.clock(data["clock"], data.get("team"))
        values |= _figures(data, texts, zone)
        if kind == "warning" and "share" not in values:
            kind = "warning_before"
    return texts(f"alert.{kind}", **values)


def _figures(data: Mapping[str, Any], texts: Texts, zone: ZoneInfo) -> dict[str, str]:
    found: dict[str, str] = {}
    if "fraction" in data:
        found["step"] = told_step(data["fraction"], texts)
        if not data["fraction"].startswith("-"):
            found["share"] = percent_of(Fraction(data["fraction"]), texts)
    if "number" in data:
        found["step"] = told_escalation(Escalation(data["name"], data["number"]))
    if "reason" in data:
        found["reason"] = texts.word("reason", data["reason"])
    if data.get("due"):
        found["due"] = moment(parse_instant(data["due"]), zone, texts)
    if data.get("used_ms") is not None:
        found["used"] = length(data["used_ms"], texts)
        found["target"] = length(data["target_ms"], texts)
    return found
