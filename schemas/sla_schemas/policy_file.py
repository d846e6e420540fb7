"""The policy file: read, checked, its holidays expanded, handed to the domain as plain data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sla_domain.calendar import FIRST_YEAR, LAST_YEAR, Calendar, Span
from sla_domain.errors import UserFacingError
from sla_domain.event import EVENT_TYPES, EventType
from sla_domain.instant import DAY, HOUR, MINUTE, parse_duration
from sla_domain.policy import (
    Boundary,
    ClockRule,
    Plan,
    Policy,
    PolicyBook,
    Target,
    WarningFraction,
)
from sla_schemas.types import Instant
from sla_schemas.words import Affected, BuiltBy, Impact, Medium, Origin, Scope, Severity
from sla_schemas.words import Plan as PlanName

#: Where the policies that come with the package live inside it.
PACKAGED: Final = "policies"
DEFAULT_POLICY: Final = "aivo.toml"

_BUSINESS_DAYS: Final = re.compile(r"(\d+) business days?")
_CLOCK_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


class PolicyError(UserFacingError):
    """A policy file has mistakes; ``mistakes`` names file, line and field of each."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = list(mistakes)


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _zone(value: Any) -> Any:
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is not a time zone; write one like 'Europe/Madrid'") from None
    return value


def _span(value: Any) -> Any:
    """``["09:00", "18:00"]`` as milliseconds from midnight."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError('a span is a pair like ["09:00", "18:00"]')
    ends = []
    for text in value:
        if not isinstance(text, str) or not _CLOCK_TIME.fullmatch(text):
            raise ValueError(f"{text!r} is not a time between 00:00 and 24:00, written HH:MM")
        hours, minutes = text.split(":")
        ends.append(int(hours) * HOUR + int(minutes) * MINUTE)
    if ends[0] >= ends[1]:
        raise ValueError(f"{value[0]} is not before {value[1]}; a span ends on its own day")
    return tuple(ends)


def _spans(value: Any) -> Any:
    spans = sorted(_span(item) for item in value)
    for (_, close), (opened, _) in pairwise(spans):
        if opened < close:
            raise ValueError("spans of a day overlap")
    return spans


def _event_type(value: Any) -> Any:
    if isinstance(value, EventType):
        return value
    if value not in EVENT_TYPES:
        raise ValueError(f"{value!r} is not an event; events are {', '.join(EVENT_TYPES)}")
    return EVENT_TYPES[value]


DurationText = Annotated[int, BeforeValidator(_duration), Field(gt=0)]
Spans = Annotated[list[tuple[int, int]], BeforeValidator(_spans)]
EventWord = Annotated[EventType, BeforeValidator(_event_type)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Section(BaseModel):
    """A table of the policy file: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class HolidaysSection(Section):
    """Public holidays by country and subdivision (ISO 3166), and single dates."""

    country: str | None = None
    subdivision: str | None = None
    dates: list[date] = []

    def days(self) -> Iterator[date]:
        """Every holiday in the years a calendar answers for."""
        yield from self.dates
        if self.country is not None:
            import holidays  # noqa: PLC0415  half a second, and most policies name no country

            yield from holidays.country_holidays(
                self.country, subdiv=self.subdivision, years=range(FIRST_YEAR, LAST_YEAR + 1)
            )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.country is not None:
            import holidays  # noqa: PLC0415  see above

            try:
                holidays.country_holidays(self.country, subdiv=self.subdivision)
            except NotImplementedError as unknown:
                raise ValueError(str(unknown)) from None
        return self


class CalendarSection(Section):
    """Which instants count: weekly spans in a zone, less holidays, with overrides by date."""

    zone: Annotated[str, BeforeValidator(_zone)]
    day: DurationText = DAY
    hours: dict[Weekday, Spans]
    holidays: HolidaysSection = HolidaysSection()
    overrides: dict[date, Spans] = {}

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if not any(self.hours.values()) and not any(self.overrides.values()):
            raise ValueError("the calendar never opens: give at least one day a span")
        return self

    def to_domain(self, name: str) -> Calendar:
        """The calendar with its holidays as dates without spans."""
        dates: dict[date, Sequence[Span]] = dict.fromkeys(self.holidays.days(), ())
        dates.update(self.overrides)
        week = [self.hours.get(day, []) for day in get_args(Weekday)]
        return Calendar(name, self.zone, week, dates, self.day)


