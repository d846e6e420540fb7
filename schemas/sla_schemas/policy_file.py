"""The policy file: read, checked, its holidays expanded, handed to the domain as plain data."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from functools import cache, cached_property
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

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
from sla_schemas.amount import business_days, parse_amount
from sla_schemas.policy_check import NONE, Finding, findings, same_versions
from sla_schemas.toml_file import TomlFileError, named, read_model, read_text
from sla_schemas.toml_places import Places
from sla_schemas.types import Instant
from sla_schemas.wording import nearest
from sla_schemas.words import Affected, BuiltBy, Impact, Medium, Origin, Scope, Severity
from sla_schemas.words import Plan as PlanName

log = logging.getLogger(__name__)

#: Where the policies that come with the package live inside it.
PACKAGED: Final = "policies"
DEFAULT_POLICY: Final = "aivo.toml"

_CLOCK_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_HUNDRED_YEARS: Final = 36_525 * DAY


class PolicyError(UserFacingError):
    """A policy file has mistakes; ``mistakes`` names file, line, field and remedy of each.

    ``warnings`` are what is wrong in it beside, though it could be loaded with that.
    """

    def __init__(self, mistakes: Sequence[str], warnings: Sequence[str] = ()) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = list(mistakes)
        self.warnings = list(warnings)


class UnfitError(ValueError):
    """A value does not fit its key; the message says how it is written."""


def _duration(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise UnfitError(f'{value} has no unit; write it like "{value}d" or "{value}h"')
    if not isinstance(value, str):
        raise UnfitError(f'{value!r} is not a duration; write it like "90d" or "8h"')
    duration = parse_duration(value)
    if not 0 < duration <= _HUNDRED_YEARS:
        raise UnfitError(f"{value!r} is not more than no time and at most 100 years")
    return duration


def _day(value: int) -> int:
    if value > DAY:
        raise UnfitError('a business day is at most "24h"')
    return value


@cache
def _zones() -> set[str]:
    """Every zone there is; it takes a tenth of a second to look."""
    return available_timezones()


def _zone(value: Any) -> Any:
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        like = nearest(value, _zones()) or "; write one like 'Europe/Madrid'"
        raise UnfitError(f"{value!r} is not a time zone{like}") from None
    return value


def _date(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise UnfitError(f"{value!r} is a date that does not exist") from None
    raise UnfitError(f'{value!r} is not a date; write it like "2026-12-24"')


def _span(value: Any) -> Any:
    """``["09:00", "18:00"]`` as milliseconds from midnight."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise UnfitError('a span is a pair like ["09:00", "18:00"]')
    ends = []
    for text in value:
        if not isinstance(text, str) or not _CLOCK_TIME.fullmatch(text):
            raise UnfitError(f"{text!r} is not a time between 00:00 and 24:00, written HH:MM")
        hours, minutes = text.split(":")
        ends.append(int(hours) * HOUR + int(minutes) * MINUTE)
    if ends[0] >= ends[1]:
        raise UnfitError(
            f"{value[0]} is not before {value[1]}; a span ends on its own day, at 24:00 at the "
            "latest"
        )
    return tuple(ends)


def _spans(value: Any) -> Any:
    if not isinstance(value, list):
        raise UnfitError('spans are a list like [["09:00", "13:00"], ["14:00", "18:00"]]')
    spans = sorted(_span(item) for item in value)
    for (_, close), (opened, _) in pairwise(spans):
        if opened < close:
            raise UnfitError("spans of a day overlap; join them to one")
    return spans


def _event_type(value: Any) -> Any:
    if not isinstance(value, str) or value not in EVENT_TYPES:
        like = nearest(value, EVENT_TYPES) or f"; events are {', '.join(EVENT_TYPES)}"
        raise UnfitError(f"{value!r} is not an event{like}")
    return EVENT_TYPES[value]


def _share(value: Any) -> Any:
    if isinstance(value, str):
        raise UnfitError(f"{value!r} is a text; write the number without quotes, like 0.5")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError(f"{value!r} is not a number; write half of a target as 0.5")
    if not 0 < value < 1:
        remedy = f"{value} percent are {value / 100}" if 1 < value < 100 else "half of it is 0.5"
        raise UnfitError(f"{value} is not between 0 and 1, a part of the target; {remedy}")
    return float(value)


