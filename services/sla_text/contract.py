"""A policy told back in plain words: what a client could read, as tables for terminal and page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sla_domain.agreement import Agreement
from sla_domain.policy import ClockRule, Plan, Policy
from sla_domain.selector import Selectors
from sla_text.events import told_events
from sla_text.hours import told_hours, unusual_days
from sla_text.language import Texts
from sla_text.presentation import Table
from sla_text.promise import promises, steps_of, told_promise, told_when
from sla_text.steps import told_rules
from sla_text.templates import environment
from sla_text.times import days_or_length, moment, open_hours, percent_of


@dataclass(frozen=True, slots=True)
class ContractTold:
    """A policy in one language: sentences that hold for all of it, then tables."""

    title: str
    subtitle: str
    sentences: list[str]
    tables: list[Table]

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def contract_page(told: ContractTold, texts: Texts) -> str:
    """The contract as one HTML page that needs nothing else: it can be mailed and printed."""
    return environment().get_template("contract.html.j2").render(told=told, texts=texts)


class ContractTeller:
    """Tells a policy; ``year`` is the one whose holidays are listed, ``zone`` that in which it is
    told from when the policy is in force.
    """

    def __init__(self, policy: Policy, texts: Texts, year: int, zone: str) -> None:
        self._policy, self._texts, self._year, self._zone = policy, texts, year, zone
        #: What is promised to clients, and what teams owe each other.
        self._clients = [rule for rule in policy.clocks if not rule.team]
        self._teams = [rule for rule in policy.clocks if rule.team]

    def tell(self) -> ContractTold:
        """The whole of it."""
        policy, texts = self._policy, self._texts
        return ContractTold(
            title=texts("contract.title", policy=policy.name),
            subtitle=texts(
                "contract.subtitle",
                version=policy.version,
                at=moment(policy.effective_from, ZoneInfo(self._zone), texts),
                zone=self._zone,
            ),
            sentences=[*self._sentences()],
            tables=[table for table in self._tables() if table.rows or not table.columns],
        )

    def _sentences(self) -> Iterator[str]:
        policy, texts = self._policy, self._texts
        if policy.default_severity:
            severity = self._severity(policy.default_severity)
            yield texts("contract.default_severity", severity=severity)
        else:
            yield texts("contract.no_default_severity")
        if policy.standard is None:
            yield texts("contract.nobody_else")
        if policy.channels:
            yield texts("contract.channels", channels=self._listed(policy.channels))
        if policy.spoken_media:
            media = [texts.word("medium", each) for each in policy.spoken_media]
            yield texts("contract.spoken", media=self._listed(media))
        if policy.evidence_for:
            origins = [texts.word("origin", each) for each in policy.evidence_for]
            yield texts("contract.evidence", origins=self._listed(origins))
        if policy.needs_primary:
            severities = [self._severity(s) for s in policy.severities if s in policy.needs_primary]
            services = self._listed(policy.primary_services)
            told = self._listed(severities, ordered=True)
            yield texts("contract.needs_primary", severities=told, services=services)
        if policy.merges_earliest:
            yield texts("contract.merge")
        if policy.exception_sources:
            # They are called as they call themselves, so no sign of them is changed.
            sources = ", ".join(sorted(policy.exception_sources))
            yield texts("contract.exceptions", sources=sources)
        yield texts("contract.retention", length=days_or_length(policy.retention, texts))

    def _tables(self) -> Iterator[Table]:
        policy = self._policy
        yield self._severities()
        for agreement in policy.every_agreement:
            yield self._promises(agreement)
        for plan in policy.plans.values():
            yield self._plan(plan, self._clients, "contract.plan")
        yield self._clock_rules(self._clients)
        if self._teams:
            for agreement in policy.every_agreement:
                yield self._of_teams(agreement)
            for plan in policy.plans.values():
                yield self._plan(plan, self._teams, "contract.internal_plan")
            yield self._clock_rules(self._teams, team=True)
        yield self._steps()
        yield self._calendars()
        yield self._unusual()

    def _severity(self, severity: str) -> str:
        return self._texts.severity(severity, self._policy.severity_names)

    def _listed(self, words: Iterable[str], *, ordered: bool = False) -> str:
        """``a, b or c``."""
        found = [*words] if ordered else sorted(words)
        *most, last = map(_readable, found)
        return self._texts("contract.or", most=", ".join(most), last=last) if most else last

    def _columns(self, names: str) -> list[str]:
        return [self._texts(f"contract.column.{name}") for name in names.split()]

    # --- what is promised ---

    def _severities(self) -> Table:
        """By what a ticket comes to have each; nothing where tickets tell it themselves."""
        policy = self._policy
        told: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for (impact, scope), severity in policy.classification.items():
            told[severity][impact].append(scope or self._texts.word("part", "no_scope"))
        rows = [
            [
                self._severity(severity),
                "; ".join(
                    f"{_readable(impact)} ({self._listed(scopes, ordered=True)})"
                    for impact, scopes in told[severity].items()
                ),
            ]
            for severity in policy.severities
            if severity in told
        ]
        return Table(self._texts("contract.severities"), self._columns("severity classified"), rows)

    def _promises(self, agreement: Agreement) -> Table:
        """What an agreement promises to its clients."""
        policy, texts = self._policy, self._texts
        title = texts("contract.promises")
        if policy.agreements:
            whom = _readable(told_when(agreement, texts)) or texts("contract.everybody_else")
            name = _readable(agreement.name)
            title = texts("contract.promises_to", agreement=name, whom=whom)
        if not any(clock.name == key[1] for key in agreement.targets for clock in self._clients):
            return Table(title, [], [], texts("contract.nothing_promised"))
        objective = agreement.objective
        note = (
            ""
            if objective is None
            else texts("contract.objective", share=percent_of(objective, texts))
        )
        return Table(title, *self._targets(agreement, self._clients), note)

    def _of_teams(self, agreement: Agreement) -> Table:
        """What teams owe each other under an agreement; nothing where they owe nothing."""
        texts = self._texts
        title = texts("contract.internal")
        if self._policy.agreements:
            title = texts("contract.internal_of", agreement=_readable(agreement.name))
        columns, rows = self._targets(agreement, self._teams)
        owed = any(clock.name == key[1] for key in agreement.targets for clock in self._teams)
        return Table(title, columns, rows if owed else [], texts("contract.internal_note"))

    def _targets(
        self, agreement: Agreement, clocks: Sequence[ClockRule]
    ) -> tuple[list[str], list[list[str]]]:
        """The columns and rows of a table by severity and clock."""
        columns = [*self._columns("severity"), *(self._texts.word("clock", c.name) for c in clocks)]
        rows = []
        for severity in self._policy.severities:
            if severity in agreement.when.get("severity", (severity,)):
                cells = [self._promised(agreement, severity, clock) for clock in clocks]
                rows.append([self._severity(severity), *cells])
        return columns, rows

    def _promised(self, agreement: Agreement, severity: str, clock: ClockRule) -> str:
        target = agreement.targets.get((severity, clock.name))
        if target is None:
            return self._texts("promise.nothing")
        # Where the hour decides, it is that of the report if nothing else starts the time.
        reported = clock.starts is None and not clock.restarts and not clock.from_change
        return _readable(told_promise(target, self._texts, reported=reported))

    def _plan(self, plan: Plan, clocks: Sequence[ClockRule], title: str) -> Table:
        """The limits that a plan adds to some of the clocks."""
        texts = self._texts
        told = texts(title, plan=_readable(plan.name))
        if not plan.targets and clocks is self._clients:
            return Table(told, [], [], texts("contract.nothing_added"))
        names = {clock.name for clock in clocks}
        rows = [
            [self._severity(severity), texts.word("clock", clock), told_promise(target, texts)]
            for (severity, clock), target in plan.targets.items()
            if clock in names
        ]
        note = texts(
            "contract.plan_note",
            built_by=self._listed(plan.built_by),
            calendar=texts.word("calendar", plan.outside.name),
        )
        return Table(told, self._columns("severity clock promise"), rows, note)

    # --- how time is counted ---

    def _clock_rules(self, rules: Sequence[ClockRule], *, team: bool = False) -> Table:
        """By what the time of each clock is moved; of teams in a table of its own."""
        texts = self._texts
        name = "contract.team_clocks" if team else "contract.clocks"
        return Table(
            texts(name),
            self._columns("internal counted" if team else "clock counted"),
            [[texts.word("clock", rule.name), " ".join(self._clock_rule(rule))] for rule in rules],
            texts(f"{name}_note"),
        )

    def _clock_rule(self, rule: ClockRule) -> Iterator[str]:
        """Sentences about a clock: columns would be too many to be read."""
        texts = self._texts

        def told(events: Selectors) -> str:
            return self._listed(told_events(events, texts), ordered=True)

        if rule.team:
            yield texts("contract.runs_team")
        else:
            begins = texts("contract.by_report") if rule.starts is None else told(rule.starts)
            yield texts("contract.runs", starts=begins, stops=told(rule.stops))
        if rule.pauses:
            pauses, resumes = told(rule.pauses), told(rule.resumes)
            yield texts("contract.pauses", pauses=pauses, resumes=resumes)
        if rule.restarts:
            yield texts("contract.restarts", events=told(rule.restarts))
        if rule.repeat:
            yield texts("contract.repeats")
        if rule.continues:
            yield texts("contract.continues")
        # That it counts from the start needs no words where no clock does otherwise.
        if any(each.from_change for each in self._policy.clocks):
            yield texts("contract.from_change" if rule.from_change else "contract.from_start")

    def _steps(self) -> Table:
        """The steps of all targets, then those of targets that have their own."""
        policy, texts = self._policy, self._texts
        rows = [[texts("contract.every_target"), told_rules(policy.steps, texts)]]
        alone = not policy.agreements
        for agreement in policy.every_agreement:
            for (severity, clock), target in agreement.targets.items():
                rules = steps_of(target)
                if promises(target) and rules != policy.steps:
                    whom = f"{self._severity(severity)}, {texts.word('clock', clock)}"
                    told = told_rules(rules, texts) or texts("contract.no_steps")
                    name = _readable(agreement.name)
                    rows.append([whom if alone else f"{name}: {whom}", told])
        columns = self._columns("target steps")
        return Table(texts("contract.steps"), columns, [row for row in rows if row[1]])

    def _calendars(self) -> Table:
        texts = self._texts
        rows = [
            [texts.word("calendar", each.name), told_hours(each, texts), each.zone]
            for each in self._policy.calendars.values()
        ]
        return Table(texts("contract.calendars"), self._columns("calendar hours zone"), rows)

    def _unusual(self) -> Table:
        texts, year = self._texts, self._year
        rows = [
            [
                f"{texts.weekdays[day.weekday()]} {day}",
                texts.word("calendar", calendar.name),
                open_hours(spans) or texts("diff.closed"),
                name,
            ]
            for calendar in self._policy.calendars.values()
            for day, spans, name in unusual_days(calendar, year)
        ]
        title = texts("contract.unusual", year=year)
        return Table(title, self._columns("date calendar hours occasion"), rows)


def _readable(words: str) -> str:
    """Words of the contract's own, as people write them."""
    return words.replace("_", " ")