class ClockSection(Section):
    """What moves a clock; it starts at the client's communication."""

    starts: Literal["communicated"]
    stops: list[EventWord]
    pauses: list[EventWord] = []
    resumes: list[EventWord] = []
    restarts: list[EventWord] = []

    def to_domain(self, name: str) -> ClockRule:
        """The rule as sets of event types."""
        return ClockRule(
            name,
            frozenset(self.stops),
            frozenset(self.pauses),
            frozenset(self.resumes),
            frozenset(self.restarts),
        )


class TargetSection(Section):
    """How much time a clock may use at a severity."""

    within: str
    boundary: Boundary
    calendar: str

    def to_domain(
        self, calendars: Mapping[str, Calendar], warnings: Sequence[WarningFraction]
    ) -> Target:
        """The target in milliseconds; a business day is its calendar's ``day``."""
        calendar = calendars[self.calendar]
        days = _BUSINESS_DAYS.fullmatch(self.within)
        within = int(days[1]) * calendar.day_length if days else parse_duration(self.within)
        return Target.of(within, self.boundary, calendar, warnings)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        days = _BUSINESS_DAYS.fullmatch(self.within)
        if (int(days[1]) if days else parse_duration(self.within)) <= 0:
            raise ValueError("a target is more than no time")
        return self


def _targets(
    targets: Mapping[Severity, Mapping[str, TargetSection]],
    calendars: Mapping[str, Calendar],
    warnings: Sequence[WarningFraction],
) -> dict[tuple[str, str], Target]:
    return {
        (severity, clock): section.to_domain(calendars, warnings)
        for severity, sections in targets.items()
        for clock, section in sections.items()
    }


class PlanTargetSection(TargetSection):
    """A limit beside the severity's own, counted from the contact with the guard."""

    begins: Annotated[Literal["guard_contacted"], Field(alias="from")]


class PlanSection(Section):
    """A support that a client buys on top; it is active once the client contacts the guard."""

    built_by: list[BuiltBy]
    severities: list[Severity]
    outside: str
    targets: dict[Severity, dict[str, PlanTargetSection]]

    def to_domain(
        self, name: str, calendars: Mapping[str, Calendar], warnings: Sequence[WarningFraction]
    ) -> Plan:
        """The plan with its calendars and targets."""
        return Plan(
            name,
            frozenset(self.built_by),
            frozenset(self.severities),
            calendars[self.outside],
            _targets(self.targets, calendars, warnings),
        )


class ServicesSection(Section):
    """What a ticket may affect: primary services, platforms, and which severities need a primary
    service to be affected.
    """

    primary: list[Affected] = []
    platforms: list[Affected] = []
    needs_primary: list[Severity] = []


class WrittenRecordSection(Section):
    """The media of contacts whose agreement must be left in writing."""

    spoken: list[Medium] = []


class ClosingSection(Section):
    """Which origins must be shown by evidence when a ticket is resolved."""

    evidence_for: list[Origin] = []


class WarningsSection(Section):
    """At which shares of the target a warning is due."""

    fractions: list[Annotated[float, Field(gt=0, lt=1)]] = []


