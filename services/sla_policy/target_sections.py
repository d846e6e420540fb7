"""The tables of a policy file that say how much time is promised, and to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

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
from sla_policy.calendar_sections import Section
from sla_policy.step_sections import StepSection, step_rules
from sla_policy.values import (
    BY,
    OTHERWISE,
    Amount,
    CalendarByFact,
    Objective,
    OrNone,
    Wanted,
    Word,
)


class ArrivalSection(Section):
    """How much time a clock may use by the hour at which it starts."""

    inside: Amount = Field(
        description="How much where it starts while the calendar `of` is open.", examples=['"30m"']
    )
    outside: Amount = Field(description="How much where it does not.", examples=['"1h"'])
    of: str = Field(description="The calendar that is asked.", examples=['"office"'])


#: An amount, or one by the hour of arrival.
AnyAmount = Annotated[
    Annotated[Amount, Tag(TEXT)] | Annotated[ArrivalSection, Tag(TABLE)],
    Discriminator(lambda value: TEXT if not isinstance(value, dict | ArrivalSection) else TABLE),
]


class TargetSection(Section):
    """How much time a clock may use at a severity."""

    within: AnyAmount = Field(
        description="How much open time may be used. A day (`d`) is 24 hours of it, a business "
        "day what the calendar's `day` says. `next business day` lasts until the last closing of "
        "the first date after the start's that opens, `end of business day` until that of the "
        "start's date, or of the next that opens where that has passed. With a table the amount "
        "depends on whether a calendar is open when the clock starts.",
        examples=['"5 business days"', '{ inside = "30m", outside = "1h", of = "office" }'],
    )
    boundary: Boundary = Field(
        description='Whether using exactly that much still keeps the promise: `inclusive` is "up '
        'to", `exclusive` "less than".',
        examples=['"inclusive"'],
    )
    calendar: CalendarByFact = Field(
        description="The calendar by which time counts; or one by a fact of the ticket, looked up "
        "again when that changes.",
        examples=['"business"', '{ by = "region", emea = "emea", else = "us" }'],
    )
    steps: list[StepSection] | None = Field(
        None,
        description="What is due on the way and past it, in place of `[[steps]]` and `[warnings]`.",
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
        return [within] if isinstance(within, str) else [within.inside, within.outside]

    @property
    def asks(self) -> str | None:
        """The calendar that is asked when a clock starts; ``None`` for none."""
        return None if isinstance(self.within, str) else self.within.of

    def to_domain(self, calendars: Mapping[str, Calendar], steps: Sequence[StepRule]) -> AnyTarget:
        """The target in milliseconds; ``steps`` are those it has if it names none itself."""
        rules = steps if self.steps is None else step_rules(self.steps)

        def amount(text: str, name: str) -> TargetRule:
            calendar, day = calendars[name], closing_day(text)
            if day is not None:
                return ClosingTarget(day, self.boundary, calendar, rules)
            return Target.of(parse_amount(text, calendar), self.boundary, calendar, rules)

        def on(name: str) -> AnyTarget:
            within = self.within
            if isinstance(within, str):
                return amount(within, name)
            inside, outside = amount(within.inside, name), amount(within.outside, name)
            return ArrivalTarget(calendars[within.of], inside, outside)

        if isinstance(self.calendar, str):
            return on(self.calendar)
        named = dict(self.calendar)
        by, otherwise = named.pop(BY), named.pop(OTHERWISE)
        return TargetChoice(by, {value: on(name) for value, name in named.items()}, on(otherwise))


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
    """A limit beside the severity's own, counted from the contact with the guard."""

    begins: Annotated[Literal["guard_contacted"], Field(alias="from")] = Field(
        description="From when it counts.", examples=['"guard_contacted"']
    )


class AgreementSection(Section):
    """A promise to some of the clients: the first agreement that takes a ticket is the one it gets,
    and `standard`, the targets that stand alone, comes last.
    """

    name: Word = Field(description="What it goes by.", examples=['"gold"'])
    when: dict[Word, Wanted] = Field(
        description="Which tickets it takes: those for which each of these is so. A key is "
        "`client`, `plan`, `kind`, `channel`, `affects`, `built_by`, `severity` or an attribute; a "
        "list means any of its values.",
        examples=['{ plan = "gold", region = ["emea", "us"] }'],
    )
    extends: Word | None = Field(
        None,
        description="The agreement, or `standard`, whose targets it has where it names no others.",
        examples=['"standard"'],
    )
    objective: Objective | None = Field(
        None,
        description="The share of clocks that is to be kept, for reports.",
        examples=['"98%"'],
    )
    targets: TargetsBySeverity = Field(
        {}, description="Its targets, by severity and clock, written as those of the policy."
    )


def resolved_targets(
    name: str, standard: TargetsBySeverity, agreements: Sequence[AgreementSection]
) -> dict[tuple[str, str], TargetSection]:
    """The targets of an agreement, those it takes over included; of none where it does not exist or
    leads back to itself.
    """
    found: dict[tuple[str, str], TargetSection] = {}
    for targets in reversed(list(_taken_over(name, standard, agreements))):
        for severity, sections in targets.items():
            if sections is None:
                found = {key: each for key, each in found.items() if key[0] != severity}
                continue
            for clock, section in sections.items():
                found.pop((severity, clock), None)
                if section is not None:
                    found[severity, clock] = section
    return found


def _taken_over(
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
