"""The tables of a policy file that say how much time is promised, and to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from sla_config.toml_form import TABLE, TEXT
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


#: The fact of which a ticket may have several values: each table goes by another of them.
_SEVERAL_VALUES: Final = "affects"
#: What tells an amount by a fact from one by the hour of arrival.
_FACT: Final = "fact"


def _form(value: object) -> str:
    if isinstance(value, dict) and BY in value:
        return _FACT
    return TABLE if isinstance(value, dict | ArrivalSection) else TEXT


#: An amount, or one by the hour of arrival or by a fact.
AnyAmount = Annotated[
    Annotated[Amount, Tag(TEXT)]
    | Annotated[ArrivalSection, Tag(TABLE)]
    | Annotated[AmountByFact, Tag(_FACT)],
    Discriminator(_form),
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
    calendar: CalendarByFact = Field(
        description="The calendar on which time counts. In a table, `by` names a fact of the "
        "ticket, each other key is a value of it with the calendar for that value, and `else` is "
        "the calendar for all other tickets. It is chosen again when the fact changes.",
        examples=['"business"', '{ by = "region", emea = "emea", else = "us" }'],
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
        if isinstance(self.calendar, str):
            return [self.calendar]
        return [name for key, name in self.calendar.items() if key != BY]

    @property
    def amounts(self) -> list[str]:
        """How much it may promise."""
        within = self.within
        if isinstance(within, str):
            return [within]
        if isinstance(within, ArrivalSection):
            return [within.inside, within.outside]
        return [each for key, each in within.items() if key != BY and each is not None]

    @property
    def asks(self) -> str | None:
        """The calendar that is asked when a clock starts; ``None`` for none."""
        return self.within.of if isinstance(self.within, ArrivalSection) else None

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

        def one(text: str | None, name: str) -> TargetRule:
            return Target.none(calendars[name]) if text is None else amount(text, name)

        within = self.within

        def on(name: str) -> AnyTarget:
            if isinstance(within, str):
                return amount(within, name)
            if isinstance(within, ArrivalSection):
                inside, outside = amount(within.inside, name), amount(within.outside, name)
                return ArrivalTarget(calendars[within.of], inside, outside)
            found = {value: one(text, name) for value, text in within.items() if value != BY}
            return TargetChoice(str(within[BY]), found, found.pop(OTHERWISE))

        if isinstance(self.calendar, str):
            return on(self.calendar)
        named = dict(self.calendar)
        by, otherwise = named.pop(BY), named.pop(OTHERWISE)
        if isinstance(within, dict) and within[BY] == by != _SEVERAL_VALUES:
            # One choice by both: a choice within a choice would name teams that nobody is.
            usual = within[OTHERWISE]
            values = [*named, *(each for each in within if each not in (*named, BY, OTHERWISE))]
            both = {
                value: one(within.get(value, usual), named.get(value, otherwise))
                for value in values
            }
            return TargetChoice(by, both, one(usual, otherwise))
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
    calendar: CalendarByFact = Field(
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