def _within(value: Any) -> Any:
    if not isinstance(value, str):
        raise UnfitError(f'{value!r} is not a text; write it like "8h" or "5 business days"')
    amount = business_days(value)
    if amount is None:
        try:
            amount = parse_duration(value)
        except ValueError:
            raise UnfitError(
                f"{value!r} is not an amount of time; write it like '8h', '1h 30m' or "
                "'5 business days'"
            ) from None
    if amount <= 0:
        raise UnfitError("a target is more than no time")
    return value


def _none(value: Any) -> Any:
    """What is written to say that nothing is promised."""
    return None if value == NONE else value


def _identifier(pattern: str, words: str) -> AfterValidator:
    def fits(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} is not made of {words}")
        return value

    return AfterValidator(fits)


DurationText = Annotated[
    int, BeforeValidator(_duration), WithJsonSchema({"type": "string", "format": "duration"})
]
Day = Annotated[date, BeforeValidator(_date)]
Spans = Annotated[
    list[tuple[int, int]],
    BeforeValidator(_spans),
    WithJsonSchema({"type": "array", "x-written": "list of spans, from opening to closing"}),
]
EventWord = Annotated[
    EventType,
    BeforeValidator(_event_type),
    WithJsonSchema({"type": "string", "enum": list(EVENT_TYPES)}),
]
Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema({"type": "number", "x-written": "number between 0 and 1"}),
]
Amount = Annotated[
    str,
    BeforeValidator(_within),
    WithJsonSchema({"type": "string", "x-written": "duration or business days"}),
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Section(BaseModel):
    """A table of the policy file: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class HolidaysSection(Section):
    """Days on which a calendar does not open: public holidays, and single dates."""

    country: str | None = Field(
        None,
        description="Whose public holidays (ISO 3166-1). Whole days; part-day holidays count as "
        "other days do, and `overrides` can shorten them.",
        examples=['"AR"'],
    )
    subdivision: str | None = Field(
        None, description="A part of the country, with its holidays (ISO 3166-2).", examples=['"B"']
    )
    dates: list[Day] = Field(
        [], description="Further days.", examples=['["2026-12-24", "2026-12-31"]']
    )

    def days(self) -> Iterator[date]:
        """Every holiday in the years a calendar answers for."""
        yield from self.dates
        if self.country is not None:
            import holidays  # noqa: PLC0415  half a second, and most policies name no country

            yield from holidays.country_holidays(
                self.country, subdiv=self.subdivision, years=range(FIRST_YEAR, LAST_YEAR + 1)
            )


class CalendarSection(Section):
    """Which instants count: weekly spans in a zone, less holidays, with overrides by date."""

    zone: Annotated[str, BeforeValidator(_zone)] = Field(
        description="Time zone (IANA) whose wall clock the hours are read from.",
        examples=['"America/Argentina/Buenos_Aires"'],
    )
    day: Annotated[DurationText, AfterValidator(_day)] | None = Field(
        None,
        description="How long a business day is; needed where a target is in business days.",
        examples=['"9h"'],
    )
    hours: dict[Weekday, Spans] = Field(
        description="The open spans of each weekday; one not named is closed.",
        examples=['{ mon = [["09:00", "13:00"], ["14:00", "18:00"]], tue = [["09:00", "18:00"]] }'],
    )
    holidays: HolidaysSection = Field(
        HolidaysSection(), description="Days without hours.", examples=['{ country = "AR" }']
    )
    overrides: dict[Day, Spans] = Field(
        {},
        description="The open spans of single dates, before weekday and holiday.",
        examples=['{ 2026-12-24 = [["09:00", "13:00"]] }'],
    )

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

    starts: Literal["communicated"] = Field(
        description="From when it counts: the client's communication.",
        examples=['"communicated"'],
    )
    stops: list[EventWord] = Field(
        description="Events that keep the promise: the first of them ends the cycle.",
        examples=['["resolved"]'],
    )
    pauses: list[EventWord] = Field(
        [],
        description="Events from which the time does not count.",
        examples=['["waiting_on_client"]'],
    )
    resumes: list[EventWord] = Field(
        [],
        description="Events from which it counts again, whichever comes first.",
        examples=['["client_responded", "resolved"]'],
    )
    restarts: list[EventWord] = Field(
        [],
        description="Events that begin another cycle once the last one has ended.",
        examples=['["reopened"]'],
    )

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

    within: Amount = Field(
        description="How much open time may be used. A day (`d`) is 24 hours of it, a business "
        "day what the calendar's `day` says.",
        examples=['"5 business days"'],
    )
    boundary: Boundary = Field(
        description='Whether using exactly that much still keeps the promise: `inclusive` is "up '
        'to", `exclusive` "less than".',
        examples=['"inclusive"'],
    )
    calendar: str = Field(description="The calendar by which time counts.", examples=['"business"'])

    def to_domain(
        self, calendars: Mapping[str, Calendar], warnings: Sequence[WarningFraction]
    ) -> Target:
        """The target in milliseconds; a business day is its calendar's ``day``."""
        calendar = calendars[self.calendar]
        return Target.of(parse_amount(self.within, calendar), self.boundary, calendar, warnings)


def _targets(
    targets: Mapping[Severity, Mapping[str, TargetSection | None] | None],
    calendars: Mapping[str, Calendar],
    warnings: Sequence[WarningFraction],
) -> dict[tuple[str, str], Target]:
    return {
        (severity, clock): section.to_domain(calendars, warnings)
        for severity, sections in targets.items()
        for clock, section in (sections or {}).items()
        if section is not None
    }


class PlanTargetSection(TargetSection):
    """A limit beside the severity's own, counted from the contact with the guard."""

    begins: Annotated[Literal["guard_contacted"], Field(alias="from")] = Field(
        description="From when it counts.", examples=['"guard_contacted"']
    )


class PlanSection(Section):
    """A support that a client buys on top; it is active once the client contacts the guard."""

    built_by: list[BuiltBy] = Field(
        description="Whose integrations it covers.", examples=['["aivo"]']
    )
    severities: list[Severity] = Field(
        description="The severities it is meant for.", examples=['["blocker", "high"]']
    )
    outside: str = Field(
        description="The calendar outside of whose hours a contact counts.", examples=['"business"']
    )
    targets: dict[Severity, dict[str, PlanTargetSection]] = Field(
        description="The limits, by severity and clock."
    )

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
    """What a ticket may affect, and which severities need a primary service to be affected."""

    primary: list[Affected] = Field(
        [], description="Primary services.", examples=['["agentbot", "live"]']
    )
    platforms: list[Affected] = Field([], description="Platforms.", examples=['["myaivo", "live"]'])
    needs_primary: list[Severity] = Field(
        [],
        description="Severities that are questioned by a notice where no primary service is "
        "affected.",
        examples=['["blocker"]'],
    )


class WrittenRecordSection(Section):
    """The media of contacts whose agreement must be left in writing."""

    spoken: list[Medium] = Field([], description="Those media.", examples=['["phone", "meet"]'])


class ClosingSection(Section):
    """Which origins must be shown by evidence when a ticket is resolved."""

    evidence_for: list[Origin] = Field(
        [], description="Those origins.", examples=['["client", "third_party"]']
    )


class WarningsSection(Section):
    """At which shares of the target a warning is due."""

    fractions: list[Share] = Field(
        [],
        description="Parts of the target's time; none, and nothing warns before a breach.",
        examples=["[0.5, 0.75, 0.9]"],
    )


class PolicyFile(Section):
    """One version of a support promise."""

    name: Annotated[
        str, _identifier(r"[a-z0-9][a-z0-9_-]*", "small letters, digits, - and _, as in 'aivo'")
    ] = Field(description="What the policy goes by; its versions share it.", examples=['"aivo"'])
    version: Annotated[
        str, _identifier(r"[A-Za-z0-9._-]+", "letters, digits, '.', - and _, as in '2026.1'")
    ] = Field(
        description="Alerts and records cite `name@version`; a text, so in quotes.",
        examples=['"1"'],
    )
    effective_from: Instant = Field(
        description="From when it is in force: a ticket is judged by the version that was in force "
        "when it was communicated.",
        examples=['"2026-01-01T00:00:00-03:00"'],
    )
    retention: DurationText = Field(
        description="How long a resolved or cancelled ticket is kept, and can be reopened.",
        examples=['"90d"'],
    )
    business_calendar: str | None = Field(
        None,
        description="What business time means where no clock is asked about. Default: the first.",
        examples=['"business"'],
    )
    channels: list[Annotated[str, Field(min_length=1)]] = Field(
        [],
        description="The channels of the contract: a ticket by another raises a notice.",
        examples=['["support_center"]'],
    )
    severities: dict[Severity, str] = Field(
        {}, description="What the contract calls each severity.", examples=['{ high = "Alto" }']
    )
    calendars: Annotated[dict[str, CalendarSection], Field(min_length=1)] = Field(
        description="Calendars by name."
    )
    clocks: dict[str, ClockSection] = Field(description="Clocks by name.")
    targets: dict[
        Severity,
        Annotated[
            dict[str, Annotated[TargetSection | None, BeforeValidator(_none)]] | None,
            BeforeValidator(_none),
        ],
    ] = Field(
        description='What is promised, by severity and clock. `"none"` for a clock or a whole '
        "severity says that nothing is.",
    )
    plans: dict[PlanName, PlanSection] = Field({}, description="Plans by name.")
    services: ServicesSection = Field(ServicesSection(), description="Services.")
    written_record: WrittenRecordSection = Field(
        WrittenRecordSection(), description="What must be left in writing."
    )
    closing: ClosingSection = Field(ClosingSection(), description="What a closing needs.")
    warnings: WarningsSection = Field(WarningsSection(), description="When to warn.")
    classification: dict[Impact, dict[Scope | Literal["unstated"], Severity]] = Field(
        {},
        description="The severity of a ticket that tells impact and scope instead; `unstated` is "
        "one that tells no scope.",
        examples=['{ minor_fault = { one_client = "medium" } }'],
    )

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


class Checked(NamedTuple):
    """A policy, and what is odd in its file though it can be meant so."""

    policy: Policy
    warnings: list[str]


def check_policy(text: str, origin: str) -> Checked:
    """Read the text of a policy file that came from ``origin``.

    Raises ``PolicyError`` with every mistake, each with file, line, field and remedy.
    """
    try:
        file = read_model(text, PolicyFile, origin, quoted=True)
    except TomlFileError as error:
        raise PolicyError(error.mistakes) from None
    told = _Teller(text, origin)
    found = list(findings(file))
    warnings = [told(finding) for finding in found if finding.harmless]
    if mistakes := [told(finding) for finding in found if not finding.harmless]:
        raise PolicyError(mistakes, warnings)
    return Checked(replace(file.to_domain(), source=text), warnings)


class _Teller:
    """Findings as lines that editors and people can follow."""

    def __init__(self, text: str, origin: str) -> None:
        self._text = text
        self._origin = origin

    @cached_property
    def _places(self) -> Places:
        return Places(self._text)

    def __call__(self, finding: Finding) -> str:
        written = not finding.near or finding.path in self._places
        line = self._places.line_of(finding.path if written else finding.near)
        kind = "warning: " if finding.harmless else ""
        return f"{self._origin}:{line}: {kind}{named(finding.path)}: {finding.message}"


def parse_policy(text: str, origin: str) -> Policy:
    """Read the text of a policy file; see ``check_policy``."""
    return check_policy(text, origin).policy


def check_file(path: Path | None = None) -> Checked:
    """Read the policy file at ``path``, or the packaged one.

    Raises ``PolicyError`` when it is missing, unreadable or mistaken.
    """
    if path is None:
        return check_policy(default_policy_text(), DEFAULT_POLICY)
    try:
        text = read_text(path, str(path))
    except TomlFileError as error:
        raise PolicyError(error.mistakes) from None
    return check_policy(text, str(path))


def load_policy(path: Path | None = None) -> Policy:
    """The policy in the file at ``path``, or the packaged one; see ``check_file``."""
    return check_file(path).policy


def check_versions(paths: Sequence[Path | None]) -> list[Checked]:
    """The policies in ``paths``, those of one name as versions of each other.

    Raises ``PolicyError`` with the mistakes of all of them.
    """
    checked: list[Checked] = []
    mistakes: list[str] = []
    warnings: list[str] = []
    read: list[tuple[str, Policy]] = []
    for path in paths:
        try:
            found = check_file(path)
        except PolicyError as error:
            mistakes += error.mistakes
            warnings += error.warnings
            continue
        checked.append(found)
        warnings += found.warnings
        read.append((str(path or DEFAULT_POLICY), found.policy))
    for (origin, policy), finding in same_versions(read):
        mistakes.append(_Teller(policy.source, origin)(finding))
    if mistakes:
        raise PolicyError(mistakes, warnings)
    return checked


def load_policies(paths: Sequence[Path]) -> PolicyBook:
    """The versions in ``paths`` side by side; none given, the packaged policy.

    What is odd in them is logged. Raises ``PolicyError``.
    """
    checked = check_versions(list(paths) or [None])
    for warning in (warning for each in checked for warning in each.warnings):
        log.warning("%s", warning)
    return PolicyBook([each.policy for each in checked])