class PolicyFile(Section):
    """One version of a support promise."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    effective_from: Instant
    retention: DurationText
    business_calendar: str | None = None
    channels: list[str] = []
    severities: dict[Severity, str] = {}
    calendars: Annotated[dict[str, CalendarSection], Field(min_length=1)]
    clocks: dict[str, ClockSection]
    targets: dict[Severity, dict[str, TargetSection]]
    plans: dict[PlanName, PlanSection] = {}
    services: ServicesSection = ServicesSection()
    written_record: WrittenRecordSection = WrittenRecordSection()
    closing: ClosingSection = ClosingSection()
    warnings: WarningsSection = WarningsSection()
    classification: dict[Impact, dict[Scope | Literal["unstated"], Severity]] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = list(self._unknown_names("targets", self.targets))
        for name, plan in self.plans.items():
            problems += self._unknown_names(f"plans.{name}.targets", plan.targets)
            problems += self._unknown_calendar(f"plans.{name}.outside", plan.outside)
        if self.business_calendar is not None:
            problems += self._unknown_calendar("business_calendar", self.business_calendar)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unknown_names(
        self, where: str, targets: Mapping[Severity, Mapping[str, TargetSection]]
    ) -> Iterator[str]:
        for severity, sections in targets.items():
            for clock, target in sections.items():
                place = f"{where}.{severity}.{clock}"
                if clock not in self.clocks:
                    yield f"{place}: there is no clock {clock!r}"
                yield from self._unknown_calendar(f"{place}.calendar", target.calendar)

    def _unknown_calendar(self, where: str, name: str) -> Iterator[str]:
        if name not in self.calendars:
            yield f"{where}: there is no calendar {name!r}"

    def to_domain(self) -> Policy:
        """The policy as the domain knows it."""
        calendars = {name: section.to_domain(name) for name, section in self.calendars.items()}
        warnings = [
            WarningFraction(str(share), Fraction(str(share)))
            for share in sorted(self.warnings.fractions)
        ]
        return Policy(
            name=self.name,
            version=self.version,
            effective_from=self.effective_from,
            retention=self.retention,
            calendars=calendars,
            business_calendar=calendars[self.business_calendar or next(iter(calendars))],
            clocks=[section.to_domain(name) for name, section in self.clocks.items()],
            targets=_targets(self.targets, calendars, warnings),
            warnings=warnings,
            classification={
                (impact, None if scope == "unstated" else scope): severity
                for impact, scopes in self.classification.items()
                for scope, severity in scopes.items()
            },
            severity_names={str(severity): name for severity, name in self.severities.items()},
            channels=frozenset(self.channels),
            plans={
                name: section.to_domain(name, calendars, warnings)
                for name, section in self.plans.items()
            },
            primary_services=frozenset(self.services.primary),
            platforms=frozenset(self.services.platforms),
            needs_primary=frozenset(self.services.needs_primary),
            spoken_media=frozenset(self.written_record.spoken),
            evidence_for=frozenset(self.closing.evidence_for),
        )


def default_policy_text() -> str:
    """The text of the policy that comes with the package."""
    packaged = resources.files("sla_schemas") / PACKAGED / DEFAULT_POLICY
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    # A source checkout: the wheel copies the file from here.
    return _checkout_policy().read_text(encoding="utf-8")


def _checkout_policy() -> Path:
    return Path(__file__).parents[2] / "deploy" / "policies" / DEFAULT_POLICY


def parse_policy(text: str, origin: str) -> Policy:
    """Read the text of a policy file that came from ``origin``.

    Raises ``PolicyError`` with every mistake, each with file, line and field.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"{origin}: {error}"]) from None
    try:
        return replace(PolicyFile.model_validate(raw).to_domain(), source=text)
    except ValidationError as error:
        raise PolicyError(
            [
                _mistake(text, origin, problem["loc"], problem["msg"])
                for problem in error.errors(include_url=False)
            ]
        ) from None


def load_policy(path: Path | None = None) -> Policy:
    """Read the policy file at ``path``, or the packaged one.

    Raises ``PolicyError`` when it is missing, unreadable or mistaken.
    """
    if path is None:
        return parse_policy(default_policy_text(), DEFAULT_POLICY)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError([f"{path}: cannot be read: {error}"]) from None
    return parse_policy(text, str(path))


def load_policies(paths: Sequence[Path]) -> PolicyBook:
    """The versions in ``paths`` side by side; none given, the packaged policy."""
    return PolicyBook([load_policy(path) for path in paths] or [load_policy()])


def _mistake(text: str, origin: str, loc: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    names = [str(part) for part in loc if part != "[key]"]
    if not names and (inside := re.match(r"([\w.]+): ", message)):
        names = inside[1].split(".")
        message = message[inside.end() :]
    line = _line_of(text, names)
    return f"{origin}:{line}: {'.'.join(names) or 'the file'}: {message}"


def _line_of(text: str, names: Sequence[str]) -> int:
    """The line that defines as much of the dotted path ``names`` as the file spells out."""
    best, best_depth = 1, 0
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+([^\]]+)\]+", line)
        key = re.match(r'\s*("?[\w.-]+"?)\s*=', line)
        if header:
            table = [part.strip().strip('"') for part in header[1].split(".")]
            path = table
        elif key:
            path = [*table, *(part.strip('"') for part in key[1].split("."))]
        else:
            continue
        depth = len(path)
        if depth > best_depth and list(names[:depth]) == path:
            best, best_depth = number, depth
    return best
