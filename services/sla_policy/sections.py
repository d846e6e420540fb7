"""The tables of a policy file as models, and what each is to the domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import (
    Field,
)

from sla_domain.agreement import Agreement
from sla_domain.calendar import Calendar
from sla_domain.policy import Plan, Policy
from sla_domain.selector import CLIENT, WAITS
from sla_domain.steps import StepRule
from sla_policy.calendar_sections import CalendarSection, Section, header, to_calendars
from sla_policy.clock_sections import ClockSection
from sla_policy.step_sections import StepSection, share_rules, step_rules
from sla_policy.target_sections import (
    TARGETS,
    AgreementSection,
    PlanTargetSection,
    TargetsBySeverity,
    TargetSection,
    domain_targets,
    resolved_targets,
)
from sla_policy.values import (
    DurationText,
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


class PlanSection(Section):
    """Additional support that a client buys, such as help at night: it adds a limit once the client
    contacts the guard, that is, the on-call team. Each plan begins with a header such as
    `[plans.night]`; the name is the one that tickets say as their `plan`.
    """

    built_by: list[Word] = Field(
        description="The builders whose integrations the plan covers.", examples=['["aivo"]']
    )
    severities: list[Word] = Field(
        description="The severities that the plan covers.", examples=['["blocker", "high"]']
    )
    outside: str = Field(
        description="The calendar of the usual hours: a contact counts while it is closed.",
        examples=['"business"'],
    )
    targets: dict[Word, dict[str, PlanTargetSection]] = Field(
        description="The limits that the plan adds, by severity and clock.",
        json_schema_extra=header(
            "[plans.night.targets.high]",
            "for each severity and clock a [plan target](#plan-target)",
        ),
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
    """The services that a ticket may affect, under the header `[services]`."""

    primary: list[Word] = Field(
        [],
        description="The services that are primary. By default none is.",
        examples=['["agentbot", "live"]'],
    )
    platforms: list[Word] = Field(
        [],
        description="The services that are platforms, which explanations of a ticket call so. By "
        "default none is.",
        examples=['["myaivo", "live"]'],
    )
    needs_primary: list[Word] = Field(
        [],
        description="The severities that need a primary service: a ticket that names only other "
        "services raises the notice `severity_questioned`. By default none does.",
        examples=['["blocker"]'],
    )


class WrittenRecordSection(Section):
    """Which contacts with a client need a written record, under the header `[written_record]`."""

    spoken: list[Word] = Field(
        [],
        description="The media of contacts whose agreement must be put in writing. If the record "
        "is missing when the ticket is resolved, the notice `written_record_missing` is raised. By "
        "default no contact needs a record.",
        examples=['["phone", "meet"]'],
    )


class WordsSection(Section):
    """Further words that events say, under the header `[words]`. Words that stand elsewhere in the
    file need not stand here. A word that stands nowhere is counted as unknown; if the policy has a
    `[classification]`, an event with an unknown impact or scope is refused.
    """

    impact: list[Word] = Field(
        [],
        description="Impacts that `[classification]` does not name. By default there are none.",
        examples=['["cosmetic"]'],
    )
    scope: list[Word] = Field(
        [],
        description="Scopes that `[classification]` does not name. By default there are none.",
        examples=['["one_site"]'],
    )
    affects: list[Word] = Field(
        [],
        description="Services that are neither primary nor platforms. By default there are none.",
        examples=['["integration"]'],
    )
    plan: list[Word] = Field(
        [],
        description="Plans of clients that neither `[plans]` nor an agreement names. By default "
        "there are none.",
        examples=['["standard"]'],
    )
    built_by: list[Word] = Field(
        [],
        description="Builders of integrations that no plan covers. By default there are none.",
        examples=['["third_party"]'],
    )
    party: list[Word] = Field(
        ["client_third_party"],
        description="Whom a ticket may wait for beside `client`. By default it is "
        "`client_third_party`.",
        examples=['["supplier"]'],
    )
    origin: list[Word] = Field(
        ["vendor", "client", "third_party"],
        description="Where a fault may come from. By default it is `vendor`, `client` and "
        "`third_party`.",
        examples=['["vendor", "supplier"]'],
    )
    medium: list[Word] = Field(
        [],
        description="Media of contacts that need no written record. By default there are none.",
        examples=['["chat"]'],
    )


class ClosingSection(Section):
    """What a ticket needs when it is resolved, under the header `[closing]`."""

    evidence_for: list[Word] = Field(
        [],
        description="The origins of a fault that must be shown by evidence: a ticket resolved "
        "without it raises the notice `evidence_missing`. By default none needs evidence.",
        examples=['["client", "third_party"]'],
    )


class ExceptionsSection(Section):
    """Who may grant exceptions, under the header `[exceptions]`: spans that do not count, or clocks
    that are excused as a whole.
    """

    sources: list[Annotated[str, Field(min_length=1)]] = Field(
        [],
        description="The sources of events, as they call themselves, whose `exception_granted` and "
        "`exception_withdrawn` count. Another's has no effect, and raises the notice "
        "`exception_not_allowed`. By default nobody may.",
        examples=['["/contracts/office"]'],
    )


class WarningsSection(Section):
    """When every target warns before its breach, under the header `[warnings]`."""

    fractions: list[Share] = Field(
        [],
        description="The parts of a target's time after which it warns: 0.5 is half of the time, "
        "0.75 three quarters, 0.9 nine tenths. By default nothing warns.",
        examples=["[0.5, 0.75, 0.9]"],
    )


class PolicyFile(Section):
    """What stands at the top of the file, before the first header, and the tables that it has. A
    file is one version of a policy.
    """

    name: Annotated[
        str, identifier(r"[a-z0-9][a-z0-9_-]*", "small letters, digits, - and _, as in 'aivo'")
    ] = Field(
        description="What the policy is called, in small letters; all its versions have this name.",
        examples=['"aivo"'],
    )
    version: Annotated[
        str, identifier(r"[A-Za-z0-9._-]+", "letters, digits, '.', - and _, as in '2026.1'")
    ] = Field(
        description="Which version of the policy the file is: alerts and records say "
        "`name@version`. It is a text, so it stands in quotes.",
        examples=['"1"'],
    )
    effective_from: Instant = Field(
        description="From when this version is in force. A ticket is judged by the version that "
        "was in force at the client's communication, or by the first version if that was earlier.",
        examples=['"2026-01-01T00:00:00-03:00"'],
    )
    retention: DurationText = Field(
        description="How long a resolved or cancelled ticket is kept; until then it can be "
        "reopened.",
        examples=['"90d"'],
    )
    business_calendar: str | None = Field(
        None,
        description="The calendar that says what business time is where no clock is meant, as for "
        "the client's delay in reports. By default it is the first calendar of the file.",
        examples=['"business"'],
    )
    channels: list[Annotated[str, Field(min_length=1)]] = Field(
        [],
        description="The channels of the contract: a ticket from another channel is tracked, too, "
        "and raises the notice `unlisted_channel`. By default every channel is as good.",
        examples=['["support_center"]'],
    )
    default_severity: Word | None = Field(
        None,
        description="The severity by which a ticket is judged until its own is known. By default "
        "such a ticket has no clocks until then, and raises the notice `unclassified`.",
        examples=['"low"'],
    )
    merge: Literal["own", "earliest"] = Field(
        "own",
        description="What a ticket takes over from another that is merged into it: with "
        "`earliest` the client communicated it when the earlier of both was communicated, with "
        "`own` nothing changes. By default it is `own`.",
        examples=['"earliest"'],
    )
    objective: Objective | None = Field(
        None,
        description="The share of clocks that are to be met under `standard`, that is, by the "
        "targets under `[targets]`. It is for reports and metrics: no alert depends on it. By "
        "default there is none.",
        examples=['"95%"'],
    )
    severities: Annotated[dict[Word, SeverityName], Field(max_length=MAX_SEVERITIES)] = Field(
        {},
        description="The severities, the gravest first: each is a word, and the name that people "
        "read. Events may say the word or the name. `es` is the name in Spanish texts. By default "
        "the severities are those that have targets.",
        examples=['{ high = "Alto", low = { name = "Low", es = "Bajo" } }'],
        json_schema_extra=header(
            "[severities]", "for each word a name, or a table with `name` and `es`"
        ),
    )
    calendars: Annotated[dict[str, CalendarSection], Field(min_length=1)] = Field(
        description="The calendars by name; at least one is needed.",
        json_schema_extra=header("[calendars.business]", "for each name a [calendar](#calendar)"),
    )
    clocks: dict[str, ClockSection] = Field(
        description="The clocks by name: one for each time that is promised.",
        json_schema_extra=header("[clocks.resolution]", "for each name a [clock](#clock)"),
    )
    targets: TargetsBySeverity = Field(
        {},
        description="How much time each clock may use at each severity. In place of a target, or "
        'of all targets of a severity, `"none"` says that nothing is promised. Where there are '
        "agreements, these targets are the agreement `standard`, for the tickets that no other "
        "takes. By default `standard` promises nothing.",
        json_schema_extra=header("[targets.high]", TARGETS),
    )
    agreements: list[AgreementSection] = Field(
        [],
        description="Other targets for the tickets of some clients, in the order in which they are "
        "tried. By default every ticket has `[targets]`.",
        json_schema_extra=header("[[agreements]]"),
    )
    warnings: WarningsSection = Field(
        WarningsSection(),
        description="When every target warns before its breach. By default nothing warns.",
        json_schema_extra=header("[warnings]"),
    )
    steps: list[StepSection] = Field(
        [],
        description="The warnings and escalations of every target, in place of `[warnings]`; a "
        "target may have its own. By default the warnings are those of `[warnings]`.",
        json_schema_extra=header("[[steps]]"),
    )
    classification: dict[Word, dict[Word, Word]] = Field(
        {},
        description="The severity that follows from a ticket's impact and scope if it tells no "
        "severity. `unstated` stands for a ticket that tells no scope. By default no severity "
        "follows.",
        examples=['{ minor_fault = { one_client = "medium", unstated = "low" } }'],
        json_schema_extra=header("[classification]", "for each impact and scope a severity"),
    )
    services: ServicesSection = Field(
        ServicesSection(),
        description="The services that a ticket may affect. By default none is named.",
        json_schema_extra=header("[services]"),
    )
    plans: dict[Word, PlanSection] = Field(
        {},
        description="Additional support, by the plan that a client has bought. By default there is "
        "none.",
        json_schema_extra=header("[plans.night]", "for each name a [plan](#plan)"),
    )
    written_record: WrittenRecordSection = Field(
        WrittenRecordSection(),
        description="Which contacts need a written record. By default none does.",
        json_schema_extra=header("[written_record]"),
    )
    closing: ClosingSection = Field(
        ClosingSection(),
        description="What a ticket needs when it is resolved. By default it needs nothing.",
        json_schema_extra=header("[closing]"),
    )
    exceptions: ExceptionsSection = Field(
        ExceptionsSection(),
        description="Who may grant exceptions. By default nobody may.",
        json_schema_extra=header("[exceptions]"),
    )
    words: WordsSection = Field(
        WordsSection(),
        description="Further words that events say; they decide nothing. By default there are none "
        "but those of the file's other tables.",
        json_schema_extra=header("[words]"),
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
            "party": [CLIENT, *words.party, *self._awaited()],
            "origin": [*words.origin, *self.closing.evidence_for],
            "medium": [*words.medium, *self.written_record.spoken],
        }
        return {field: frozenset(known) for field, known in mentioned.items()}

    def _awaited(self) -> list[str]:
        """The parties that clocks tell apart."""
        return [
            selector.word
            for clock in self.clocks.values()
            for selector in clock.selectors
            if selector.type in WAITS and selector.word is not None
        ]

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
            merges_earliest=self.merge == "earliest",
            exception_sources=frozenset(self.exceptions.sources),
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
