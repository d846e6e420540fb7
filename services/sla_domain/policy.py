"""Policies as versioned data: the clocks, the events that move them, and their targets.

Policy files are read and validated in ``sla_policy``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from sla_domain.agreement import STANDARD, Agreement, Targets
from sla_domain.calendar import Calendar
from sla_domain.event import EventType, Facts
from sla_domain.selector import NOTHING, WAITS, Selectors
from sla_domain.steps import StepRule
from sla_domain.target import Fact, TargetChoice


@dataclass(frozen=True, slots=True)
class ClockRule:
    """The events that move a clock.

    It starts at the client's communication (clause C10), or with the events of ``starts``, of which
    each begins the next cycle if none runs. With ``repeat`` what stops a cycle begins the next,
    unless the ticket is resolved; while it waits, the next begins when the wait ends.
    ``continues`` takes a cycle up again when the ticket is reopened: the time in between does not
    count. ``restarts`` begin another cycle once the last one has ended.

    With ``from_change`` the target of another severity counts from the change of it. A clock of
    ``team`` has a cycle for each stay of the ticket with a team.
    """

    name: str
    stops: Selectors
    pauses: Selectors = NOTHING
    resumes: Selectors = NOTHING
    restarts: Selectors = NOTHING
    #: ``None``: it starts with the communication.
    starts: Selectors | None = None
    repeat: bool = False
    continues: bool = False
    from_change: bool = False
    team: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Additional support that a client has bought (clauses C5, C17-C21).

    It takes effect when the client contacts the guard outside the hours of ``outside``, about an
    integration built by one of ``built_by``. ``targets``, by (severity, clock), count from that
    contact; ``severities`` are those it covers.
    """

    name: str
    built_by: frozenset[str]
    severities: frozenset[str]
    outside: Calendar
    targets: Targets


#: Fields of events whose words are the contract's own.
WORD_FIELDS: Final = (
    "affects", "built_by", "impact", "medium", "origin", "party", "plan", "scope"
)  # fmt: skip

#: Always begins a wait; ``ANSWERED`` ends it if no clock rule pauses.
ASKED: Final = Selectors(WAITS)
ANSWERED: Final = Selectors.of(EventType.CLIENT_RESPONDED)

