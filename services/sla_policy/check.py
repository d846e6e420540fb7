"""What is wrong with a policy that is well formed: promises that can't be meant.

A mistake stops the file from being loaded: what it says can't hold, or contradicts itself. What is
odd but may be meant is a warning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from sla_config.toml_places import Path
from sla_domain.agreement import STANDARD
from sla_domain.instant import DAY
from sla_domain.policy import Policy
from sla_policy.agreement_check import agreement_findings
from sla_policy.calendar_check import calendar_findings
from sla_policy.clock_check import clock_findings
from sla_policy.composed_check import composed_findings
from sla_policy.finding import Finding, length
from sla_policy.sections import PlanSection, PolicyFile
from sla_policy.step_check import step_findings
from sla_policy.target_check import (
    all_targets,
    known_calendar,
    known_clock,
    severity_findings,
    target_findings,
)

_SHORTEST_RETENTION: Final = DAY


def findings(file: PolicyFile) -> Iterator[Finding]:
    """Everything that is wrong or odd in a file, in its own order."""
    yield from _general(file)
    for name in file.calendars:
        targets = list(all_targets(file))
        uses = [(path, target) for path, target in targets if name in target.calendars]
        asked = any(name in target.asks for _, target in targets)
        yield from calendar_findings(file, name, uses, asked=asked)
    yield from composed_findings(file)
    for name, clock in file.clocks.items():
        yield from clock_findings(file, name, clock)
    wrong = list(severity_findings(file))
    yield from wrong
    # What follows from a misspelt severity is not told as another mistake.
    if all(finding.harmless for finding in wrong):
        yield from target_findings(file)
        yield from agreement_findings(file)
        for name, plan in file.plans.items():
            yield from _plan(file, name, plan)
    yield from _words(file)


def _general(file: PolicyFile) -> Iterator[Finding]:
    if "exceptions" in file.model_fields_set and not file.exceptions.sources:
        yield Finding(
            ("exceptions",),
            "names no source, so nobody may grant an exception, as if it were not there; write "
            'like sources = ["/contracts/office"], or delete it',
            harmless=True,
        )
    if file.retention < _SHORTEST_RETENTION:
        yield Finding(
            ("retention",),
            f"a ticket is forgotten {length(file.retention)} after it was closed and can't be "
            'reopened; write it like "90d"',
            harmless=True,
        )
    if file.business_calendar is not None:
        yield from known_calendar(file, ("business_calendar",), file.business_calendar)
    for share, count in Counter(file.warnings.fractions).items():
        if count > 1:
            yield Finding(("warnings", "fractions"), f"{share} stands {count} times; keep one")
    if file.steps and file.warnings.fractions:
        yield Finding(
            ("warnings", "fractions"),
            "the steps of [[steps]] come in their place; write the warnings there too, like at = "
            '"75%", and delete these',
        )
    yield from step_findings(("steps",), file.steps)


# --- plans and words ---


def _plan(file: PolicyFile, name: str, plan: PlanSection) -> Iterator[Finding]:
    path: Path = ("plans", name)
    if not plan.built_by:
        yield Finding(
            (*path, "built_by"),
            'covers no integration, so it never counts; write it like built_by = ["aivo"]',
        )
    unknown = list(known_calendar(file, (*path, "outside"), plan.outside))
    yield from unknown
    if not unknown and file.calendars[plan.outside].always_open:
        yield Finding(
            (*path, "outside"),
            f"the calendar {plan.outside!r} is always open, so no contact is outside of it; name "
            "the calendar of the usual hours",
        )
    if not any(plan.targets.values()):
        yield Finding((*path, "targets"), "the plan promises nothing; give it a target")
    for severity, limits in plan.targets.items():
        if severity not in plan.severities:
            yield Finding(
                (*path, "targets", severity),
                f"{severity!r} is none of the plan's severities; add it there, or delete these",
            )
        for clock in limits:
            place = (*path, "targets", severity, clock)
            unknown_clock = list(known_clock(file, place, clock))
            yield from unknown_clock
            names = [STANDARD, *(each.name for each in file.agreements)]
            if not unknown_clock and not any(
                (severity, clock) in file.resolved_targets(each) for each in names
            ):
                yield Finding(
                    place,
                    f"{severity!r} itself has no target for this clock, so it never runs and the "
                    f"plan's limit never counts; write targets.{severity}.{clock}",
                )


def _words(file: PolicyFile) -> Iterator[Finding]:
    services = file.services
    lists: dict[Path, Sequence[str]] = {
        ("channels",): file.channels,
        ("services", "primary"): services.primary,
        ("services", "platforms"): services.platforms,
        ("services", "needs_primary"): services.needs_primary,
        ("written_record", "spoken"): file.written_record.spoken,
        ("closing", "evidence_for"): file.closing.evidence_for,
        **{("words", field): words for field, words in file.words},
    }
    for name, plan in file.plans.items():
        lists["plans", name, "built_by"] = plan.built_by
        lists["plans", name, "severities"] = plan.severities
    for path, words in lists.items():
        for place, word in enumerate(words):
            if word in words[:place]:
                yield Finding((*path, place), f"{word!r} stands twice", harmless=True)
    if services.needs_primary and not services.primary:
        yield Finding(
            ("services", "needs_primary"),
            "no service is primary, so every such ticket is questioned; write primary = [...] too",
            harmless=True,
        )


# --- versions ---


def same_versions(
    policies: Sequence[tuple[str, Policy]],
) -> Iterator[tuple[tuple[str, Policy], Finding]]:
    """Files of one policy that can't stand side by side, by their origins."""
    for place, (origin, policy) in enumerate(policies):
        for earlier, other in policies[:place]:
            if other.name != policy.name:
                continue
            if other.version == policy.version:
                finding = Finding(
                    ("version",),
                    f"{policy.ref} is the version of {earlier} too; a new version needs a new "
                    "number, and each file is given once",
                )
                yield (origin, policy), finding
            elif other.effective_from == policy.effective_from:
                finding = Finding(
                    ("effective_from",),
                    f"{earlier} is in force from the same instant; which of the two counts can't "
                    "be told, so give one another time",
                )
                yield (origin, policy), finding
