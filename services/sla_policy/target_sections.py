"""The tables of a policy file that say how much time is promised, and to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from sla_config.toml_form import OWN_KEYS, TABLE, TEXT
from sla_domain.agreement import STANDARD
from sla_domain.calendar import Calendar
from sla_domain.steps import StepRule
from sla_domain.target import (
    AnyTarget,
    ArrivalTarget,
    Boundary,
    ClosingTarget,
    Target,
    TargetChoice,
    TargetRule,
)
from sla_policy.amount import closing_day, parse_amount
from sla_policy.calendar_sections import Section, header
from sla_policy.step_sections import StepSection, step_rules
from sla_policy.values import (
    BY,
    OF,
    OTHERWISE,
    Amount,
    AmountByFact,
    CalendarByFact,
    Objective,
    OrNone,
    Wanted,
    Word,
)


class ArrivalSection(Section):
    """How much time a clock may use, by the hour at which it starts. It stands in place of an
    amount, as `within`.
    """

    inside: Amount = Field(
        description="How much time the clock may use if it starts while the calendar `of` is open.",
        examples=['"30m"'],
    )
    outside: Amount = Field(
        description="How much time the clock may use if it starts while that calendar is closed.",
        examples=['"1h"'],
    )
    of: str = Field(
        description="The calendar that decides between the two. The time itself counts on the "
        "`calendar` of the target.",
        examples=['"office"'],
    )


class ArrivalCalendarSection(Section):
    """The calendar on which time counts, by the hour at which a clock starts. It stands in place of
    a name, as `calendar`.
    """

    inside: str = Field(
        description="The calendar on which time counts if the clock starts while the calendar `of` "
        "is open.",
        examples=['"office"'],
    )
    outside: str = Field(
        description="The calendar on which time counts if the clock starts while the calendar `of` "
        "is closed.",
        examples=['"always"'],
    )
    of: str = Field(
        description="The calendar that decides between the two. If `within` depends on the hour, "
        "too, it is the same there.",
        examples=['"office"'],
    )


#: Whatever depends on the hour of arrival.
ByArrival = ArrivalSection | ArrivalCalendarSection
#: The keys of what holds at either hour.
_HOURS: Final = ("inside", "outside")


def _at(hour: str, told: Any) -> Any:
    """What holds for a clock that starts at that hour."""
    return getattr(told, hour) if isinstance(told, ByArrival) else told


def _each(told: str | Mapping[str, str | None]) -> list[str]:
    """What is named, whatever the fact."""
    named = {"": told} if isinstance(told, str) else told
    return [each for key, each in named.items() if key != BY and each is not None]


#: The fact of which a ticket may have several values: each table goes by another of them.
_SEVERAL_VALUES: Final = "affects"


def _by_one_fact(within: Any, calendar: Any) -> dict[str, tuple[str | None, str]] | None:
    """Amount and calendar by each value of the fact that both go by; ``None`` where they do not.

    A choice within a choice would pair what no ticket has, such as the amount of one team with the
    calendar of another.
    """
    if not isinstance(within, dict) or not isinstance(calendar, dict):
        return None
    if within[BY] != calendar[BY] or within[BY] == _SEVERAL_VALUES:
        return None
    amounts: dict[str, str | None] = within
    names: dict[str, str] = calendar
    return {
        value: (amounts.get(value, amounts[OTHERWISE]), names.get(value, names[OTHERWISE]))
        for value in {**names, **amounts}
        if value != BY
    }


def _pairs(within: Any, calendar: Any) -> Iterable[tuple[str, str]]:
    """Each amount with the calendar on which it may count, at one hour of arrival."""
    both = _by_one_fact(within, calendar)
    if both is None:
        return product(_each(within), _each(calendar))
    return [(amount, name) for amount, name in both.values() if amount is not None]


def _form(value: object) -> str:
    if isinstance(value, dict) and BY in value:
        return OWN_KEYS
    return TABLE if isinstance(value, dict | ArrivalSection) else TEXT


#: An amount, or one by the hour of arrival or by a fact.
AnyAmount = Annotated[
    Annotated[Amount, Tag(TEXT)]
    | Annotated[ArrivalSection, Tag(TABLE)]
    | Annotated[AmountByFact, Tag(OWN_KEYS)],
    Discriminator(_form),
]


def _calendar_form(value: object) -> str:
    """A table is one by the hour of arrival as soon as a key says so."""
    keys = set() if not isinstance(value, dict) or BY in value else {*value}
    by_hour = isinstance(value, ArrivalCalendarSection) or keys & {*_HOURS, OF}
    return TABLE if by_hour else TEXT


#: A calendar's name, or one by the hour of arrival or by a fact.
AnyCalendar = Annotated[
    Annotated[CalendarByFact, Tag(TEXT)] | Annotated[ArrivalCalendarSection, Tag(TABLE)],
    Discriminator(_calendar_form),
]


class TargetSection(Section):
    """How much time one clock may use at one severity. The targets of a severity have a header such
    as `[targets.high]` and below it a line for each clock, such as `resolution = { within = "8h",
    boundary = "inclusive", calendar = "office" }`.
    """

    within: AnyAmount = Field(
        description="How much open time the clock may use. A day (`1d`) is 24 hours of open time, "
        "and a business day is as long as the `day` of the calendar. `end of business day` lasts "
        "until the last closing of the date on which the clock starts; if that has passed or the "
        "date does not open, of the next date that opens. `next business day` lasts until the last "
        "closing of the first later date that opens. With a table the amount depends on whether a "
        "calendar is open when the clock starts, or on a fact of the ticket: `by` names it, each "
        "other key is a value of it, and `else` is for all other tickets. For the clocks of teams "
        "the fact may be `team`.",
        examples=[
            '"5 business days"',
            '"8h"',
            '"end of business day"',
            '{ inside = "30m", outside = "1h", of = "office" }',
            '{ by = "team", level1 = "30m", level2 = "4h", else = "none" }',
        ],
    )
    boundary: Boundary = Field(
        description="Whether using exactly that much time still keeps the promise: `inclusive` is "
        '"up to", and `exclusive` is "less than".',
        examples=['"inclusive"', '"exclusive"'],
    )
    calendar: AnyCalendar = Field(
        description="The calendar on which time counts. With a table it depends on whether a "
        "calendar is open when the clock starts, or on a fact of the ticket: `by` names it, each "
        "other key is a value of it with the calendar for that value, and `else` is the calendar "
        "for all other tickets. It is chosen again when the fact changes.",
        examples=[
            '"business"',
            '{ by = "region", emea = "emea", else = "us" }',
            '{ inside = "office", outside = "always", of = "office" }',
        ],
    )
    steps: list[StepSection] | None = Field(
        None,
        description="The warnings and escalations of this target. By default it has those of "
        "`[[steps]]` or `[warnings]`.",
        examples=['[{ at = "50%" }, { at = "-30m" }, { at = "+1h", name = "manager" }]'],
    )

    @property
    def calendars(self) -> list[str]:
        """The calendars it may count on."""
        names = [name for hour in _HOURS for name in _each(_at(hour, self.calendar))]
        return list(dict.fromkeys(names))

    def amounts_on(self, calendar: str) -> list[str]:
        """How much it may promise on that calendar."""
        pairs = [
            pair
            for hour in _HOURS
            for pair in _pairs(_at(hour, self.within), _at(hour, self.calendar))
        ]
        return list(dict.fromkeys(amount for amount, name in pairs if name == calendar))

    @property
    def by_arrival(self) -> list[tuple[str, ByArrival]]:
        """What depends on the hour at which a clock starts, each with its key."""
        told = {"within": self.within, "calendar": self.calendar}
        return [(key, each) for key, each in told.items() if isinstance(each, ByArrival)]

    @property
    def asks(self) -> list[str]:
        """The calendars that are asked when a clock starts: one, if the target can be meant."""
        return list(dict.fromkeys(each.of for _, each in self.by_arrival))

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The facts that it asks for, each with the key that does."""
        tables = {"within": self.within, "calendar": self.calendar}
        return [(key, table[BY] or "") for key, table in tables.items() if isinstance(table, dict)]

    def to_domain(self, calendars: Mapping[str, Calendar], steps: Sequence[StepRule]) -> AnyTarget:
        """The target in milliseconds; ``steps`` are those it has if it names none itself."""
        rules = steps if self.steps is None else step_rules(self.steps)

        def amount(text: str, name: str) -> TargetRule:
            calendar, day = calendars[name], closing_day(text)
            if day is not None:
                return ClosingTarget(day, self.boundary, calendar, rules)
            return Target.of(parse_amount(text, calendar), self.boundary, calendar, rules)

        def one(text: str | ArrivalSection | None, name: str | ArrivalCalendarSection) -> AnyTarget:
            if text is None:
                return Target.none(calendars[_at("inside", name)])
            if isinstance(text, str) and isinstance(name, str):
                return amount(text, name)
            inside, outside = (amount(_at(hour, text), _at(hour, name)) for hour in _HOURS)
            return ArrivalTarget(calendars[self.asks[0]], inside, outside)

        within = self.within

        def on(name: str | ArrivalCalendarSection) -> AnyTarget:
            if not isinstance(within, dict):
                return one(within, name)
            found = {value: one(text, name) for value, text in within.items() if value != BY}
            return TargetChoice(str(within[BY]), found, found.pop(OTHERWISE))

        if not isinstance(self.calendar, dict):
            return on(self.calendar)
        named = dict(self.calendar)
        both = _by_one_fact(within, named)
        by, otherwise = named.pop(BY), named.pop(OTHERWISE)
        if both is not None:
            found = {value: one(*pair) for value, pair in both.items()}
            return TargetChoice(by, found, found.pop(OTHERWISE))
        return TargetChoice(by, {value: on(name) for value, name in named.items()}, on(otherwise))


