"""Questions about business time, each one a JSON document."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic import ValidationError

from sla_config.toml_file import named
from sla_config.toml_form import sentences
from sla_domain.calendar import Calendar
from sla_domain.clock import Limit
from sla_domain.counting import counted
from sla_domain.instant import (
    DAY,
    MINUTE,
    SECOND,
    format_duration,
    format_instant,
    parse_instant,
)
from sla_domain.pause import Pause
from sla_domain.target import Boundary, Target
from sla_lab.errors import UsageError
from sla_policy.amount import business_days, parse_amount
from sla_policy.calendar_sections import CalendarSection
from sla_text.times import length

#: The name in a question's own calendar, by the name in a policy's calendar.
_ASKED: Final = {"zone": "timezone"}


class QuestionError(ValueError):
    """The question is not valid; the message says how to ask it."""


def add_answer(calendar: Calendar, start: str, amount: str) -> str:
    """The instant after ``amount`` of business time. Raises ``UsageError``."""
    try:
        return format_instant(calendar.add(_time(start, "START"), parse_amount(amount, calendar)))
    except ValueError as error:
        raise UsageError(str(error)) from None


def between_answer(calendar: Calendar, start: str, end: str) -> str:
    """The business time between two instants as ISO 8601. Raises ``UsageError``."""
    try:
        return format_duration(calendar.between(_time(start, "START"), _time(end, "END")))
    except ValueError as error:
        raise UsageError(str(error)) from None


def meaning(calendar: Calendar, amount: str) -> str:
    """What ``amount`` is in hours, if its days could be misunderstood; else an empty string."""
    days, ms = business_days(amount), parse_amount(amount, calendar)
    if days is not None:
        return f"{amount!r} is {length(ms)} of business time on the calendar {calendar.name!r}"
    if ms % DAY or calendar.day_length in (None, DAY) or not re.search("[dDwW]", amount):
        return ""
    return (
        f"{amount!r} is {length(ms)} of business time, since a day is 24 hours; "
        f"'{counted(ms // DAY, 'business day')}' is {length(ms // DAY * calendar.day_length)}"
    )


def answer(line: bytes, where: str, usual: Calendar, usual_kind: str) -> str:
    """The answer to one question; ``where`` names its line in errors.

    A question may have its own ``calendar``: ``timezone``, ``hours`` by weekday, ``holidays``,
    ``overrides`` by date, and the length of a business ``day``. Raises ``UsageError``.
    """
    try:
        return _answer(json.loads(line), usual, usual_kind)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}: not JSON, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise UsageError(f"{where}: lists or objects are nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _answer(question: Any, usual: Calendar, usual_kind: str) -> str:
    question = _object(question, "the question")
    calendar = _own_calendar(question["calendar"]) if "calendar" in question else usual
    given = _object(question.get("input", question), "input")
    kind = question.get("kind", usual_kind)
    if kind == "add":
        return format_instant(calendar.add(_time_of(given, "start"), _amount(given, calendar)))
    if kind == "between":
        return format_duration(calendar.between(_time_of(given, "start"), _time_of(given, "end")))
    if kind == "pause":
        return _paused(calendar, given)
    raise QuestionError(f"kind {kind!r} is not one of add, between, pause")


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise QuestionError(f"{name} is not a JSON object; write it in braces")
    return value


def _needed(given: dict[str, Any], name: str) -> Any:
    if name not in given:
        raise QuestionError(f"{name!r} is missing")
    return given[name]


def _time(value: Any, name: str) -> int:
    try:
        return parse_instant(value)
    except (ValueError, TypeError):
        raise QuestionError(
            f"{name} {value!r} is not a time with an offset; write it like "
            "2026-11-20T17:30:00-03:00"
        ) from None


def _time_of(given: dict[str, Any], name: str) -> int:
    return _time(_needed(given, name), name)


def _own_calendar(given: Any) -> Calendar:
    given = _object(given, "calendar")
    try:
        section = CalendarSection.model_validate(
            {
                "zone": _needed(given, "timezone"),
                "hours": _needed(given, "hours"),
                "day": given.get("day"),
                "holidays": {"dates": given.get("holidays", [])},
                "overrides": given.get("overrides", {}),
            }
        )
    except ValidationError as error:
        problems = error.errors(include_url=False)
        said = sentences(problems, CalendarSection.model_json_schema(), quoted=True)
        path, first = next(said)
        asked = [_ASKED.get(str(part), str(part)) for part in path if part != "dates"]
        raise QuestionError(f"{named(('calendar', *asked))}: {first}") from None
    if section.zone is None:
        raise QuestionError('calendar.timezone is missing; write one like "Europe/Madrid"')
    return section.to_domain("own", {})


def _amount(given: dict[str, Any], calendar: Calendar) -> int:
    for name, unit in (("duration", None), ("seconds", SECOND), ("minutes", MINUTE)):
        if name not in given:
            continue
        value = given[name]
        if unit is None:
            return parse_amount(str(value), calendar)
        if isinstance(value, bool) or not isinstance(value, int):
            raise QuestionError(f"{name} {value!r} is not a whole number")
        return value * unit
    raise QuestionError("no amount of time is given; give duration, seconds or minutes")


def _paused(calendar: Calendar, given: dict[str, Any]) -> str:
    """A clock with pauses: when its target is used up, or how much has been used at the end."""
    start, op = _time_of(given, "start"), _needed(given, "op")
    if op not in ("deadline", "elapsed"):
        raise QuestionError(f"op {op!r} is not one of deadline, elapsed")
    within = _amount(given, calendar) if op == "deadline" else 1
    target = Target.of(within, Boundary.EXCLUSIVE, calendar)
    pauses = [
        Pause(
            _time_of(pause, "from"),
            None if pause.get("to") is None else _time_of(pause, "to"),
            "client",
            "asked",
        )
        for pause in (_object(each, "a pause") for each in _listed(given, "pauses"))
    ]
    limit = Limit("asked", start, target, "asked", pauses)
    if op == "elapsed":
        return format_duration(limit.used(_time_of(given, "end")))
    return "never" if limit.due is None else format_instant(limit.due)


def _listed(given: dict[str, Any], name: str) -> list[Any]:
    value = _needed(given, name)
    if not isinstance(value, list):
        raise QuestionError(f"{name} is not a JSON array; write it in brackets")
    return value
