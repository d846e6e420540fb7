"""The tables of a policy file as models, and what each is to the domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import (
    Field,
)

from sla_domain.agreement import Agreement
from sla_domain.calendar import Calendar
from sla_domain.policy import ClockRule, Plan, Policy
from sla_domain.status import CLIENT
from sla_domain.steps import StepRule
from sla_policy.calendar_sections import CalendarSection, Section, to_calendars
from sla_policy.step_sections import StepSection, share_rules, step_rules
from sla_policy.target_sections import (
    AgreementSection,
    PlanTargetSection,
    TargetsBySeverity,
    TargetSection,
    domain_targets,
    resolved_targets,
)
from sla_policy.values import (
    DurationText,
    EventWord,
    Objective,
    SeverityName,
    Share,
    Word,
    identifier,
)
from sla_schemas.types import Instant

#: How many severities a contract may have.
MAX_SEVERITIES: Final = 20
#: In the place of a scope: of a ticket that tells none.
UNSTATED: Final = "unstated"


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


class PlanSection(Section):
    """A support that a client buys on top; it is active once the client contacts the guard."""

    built_by: list[Word] = Field(description="Whose integrations it covers.", examples=['["aivo"]'])
    severities: list[Word] = Field(
        description="The severities it is meant for.", examples=['["blocker", "high"]']
    )
    outside: str = Field(
        description="The calendar outside of whose hours a contact counts.", examples=['"business"']
    )
    targets: dict[Word, dict[str, PlanTargetSection]] = Field(
        description="The limits, by severity and clock."
    )

    def to_domain(
        self, name: str, calendars: Mapping[str, Calendar], steps: Sequence[StepRule]
    ) -> Plan:
        """The plan with its calendars and targets."""
        return Plan(
            name,
            frozenset(self.built_by),
            frozenset(self.severities),
            calendars[self.outside],
            domain_targets(self.targets, calendars, steps),
        )


class ServicesSection(Section):
    """What a ticket may affect, and which severities need a primary service to be affected."""

    primary: list[Word] = Field(
        [], description="Primary services.", examples=['["agentbot", "live"]']
    )
    platforms: list[Word] = Field([], description="Platforms.", examples=['["myaivo", "live"]'])
    needs_primary: list[Word] = Field(
        [],
        description="Severities that are questioned by a notice where no primary service is "
        "affected.",
        examples=['["blocker"]'],
    )


class WrittenRecordSection(Section):
    """The media of contacts whose agreement must be left in writing."""

    spoken: list[Word] = Field([], description="Those media.", examples=['["phone", "meet"]'])


class WordsSection(Section):
    """Words of events that nothing else in the policy mentions. One that is listed nowhere is
    counted as unknown; an impact or a scope is refused, where the policy classifies by them.
    """

    impact: list[Word] = Field([], description="Impacts.", examples=['["cosmetic"]'])
    scope: list[Word] = Field([], description="Scopes.", examples=['["one_site"]'])
    affects: list[Word] = Field([], description="Services.", examples=['["integration"]'])
    plan: list[Word] = Field([], description="Plans.", examples=['["standard"]'])
    built_by: list[Word] = Field(
        [], description="Who builds integrations.", examples=['["third_party"]']
    )
    party: list[Word] = Field(
        ["client_third_party"],
        description="Whom a ticket may wait for, beside `client`.",
        examples=['["supplier"]'],
    )
    origin: list[Word] = Field(
        ["vendor", "client", "third_party"],
        description="Where faults may lie.",
        examples=['["vendor", "supplier"]'],
    )
    medium: list[Word] = Field([], description="Media of contacts.", examples=['["chat"]'])


class ClosingSection(Section):
    """Which origins must be shown by evidence when a ticket is resolved."""

    evidence_for: list[Word] = Field(
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
        str, identifier(r"[a-z0-9][a-z0-9_-]*", "small letters, digits, - and _, as in 'aivo'")
    ] = Field(description="What the policy goes by; its versions share it.", examples=['"aivo"'])
    version: Annotated[
        str, identifier(r"[A-Za-z0-9._-]+", "letters, digits, '.', - and _, as in '2026.1'")
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
    severities: Annotated[dict[Word, SeverityName], Field(max_length=MAX_SEVERITIES)] = Field(
        {},
        description="The severities, the gravest first, and what the contract calls each. Events "
        "may say the word or the name; `es` is the name in Spanish texts.",
        examples=['{ high = "Alto", low = { name = "Low", es = "Bajo" } }'],
    )
    default_severity: Word | None = Field(
        None,
        description="By which a ticket is judged while none is known. Without it such a ticket has "
        "no clocks, and a notice says so.",
        examples=['"low"'],
    )
    calendars: Annotated[dict[str, CalendarSection], Field(min_length=1)] = Field(
        description="Calendars by name."
    )
    clocks: dict[str, ClockSection] = Field(description="Clocks by name.")
    targets: TargetsBySeverity = Field(
        {},
        description='What is promised, by severity and clock. `"none"` for a clock or a whole '
        "severity says that nothing is. With agreements it is the one called `standard`, for "
        "whomever no other takes.",
    )
    objective: Objective | None = Field(
        None,
        description="The share of clocks that `standard` wants kept, for reports.",
        examples=['"95%"'],
    )
    agreements: list[AgreementSection] = Field(
        [], description="Other promises for some of the clients, in the order they are tried."
    )
    plans: dict[Word, PlanSection] = Field({}, description="Plans by name.")
    services: ServicesSection = Field(ServicesSection(), description="Services.")
    written_record: WrittenRecordSection = Field(
        WrittenRecordSection(), description="What must be left in writing."
    )
    words: WordsSection = Field(
        WordsSection(), description="Further words that events may say; they decide nothing."
    )
    closing: ClosingSection = Field(ClosingSection(), description="What a closing needs.")
    warnings: WarningsSection = Field(WarningsSection(), description="When to warn.")
    steps: list[StepSection] = Field(
        [],
        description="In place of `[warnings]`, what is due on the way to each target and past it, "
        "in the order in which it is reached; a target may name its own.",
    )
    classification: dict[Word, dict[Word, Word]] = Field(
        {},
        description="The severity of a ticket that tells impact and scope instead; `unstated` is "
        "one that tells no scope.",
        examples=['{ minor_fault = { one_client = "medium" } }'],
    )

    def all_severities(self) -> tuple[str, ...]:
        """Those of ``[severities]``, then those that only have targets, the gravest first."""
        of_agreements = [word for each in self.agreements for word in each.targets]
        return tuple(dict.fromkeys([*self.severities, *self.targets, *of_agreements]))

    def resolved_targets(self, name: str) -> dict[tuple[str, str], TargetSection]:
        """The targets of an agreement, those it takes over included."""
        return resolved_targets(name, self.targets, self.agreements)

    def _agreements(
        self, calendars: Mapping[str, Calendar], steps: Sequence[StepRule]
    ) -> list[Agreement]:
        return [
            Agreement(
                each.name,
                {fact: frozenset(values) for fact, values in each.when.items()},
                {
                    key: section.to_domain(calendars, steps)
                    for key, section in self.resolved_targets(each.name).items()
                },
                each.objective,
            )
            for each in self.agreements
        ]

    def _words(self) -> dict[str, frozenset[str]]:
        """The words that are known, by the field of the events that says them."""
        words, services, plans = self.words, self.services, self.plans.values()
        scopes = {scope for scopes in self.classification.values() for scope in scopes}

        def asked(fact: str) -> list[str]:
            return [word for each in self.agreements for word in each.when.get(fact, ())]

        mentioned: dict[str, Iterable[str]] = {
            "impact": [*words.impact, *self.classification],
            "scope": [*words.scope, *(scopes - {UNSTATED})],
            "affects": [
                *words.affects,
                *asked("affects"),
                *services.primary,
                *services.platforms,
            ],
            "plan": [*words.plan, *self.plans, *asked("plan")],
            "built_by": [
                *words.built_by,
                *asked("built_by"),
                *(each for plan in plans for each in plan.built_by),
            ],
            "party": [CLIENT, *words.party],
            "origin": [*words.origin, *self.closing.evidence_for],
            "medium": [*words.medium, *self.written_record.spoken],
        }
        return {field: frozenset(known) for field, known in mentioned.items()}

    def to_domain(self) -> Policy:
        """The policy as the domain knows it."""
        calendars = to_calendars(self.calendars)
        steps = step_rules(self.steps) or share_rules(self.warnings.fractions)
        return Policy(
            name=self.name,
            version=self.version,
            effective_from=self.effective_from,
            retention=self.retention,
            calendars=calendars,
            business_calendar=calendars[self.business_calendar or next(iter(calendars))],
            clocks=[section.to_domain(name) for name, section in self.clocks.items()],
            targets=domain_targets(self.targets, calendars, steps),
            steps=steps,
            classification={
                (impact, None if scope == UNSTATED else scope): severity
                for impact, scopes in self.classification.items()
                for scope, severity in scopes.items()
            },
            severities=self.all_severities(),
            default_severity=self.default_severity,
            agreements=self._agreements(calendars, steps),
            objective=self.objective,
            severity_names=self.severities,
            words=self._words(),
            channels=frozenset(self.channels),
            plans={
                name: section.to_domain(name, calendars, steps)
                for name, section in self.plans.items()
            },
            primary_services=frozenset(self.services.primary),
            platforms=frozenset(self.services.platforms),
            needs_primary=frozenset(self.services.needs_primary),
            spoken_media=frozenset(self.written_record.spoken),
            evidence_for=frozenset(self.closing.evidence_for),
        )
