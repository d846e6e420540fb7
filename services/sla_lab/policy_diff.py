"""What changes between two versions of a policy, and for whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sla_domain.agreement import STANDARD, Agreement, Targets
from sla_domain.policy import ClockRule, Plan, Policy, PolicyBook
from sla_domain.selector import NOTHING, Selectors
from sla_domain.steps import StepRule
from sla_domain.target import AnyTarget
from sla_lab.calendar_diff import calendar_changes, is_made_of
from sla_lab.change import LOOSER, OTHER, STRICTER, Change, changed
from sla_lab.target_diff import effect_of_targets, goes_by_hour
from sla_lab.words_diff import effect_of_severities, word_changes
from sla_policy.values import COMMUNICATED
from sla_text.language import Texts
from sla_text.presentation import Table
from sla_text.promise import promises, steps_of, told_promise, told_when
from sla_text.steps import told_rules
from sla_text.times import length


def changes(old: Policy, new: Policy, texts: Texts) -> list[Change]:
    """Every difference that some ticket can come to feel."""
    return list(_Differ(old, new, texts).all())


class _Differ:
    def __init__(self, old: Policy, new: Policy, texts: Texts) -> None:
        self._old, self._new, self._texts = old, new, texts
        both = PolicyBook([old, new])
        self._names, self._severities = both.severity_names, both.severities

    def all(self) -> Iterator[Change]:
        old, new = self._old, self._new
        yield from self._agreements()
        yield from self._plans()
        names = old.calendars.keys() & new.calendars.keys()
        users = {name: self._users_of(name) for name in names}
        yield from calendar_changes(old, new, users, self._texts)
        yield from word_changes(old, new, self._severities, self._texts)
        yield from self._clock_rules()
        yield from self._sets()
        yield from self._merge()
        yield from self._exceptions()
        yield from self._classification()
        everyone = self._texts("diff.everyone")
        before, after = (self._steps(policy.steps) for policy in (old, new))
        yield from changed(self._part("steps"), everyone, before, after)
        kept = length(old.retention), length(new.retention)
        yield from changed(self._part("retention"), everyone, *kept)

    def _part(self, name: str) -> str:
        return self._texts.word("part", name)

    def _severity(self, severity: str) -> str:
        return self._texts.severity(severity, self._names)

    def _target(self, target: AnyTarget | None) -> str | None:
        return None if target is None else told_promise(target, self._texts)

    def _when(self, agreement: Agreement | None) -> str | None:
        return (agreement and told_when(agreement, self._texts)) or None

    def _steps(self, rules: Sequence[StepRule]) -> str | None:
        return told_rules(rules, self._texts) or None

    def _targets(
        self,
        old: Targets,
        new: Targets,
        under: str | None,
        text: str = "diff.with_plan",
    ) -> Iterator[Change]:
        keys = sorted({*old, *new}, key=lambda key: (self._severities.index(key[0]), key[1]))
        for severity, clock in keys:
            before, after = old.get((severity, clock)), new.get((severity, clock))
            one, other = (self._target(target) for target in (before, after))
            whom = self._severity(severity)
            if under is not None:
                whom = self._texts(text, whom=whom, plan=under.replace("_", " "))
            what = self._texts.word("clock", clock)
            effect = effect_of_targets(before, after)
            yield from changed(what, whom, one, other, effect=effect)
            rules = before and steps_of(before), after and steps_of(after)
            # What a target says of its own; the policy's are told once.
            both = before and after and promises(before) and promises(after)
            if both and rules != (self._old.steps, self._new.steps):
                one, other = (self._steps(each or ()) for each in rules)
                yield from changed(f"{what}: {self._part('steps')}", whom, one, other)

    def _agreements(self) -> Iterator[Change]:
        """The targets of each agreement and whom it takes; a new one beside what is without it."""
        olds = {each.name: each for each in self._old.every_agreement}
        news = {each.name: each for each in self._new.every_agreement}
        alone = {*olds, *news} == {STANDARD}
        for name in dict.fromkeys([*news, *olds]):
            old, new = olds.get(name), news.get(name)
            before = old.targets if old else {}
            after = new.targets if new else {}
            yield from self._targets(before, after, None if alone else name, "diff.with_agreement")
            whom = self._texts("diff.with_agreement", whom=self._texts("diff.everyone"), plan=name)
            yield from changed(
                self._part("when"),
                whom,
                self._when(old),
                self._when(new),
            )
            shares = _objective(old), _objective(new)
            yield from changed(self._part("objective"), whom, *shares)
        orders = [
            ", ".join(name for name in each if name in olds.keys() & news.keys())
            for each in (olds, news)
        ]
        yield from changed(self._part("agreements"), self._texts("diff.everyone"), *orders)

    def _plans(self) -> Iterator[Change]:
        for name in sorted({*self._old.plans, *self._new.plans}):
            old, new = self._old.plans.get(name), self._new.plans.get(name)
            yield from self._targets(old.targets if old else {}, new.targets if new else {}, name)
            yield from changed(
                self._part("plan"), name.replace("_", " "), self._covers(old), self._covers(new)
            )

    def _users_of(self, calendar: str) -> str:
        users = {
            severity
            for policy in (self._old, self._new)
            for agreement in policy.every_agreement
            for (severity, _), target in agreement.targets.items()
            if any(is_made_of(each.calendar, calendar) for each in target.variants)
        }
        return ", ".join(self._severity(each) for each in self._severities if each in users) or "-"

    def _clock_rules(self) -> Iterator[Change]:
        old = {rule.name: rule for rule in self._old.clocks}
        new = {rule.name: rule for rule in self._new.clocks}
        everyone = self._texts("diff.everyone")
        for name in sorted({*old, *new}):
            before, after = old.get(name), new.get(name)
            for part in ("starts", "stops", "pauses", "resumes", "restarts"):
                yield from changed(
                    f"{self._texts.word('clock', name)}: {self._part(part)}",
                    everyone,
                    _events(before, part),
                    _events(after, part),
                )
            yield from self._ways(name, before, after)

    def _ways(
        self, name: str, before: ClockRule | None, after: ClockRule | None
    ) -> Iterator[Change]:
        """Whose promise a clock is, and from when another severity counts. Neither is stricter for
        sure: a target that counts from the change ends later, but what was missed stays missed.
        """
        rules = [rule for rule in (before, after) if rule is not None]
        everyone, clock = self._texts("diff.everyone"), self._texts.word("clock", name)
        for part, told in (("scope", _scope), ("on_severity", _on_severity)):
            # Of a clock that is new or gone only what is unusual.
            if len(rules) == 2 or any(told(rule) != told(_USUAL) for rule in rules):
                one, other = (
                    None if rule is None else self._texts(f"diff.{told(rule)}")
                    for rule in (before, after)
                )
                yield from changed(f"{clock}: {self._part(part)}", everyone, one, other)

    def _sets(self) -> Iterator[Change]:
        for part in (
            "channels",
            "primary_services",
            "platforms",
            "needs_primary",
            "spoken_media",
            "evidence_for",
        ):
            before, after = (
                ", ".join(sorted(getattr(policy, part))) or None
                for policy in (self._old, self._new)
            )
            yield from changed(self._part(part), self._texts("diff.everyone"), before, after)

    def _merge(self) -> Iterator[Change]:
        """Time that counts from earlier is used up sooner, unless the hour of arrival decides."""
        policies = self._old, self._new
        before, after = [
            self._texts(f"diff.{'merge_earliest' if policy.merges_earliest else 'merge_own'}")
            for policy in policies
        ]
        effect = STRICTER if self._new.merges_earliest else LOOSER
        if any(goes_by_hour(target) for policy in policies for target in _all_targets(policy)):
            effect = OTHER
        yield from changed(self._part("merge"), self._texts("diff.everyone"), before, after, effect)

    def _exceptions(self) -> Iterator[Change]:
        """An exception only ever spares time. But who may grant one may take back another's, so of
        two lists neither is stricter.
        """
        before, after = [
            ", ".join(sorted(policy.exception_sources)) or None for policy in (self._old, self._new)
        ]
        effect = LOOSER if before is None else STRICTER if after is None else OTHER
        part = self._part("exception_sources")
        yield from changed(part, self._texts("diff.everyone"), before, after, effect)

    def _classification(self) -> Iterator[Change]:
        old, new = self._old.classification, self._new.classification
        for impact, scope in sorted({*old, *new}, key=str):
            before, after = old.get((impact, scope)), new.get((impact, scope))
            yield from changed(
                self._part("classification"),
                f"{impact}, {scope or self._part('no_scope')}",
                before and self._severity(before),
                after and self._severity(after),
                effect=effect_of_severities(before, after, self._severities),
            )

    def _covers(self, plan: Plan | None) -> str | None:
        if plan is None:
            return None
        severities = ", ".join(each for each in self._severities if each in plan.severities)
        built_by = ", ".join(sorted(plan.built_by))
        return f"{severities}; built by {built_by}; outside {plan.outside.name}"


#: A clock that says neither whose promise it is nor what another severity does to it.
_USUAL: Final = ClockRule("", NOTHING)


def _scope(rule: ClockRule) -> str:
    return "scope_team" if rule.team else "scope_ticket"


def _on_severity(rule: ClockRule) -> str:
    return "from_change" if rule.from_change else "from_start"


def _all_targets(policy: Policy) -> Iterator[AnyTarget]:
    owners: list[Agreement | Plan] = [*policy.every_agreement, *policy.plans.values()]
    for each in owners:
        yield from each.targets.values()


def _objective(agreement: Agreement | None) -> str | None:
    if agreement is None or agreement.objective is None:
        return None
    return f"{float(agreement.objective * 100):.10g}%"


def _events(rule: ClockRule | None, part: str) -> str | None:
    if rule is None:
        return None
    if part == "starts" and rule.starts is None:
        return COMMUNICATED
    if part in ("starts", "stops") and rule.team:
        return None  # said by its scope
    events: Selectors = getattr(rule, part)
    told = [each.written for each in events.selectors]
    if part == "restarts":
        told += ["repeat"] if rule.repeat else []
        told += ["continue"] if rule.continues else []
    return ", ".join(told) or None


def as_table(old: Policy, new: Policy, found: list[Change], texts: Texts) -> Table:
    """The changes for people."""
    columns = [texts(f"diff.{name}") for name in ("what", "whom")]
    columns += [old.ref, new.ref, texts("diff.effect")]
    rows = [
        [
            change.what,
            change.whom,
            change.before or "-",
            change.after or "-",
            "" if change.effect == OTHER else texts(f"diff.{change.effect}"),
        ]
        for change in found
    ]
    title = texts("diff.title" if found else "diff.same", old=old.ref, new=new.ref)
    return Table(title, columns if found else [], rows)
