"""Questions about business time, one JSON document each."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from sla_cli.errors import UsageError
from sla_domain.calendar import Calendar
from sla_domain.clock import Limit, Pause
from sla_domain.instant import (
    DAY,
    MINUTE,
    SECOND,
    format_duration,
    format_instant,
    parse_instant,
)
from sla_domain.policy import Boundary, Target
from sla_schemas.amount import business_days, parse_amount
from sla_schemas.policy_file import CalendarSection
from sla_text.moments import length


def add_answer(calendar: Calendar, start: str, amount: str) -> str:
    """The instant after ``amount`` of open time. Raises ``UsageError``."""
    try:
        return format_instant(calendar.add(parse_instant(start), parse_amount(amount, calendar)))
    except ValueError as error:
        raise UsageError(str(error)) from None


def meaning(calendar: Calendar, amount: str) -> str:
    """What ``amount`` is in hours where days could be taken for something else; else nothing."""
    days, ms = business_days(amount), parse_amount(amount, calendar)
    if days is not None:
        return f"{amount} on the calendar {calendar.name!r} are {length(ms)} of open time"
    if ms % DAY or calendar.day_length in (None, DAY) or not re.search("[dDwW]", amount):
        return ""
    return (
        f"{amount} are {length(ms)} of open time, since a day is 24 hours; "
        f"'{ms // DAY} business days' are {length(ms // DAY * calendar.day_length)}"
    )


def between_answer(calendar: Calendar, start: str, end: str) -> str:
    """The open time between two instants as ISO 8601. Raises ``UsageError``."""
    try:
        return format_duration(calendar.between(parse_instant(start), parse_instant(end)))
    except ValueError as error:
        raise UsageError(str(error)) from None


def answer(line: bytes, where: str, usual: Calendar, usual_kind: str) -> str:
    """The answer to one question; ``where`` names its line in errors.

    A question may bring its own ``calendar``: ``timezone``, ``hours`` by weekday, ``holidays``,
    ``overrides`` by date, and how long a business ``day`` is.
    """
    try:
        question = json.loads(line)
        calendar = _own_calendar(question["calendar"]) if "calendar" in question else usual
        given = question.get("input", question)
        kind = question.get("kind", usual_kind)
        if kind == "add":
            return format_instant(
                calendar.add(parse_instant(given["start"]), _amount(given, calendar))
            )
        if kind == "between":
            return format_duration(
                calendar.between(parse_instant(given["start"]), parse_instant(given["end"]))
            )
        if kind == "pause":
            return _paused(calendar, given)
    except KeyError as error:
        raise UsageError(f"{where}: {error.args[0]!r} is missing") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{where}: {error}") from None
    raise UsageError(f"{where}: kind {kind!r} is none of add, between, pause")


def _own_calendar(given: dict[str, Any]) -> Calendar:
    section = CalendarSection.model_validate(
        {
            "zone": given["timezone"],
            "hours": given["hours"],
            "day": given.get("day"),
            "holidays": {"dates": [date.fromisoformat(day) for day in given.get("holidays", [])]},
            "overrides": {
                date.fromisoformat(day): spans for day, spans in given.get("overrides", {}).items()
            },
        }
    )
    return section.to_domain("own")


def _amount(given: dict[str, Any], calendar: Calendar) -> int:
    if "duration" in given:
        return parse_amount(given["duration"], calendar)
    if "seconds" in given:
        return int(given["seconds"]) * SECOND
    return int(given["minutes"]) * MINUTE


def _paused(calendar: Calendar, given: dict[str, Any]) -> str:
    """A clock with pauses: when its target is used up, or how much is used at the end."""
    start = parse_instant(given["start"])
    within = _amount(given, calendar) if given["op"] == "deadline" else 1
    target = Target.of(within, Boundary.EXCLUSIVE, calendar)
    pauses = [
        Pause(
            parse_instant(pause["from"]),
            None if pause.get("to") is None else parse_instant(pause["to"]),
            "client",
            "asked",
        )
        for pause in given["pauses"]
    ]
    limit = Limit("asked", start, target, "asked", pauses)
    if given["op"] == "elapsed":
        return format_duration(limit.used(parse_instant(given["end"])))
    return "never" if limit.due is None else format_instant(limit.due)