#: What a table of targets is called in the reference.
TARGETS: Final = "for each severity and clock a [target](#target)"
TargetsBySeverity = dict[
    Word,
    Annotated[
        dict[str, Annotated[TargetSection | None, OrNone]] | None,
        OrNone,
    ],
]


def domain_targets(
    targets: Mapping[str, Mapping[str, TargetSection | None] | None],
    calendars: Mapping[str, Calendar],
    steps: Sequence[StepRule],
) -> dict[tuple[str, str], AnyTarget]:
    """A table of targets as the domain knows it; what is written as none is left out."""
    return {
        (severity, clock): section.to_domain(calendars, steps)
        for severity, sections in targets.items()
        for clock, section in (sections or {}).items()
        if section is not None
    }


class PlanTargetSection(TargetSection):
    """A limit beside the target of the severity, counted from the contact with the guard. It has
    the steps of that target. Limits have a header such as `[plans.night.targets.high]`, and below
    it a line for each clock.
    """

    begins: Annotated[Literal["guard_contacted"], Field(alias="from")] = Field(
        description="From when the limit counts: from the contact with the guard, the only value.",
        examples=['"guard_contacted"'],
    )
    calendar: AnyCalendar = Field(
        description="The calendar on which time counts. A plan's limit names one.",
        examples=['"always"'],
    )
    #: A plan's limit has none; that they are written is told with the remedy.
    steps: SkipJsonSchema[list[StepSection] | None] = None


