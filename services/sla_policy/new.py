"""A policy file written from a few answers, with a comment for each of its tables."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from sla_policy.calendar_check import holiday_findings
from sla_policy.calendar_sections import HolidaysSection
from sla_policy.finding import length
from sla_policy.values import ALWAYS, NONE, Amount, Spans, Weekday, Zone, days_of

_SPAN: Final = re.compile(r"(\d\d?)(?::(\d\d))?-(\d\d?)(?::(\d\d))?")
_AROUND_THE_CLOCK: Final = "around_the_clock"


class Promise(NamedTuple):
    """A severity by name, its two times as a policy writes them, and whether nights count."""

    name: str
    first_response: str
    resolution: str
    always: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What a policy is written from."""

    name: str
    zone: str
    days: Sequence[str]
    hours: str
    country: str
    promises: Sequence[Promise]


def read_zone(text: str) -> str:
    """A time zone. This and the others raise ``ValueError`` with the remedy."""
    zone: str = _read(TypeAdapter(Zone), text.strip())
    return zone


def read_days(text: str) -> list[str]:
    """``mon-fri, sun`` as weekdays."""
    found = [day for part in text.lower().replace(" ", "").split(",") for day in days_of(part)]
    return [day for day in get_args(Weekday) if day in found]


def read_hours(text: str) -> str:
    """``09:00-13:00, 14:00-18:00`` as the spans of a day in a policy."""
    spans = [_SPAN.fullmatch(part.replace(" ", "")) for part in text.split(",")]
    if not all(spans):
        raise ValueError(f"{text!r} are no hours; write them like 09:00-18:00")
    pairs = [
        [f"{int(span[1]):02}:{span[2] or '00'}", f"{int(span[3]):02}:{span[4] or '00'}"]
        for span in spans
        if span
    ]
    _read(TypeAdapter(Spans), pairs)
    return json.dumps(pairs)


def read_country(text: str) -> str:
    """The code of a country whose public holidays are known; nothing for none."""
    code = text.strip().upper()
    if code in ("", NONE.upper()):
        return ""
    for finding in holiday_findings((), HolidaysSection(country=code), ()):
        if not finding.harmless:
            raise ValueError(finding.message)
    return code


def read_promise(text: str) -> Promise:
    """``Blocker: 15m, 4h, always`` as the promise of a severity."""
    name, told, times = text.partition(":")
    parts = [part.strip() for part in times.split(",")]
    always = parts[-1].lower() == ALWAYS
    if always:
        parts.pop()
    if not told or len(parts) != 2 or not _word(name) or not name.strip().isprintable():
        raise ValueError(
            f"{text!r} is not a severity and its times; write it like 'High: 2h, 8h', or "
            "'Blocker: 15m, 4h, always' where nights and weekends count"
        )
    for part in parts:
        if part != NONE:
            _read(TypeAdapter(Amount), part)
    first, resolution = parts
    return Promise(name.strip(), first, resolution, always)


def _read(adapter: TypeAdapter[Any], value: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        message = error.errors(include_input=False)[0]["msg"]
        raise ValueError(message.removeprefix("Value error, ")) from None


def _word(name: str) -> str:
    """The word for a severity's name: ``Crítico 1`` is ``critico_1``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def written(answers: Answers, now: datetime) -> str:
    """The policy file, in force from the day of ``now`` on.

    Raises ``ValueError`` where two severities have the same word.
    """
    words = [_word(each.name) for each in answers.promises]
    for place, word in enumerate(words):
        if word in words[:place]:
            raise ValueError(f"two severities are called {word!r}; give one another name")
    begin = now.astimezone(ZoneInfo(answers.zone)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    always = any(each.always for each in answers.promises)
    return "\n".join(
        [
            _HEAD.format(name=_word(answers.name) or "ours", begin=begin.isoformat()),
            *(
                f"{word} = {json.dumps(each.name, ensure_ascii=False)}"
                for word, each in zip(words, answers.promises, strict=True)
            ),
            _calendar(answers),
            *(
                [_ALWAYS_OPEN.format(name=_AROUND_THE_CLOCK, zone=answers.zone, hours=ALWAYS)]
                if always
                else []
            ),
            _CLOCKS,
            *(_targets(*each) for each in zip(words, answers.promises, strict=True)),
            _WARNINGS,
        ]
    )


def _calendar(answers: Answers) -> str:
    spans = json.loads(answers.hours)
    day = sum(closed - opened for opened, closed in TypeAdapter(Spans).validate_python(spans))
    hours = ", ".join(f"{days} = {answers.hours}" for days in _runs(answers.days))
    holidays = (
        f'holidays = {{ country = "{answers.country}" }}'
        if answers.country
        else '# holidays = { country = "ES", dates = ["2026-12-24"] }'
    )
    return _BUSINESS.format(zone=answers.zone, day=length(day), hours=hours, holidays=holidays)


def _runs(days: Sequence[str]) -> list[str]:
    """Weekdays as a policy writes them: ``mon-fri``, ``sun``."""
    runs: list[list[str]] = []
    for place, day in enumerate(get_args(Weekday)):
        if day in days:
            if place and get_args(Weekday)[place - 1] in days:
                runs[-1].append(day)
            else:
                runs.append([day])
    return [run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]


def _targets(word: str, promise: Promise) -> str:
    calendar = _AROUND_THE_CLOCK if promise.always else "business"
    lines = [f"[targets.{word}]"]
    for clock, within in (
        ("first_response", promise.first_response),
        ("resolution", promise.resolution),
    ):
        told = f'{{ within = "{within}", boundary = "inclusive", calendar = "{calendar}" }}'
        lines.append(f"{clock} = {json.dumps(NONE) if within == NONE else told}")
    return "\n".join(lines) + "\n"


_HEAD: Final = """\
# A support promise. `sla policy check` finds its mistakes, `sla policy explain` tells it in words,
# `sla policy test` tries it on made-up tickets. Every key is described in the policy reference.

name = "{name}"
version = "1"
# A ticket is judged by the version that was in force when it was reported.
effective_from = "{begin}"
# How long a closed ticket is kept, and can be reopened.
retention = "90d"

# The gravest first: the word that events say, and the name that people read.
[severities]"""
_BUSINESS: Final = """
# When time counts. A business day is what "2 business days" are counted in.
[calendars.business]
zone = "{zone}"
day = "{day}"
hours = {{ {hours} }}
{holidays}
"""
_ALWAYS_OPEN: Final = """\
# Day and night, weekends and holidays.
[calendars.{name}]
zone = "{zone}"
day = "24h"
hours = "{hours}"
"""
_CLOCKS: Final = """\
# What is measured, from the client's report on: until somebody takes care of the ticket ...
[clocks.first_response]
starts = "communicated"
stops = ["assigned", "resolved"]

# ... and until it is resolved. Time does not count while the vendor waits for the client.
[clocks.resolution]
starts = "communicated"
stops = ["resolved"]
pauses = ["waiting_on_client"]
resumes = ["client_responded", "resolved"]
restarts = ["reopened"]

# How much time each may take. "inclusive" is "up to", "exclusive" is "less than"; "none" promises
# nothing."""
_WARNINGS: Final = """\
# Warn when these parts of the time are used. With [[steps]] in their place, breaches escalate.
[warnings]
fractions = [0.5, 0.75, 0.9]
"""