#: By severity: its ``name``, and the names by language that differ from it.
SeverityNames = Mapping[str, Mapping[str, str]]
#: Severities by (impact, scope); the scope is ``None`` if the ticket has none.
Classification = Mapping[tuple[str, str | None], str]


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a policy.

    ``retention`` is how long a closed ticket stays in the table, in milliseconds.
    ``business_calendar`` defines business time where no clock's calendar applies.
    """

    name: str
    version: str
    effective_from: int
    retention: int
    calendars: Mapping[str, Calendar]
    business_calendar: Calendar
    clocks: Sequence[ClockRule]
    #: Those of ``standard``, the agreement of everybody whom no other takes.
    targets: Targets
    #: The steps of targets that say none of their own.
    steps: Sequence[StepRule]
    classification: Classification
    #: The severities, the most serious first.
    severities: Sequence[str] = ()
    #: The severity of a ticket while none is known.
    default_severity: str | None = None
    severity_names: SeverityNames = field(default_factory=dict)
    #: The words known in each event field.
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    channels: frozenset[str] = frozenset()
    plans: Mapping[str, Plan] = field(default_factory=dict)
    #: The primary services, the platforms, and the severities that need a primary service (C13).
    primary_services: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    needs_primary: frozenset[str] = frozenset()
    #: The media of contacts whose agreement must be put in writing (C14).
    spoken_media: frozenset[str] = frozenset()
    #: The fault origins that require evidence (C20).
    evidence_for: frozenset[str] = frozenset()
    #: The agreements before ``standard``, in the order in which they are tried.
    agreements: Sequence[Agreement] = ()
    #: The share of clocks that ``standard`` wants kept.
    objective: Fraction | None = None
    #: Whether a ticket takes over an earlier communication of what is merged into it.
    merges_earliest: bool = False
    #: The event sources that may grant exceptions.
    exception_sources: frozenset[str] = frozenset()
    #: The text that all of this was read from.
    source: str = ""

    #: The agreement of everybody else; ``None`` where nothing is promised to them.
    standard: Agreement | None = field(init=False)

    #: What has a ticket wait, and for each rule that is held up by it what sets it going again:
    #: from the clocks, so that ledger, delays and holder say what the clocks do.
    begins_wait: Selectors = field(init=False)
    #: Whether some target's calendar depends on what is known of a ticket.
    choosy: bool = field(init=False)
    #: Every step that some target has, those of all plans and agreements.
    every_step: Sequence[StepRule] = field(init=False)
    #: The severity that each word or name on input means.
    severity_words: Mapping[str, str] = field(init=False)
    #: For each pausing rule, the events that resume it.
    ends_wait: tuple[Selectors, ...] = field(init=False)
    #: The clocks that may begin a cycle otherwise than by the communication or a restart.
    begins_later: Sequence[ClockRule] = field(init=False)

    def __post_init__(self) -> None:
        standard = Agreement(STANDARD, {}, self.targets, self.objective) if self.targets else None
        object.__setattr__(self, "standard", standard)
        promised = [target for each in self.every_agreement for target in each.targets.values()]
        choosy = any(isinstance(target, TargetChoice) for target in promised)
        object.__setattr__(self, "choosy", choosy)
        steps = [
            *self.steps,
            *[rule for target in promised for each in target.variants for rule in each.rules],
        ]
        object.__setattr__(self, "every_step", tuple(dict.fromkeys(steps)))
        pausing = [rule for rule in self.clocks if rule.pauses]
        begins = Selectors.joined([ASKED, *[rule.pauses for rule in pausing]])
        ends = tuple({rule.resumes: None for rule in pausing}) or (ANSWERED,)
        object.__setattr__(self, "begins_wait", begins)
        meant = {
            name: word for word, names in self.severity_names.items() for name in names.values()
        }
        meant.update({word: word for word in self.severities})
        object.__setattr__(self, "severity_words", meant)
        object.__setattr__(self, "ends_wait", ends)
        later = [rule for rule in self.clocks if rule.starts is not None or rule.repeat]
        object.__setattr__(self, "begins_later", later)

    @property
    def ref(self) -> str:
        """``name@version``, the form used in records and alerts."""
        return f"{self.name}@{self.version}"

    def agreement(self, fact: Fact) -> Agreement | None:
        """The first agreement that takes a ticket with these facts; ``None`` where none does."""
        for agreement in self.agreements:
            if agreement.matches(fact):
                return agreement
        return self.standard

    @property
    def every_agreement(self) -> list[Agreement]:
        """All of them in the order in which they are tried, ``standard`` last."""
        return [*self.agreements, *([] if self.standard is None else [self.standard])]

    def severity_of(self, facts: Facts) -> str | None:
        """The severity that ``facts`` state or, by the classification table, imply (clause C8);
        ``None`` if there is neither.
        """
        if severity := facts.get("severity"):
            return severity
        impact = facts.get("impact")
        return self.classification.get((impact, facts.get("scope"))) if impact else None


class PolicyBook:
    """The versions of a policy; a ticket keeps the one in force when it was reported."""

    def __init__(self, versions: Sequence[Policy]) -> None:
        if not versions:
            raise ValueError("a policy book needs at least one version")
        self.versions = sorted(versions, key=lambda policy: policy.effective_from)
        self._starts = [policy.effective_from for policy in self.versions]

    def find(self, ref: str) -> Policy | None:
        """The version with this ``name@version``, ``None`` if it is not in the book."""
        return next((policy for policy in self.versions if policy.ref == ref), None)

    def cited(self, ref: str) -> Policy:
        """The version with this ``name@version``, or the latest if it is not in the book."""
        return self.find(ref) or self.latest

    def in_force(self, instant: int) -> Policy:
        """The version in force at ``instant``; before the earliest version, the earliest."""
        index = bisect_right(self._starts, instant) - 1
        return self.versions[index] if index > 0 else self.versions[0]

    @property
    def severities(self) -> tuple[str, ...]:
        """The severities of all versions, the most serious first, as ranked by the latest."""
        ranked = [word for policy in reversed(self.versions) for word in policy.severities]
        return tuple(dict.fromkeys(ranked))

    @property
    def agreements(self) -> tuple[str, ...]:
        """The names of all agreements of the versions that have any, the latest first."""
        names = [
            each.name
            for policy in reversed(self.versions)
            if policy.agreements
            for each in policy.every_agreement
        ]
        return tuple(dict.fromkeys(names))

    @property
    def objectives(self) -> dict[str, Fraction]:
        """The objectives of the latest version, by agreement."""
        return {
            each.name: each.objective
            for each in self.latest.every_agreement
            if each.objective is not None
        }

    def words(self, field_name: str) -> tuple[str, ...]:
        """The words known in an event field, in any version."""
        known = [policy.words.get(field_name, frozenset()) for policy in self.versions]
        return tuple(sorted(frozenset().union(*known)))

    @property
    def severity_names(self) -> SeverityNames:
        """The names of the severities of all versions; the latest version wins."""
        return {
            word: name for policy in self.versions for word, name in policy.severity_names.items()
        }

    @property
    def sources(self) -> tuple[str, ...]:
        """The texts of its versions; books with equal sources evaluate tickets equally."""
        return tuple([policy.source for policy in self.versions])

    @property
    def latest(self) -> Policy:
        """The version with the latest ``effective_from``."""
        return self.versions[-1]