class AgreementSection(Section):
    """Targets for the tickets of some clients. Agreements are tried in the order of the file, and a
    ticket gets the first that takes it; `standard`, as `[targets]` is called, comes last. Each
    begins with the header `[[agreements]]`.
    """

    name: Word = Field(
        description="What the agreement is called in alerts and reports and on the board.",
        examples=['"gold"'],
    )
    when: dict[Word, Wanted] = Field(
        description="Which tickets the agreement takes: those for which each condition holds. A "
        "condition names `client`, `plan`, `kind`, `channel`, `affects`, `built_by`, `severity` or "
        "an attribute of the ticket such as `region`. A list means any of its values.",
        examples=['{ plan = "gold", region = ["emea", "us"] }'],
    )
    extends: Word | None = Field(
        None,
        description="The agreement whose targets this one has too, unless it names others; "
        "`standard` means `[targets]`. By default it has only its own.",
        examples=['"standard"'],
    )
    objective: Objective | None = Field(
        None,
        description="The share of clocks that are to be met under this agreement. It is for "
        "reports and metrics: no alert depends on it. By default there is none.",
        examples=['"98%"'],
    )
    targets: TargetsBySeverity = Field(
        {},
        description="The targets of this agreement, by severity and clock, written like those "
        "under `[targets]`. By default it has only those that it extends.",
        json_schema_extra=header("[agreements.targets.high]", TARGETS),
    )


def resolved_targets(
    name: str, standard: TargetsBySeverity, agreements: Sequence[AgreementSection]
) -> dict[tuple[str, str], TargetSection]:
    """The targets of an agreement, those it takes over included; of none where it does not exist or
    leads back to itself.
    """
    found: dict[tuple[str, str], TargetSection] = {}
    for targets in reversed(list(tables_of(name, standard, agreements))):
        for severity, sections in targets.items():
            if sections is None:
                found = {key: each for key, each in found.items() if key[0] != severity}
                continue
            for clock, section in sections.items():
                found.pop((severity, clock), None)
                if section is not None:
                    found[severity, clock] = section
    return found


def tables_of(
    name: str | None, standard: TargetsBySeverity, agreements: Sequence[AgreementSection]
) -> Iterator[TargetsBySeverity]:
    """The tables of an agreement, its own first."""
    named = {each.name: each for each in agreements}
    seen: set[str] = set()
    while name is not None and name not in seen:
        seen.add(name)
        if name == STANDARD:
            yield standard
            return
        if name not in named:
            return
        yield named[name].targets
        name = named[name].extends
