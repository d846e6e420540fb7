"""The tables of a policy file that say how much time is promised, and to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from sla_domain.agreement import STANDARD
from sla_domain.calendar import Calendar
from sla_domain.target import AnyTarget, Boundary, Target, TargetChoice, WarningFraction
from sla_policy.amount import parse_amount
from sla_policy.calendar_sections import Section
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
    calendar: CalendarByFact = Field(
        description="The calendar by which time counts; or one by a fact of the ticket, looked up "
        "again when that changes.",
        examples=['"business"', '{ by = "region", emea = "emea", else = "us" }'],
    )

    @property
    def calendars(self) -> list[str]:
        """The calendars it may count on."""
        if isinstance(self.calendar, str):
            return [self.calendar]
        return [name for key, name in self.calendar.items() if key != BY]

    def to_domain(
        self, calendars: Mapping[str, Calendar], warnings: Sequence[WarningFraction]
    ) -> AnyTarget:
        """The target in milliseconds; a business day is its calendar's ``day``."""

        def on(name: str) -> Target:
            calendar = calendars[name]
            return Target.of(parse_amount(self.within, calendar), self.boundary, calendar, warnings)

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
    warnings: Sequence[WarningFraction],
) -> dict[tuple[str, str], AnyTarget]:
    """A table of targets as the domain knows it; what is written as none is left out."""
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
