"""What is wrong with a policy that is well formed: promises that can't be meant.

A mistake stops the file from being loaded: what it says can't hold, or contradicts itself. What is
odd but may be meant is a warning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sla_config.toml_places import Path
from sla_config.wording import listed, nearest
from sla_domain.event import EventType
from sla_domain.instant import DAY, parse_duration
from sla_domain.policy import Policy
from sla_policy.amount import business_days
from sla_policy.calendar_check import calendar_findings
from sla_policy.finding import Finding, length
from sla_policy.sections import (
    CalendarSection,
    ClockSection,
    PlanSection,
    PolicyFile,
    TargetSection,
)

#: Events that can move no clock, and why.
IDLE_EVENTS: Final = {
    EventType.CREATED: "the ticket's creation comes before everything else",
    EventType.CANCELLED: "a cancelled ticket promises nothing any more",
    EventType.FEATURE_SUBSCRIBED: "it happens to feature requests, which promise nothing",
    EventType.FEATURE_APPROVED: "it happens to feature requests, which promise nothing",
}
#: An amount of open time that takes longer than this can't be meant, and may not be reached by the
#: last year that calendars are kept for.
_LONGEST_WEEKS: Final = 520
_SHORTEST_RETENTION: Final = DAY


def findings(file: PolicyFile) -> Iterator[Finding]:
    """Everything that is wrong or odd in a file, in its own order."""
    yield from _general(file)
    for name in file.calendars:
        uses = [(path, target) for path, target in _all_targets(file) if target.calendar == name]
        yield from calendar_findings(file, name, uses)
    for name, clock in file.clocks.items():
        yield from _clock(file, name, clock)
    wrong = list(_severities(file))
    yield from wrong
    # What follows from a misspelt severity is not told as another mistake.
    if all(finding.harmless for finding in wrong):
        yield from _targets(file)
        for name, plan in file.plans.items():
            yield from _plan(file, name, plan)
    yield from _words(file)


def _general(file: PolicyFile) -> Iterator[Finding]:
    if file.retention < _SHORTEST_RETENTION:
        yield Finding(
            ("retention",),
            f"a ticket is forgotten {length(file.retention)} after it was closed and can't be "
            'reopened; write it like "90d"',
            harmless=True,
        )
    if file.business_calendar is not None:
        yield from _known_calendar(file, ("business_calendar",), file.business_calendar)
    for share, count in Counter(file.warnings.fractions).items():
        if count > 1:
            yield Finding(("warnings", "fractions"), f"{share} stands {count} times; keep one")


# --- clocks ---


def _clock(file: PolicyFile, name: str, clock: ClockSection) -> Iterator[Finding]:
    path: Path = ("clocks", name)
    targets = [targets[name] for targets in file.targets.values() if targets and name in targets]
    if any(file.targets.values()) and not any(targets):
        # Said to be meant where "none" stands for it.
        yield Finding(
            path,
            "has no target at any severity, so it never starts; give it one, or delete the clock",
            harmless=bool(targets),
        )
    lists: dict[str, list[EventType]] = {
        "stops": clock.stops,
        "pauses": clock.pauses,
        "resumes": clock.resumes,
        "restarts": clock.restarts,
    }
    for key, events in lists.items():
        yield from _events(path, key, events)
    stops, pauses = _moving(clock.stops), _moving(clock.pauses)
    resumes, restarts = _moving(clock.resumes), _moving(clock.restarts)
    if not clock.stops:
        yield Finding(
            (*path, "stops"),
            "nothing stops this clock, so every ticket breaks it; name what keeps the promise, "
            'like stops = ["resolved"]',
        )
    for event in sorted(stops & restarts):
        yield Finding(
            (*path, "restarts"),
            f"{event.word!r} both stops the clock and restarts it, so every other one begins a "
            "cycle; take it out of one of the two",
        )
    if EventType.RESOLVED in restarts - stops:
        yield Finding(
            (*path, "restarts"),
            "a ticket that is resolved owes nothing more, so 'resolved' can't begin a cycle; "
            "write 'reopened'",
        )
    for event in sorted(pauses & resumes):
        yield Finding(
            (*path, "resumes"),
            f"{event.word!r} both pauses the clock and resumes it; take it out of one of the two",
        )
    for event in sorted(pauses & stops):
        yield Finding(
            (*path, "pauses"),
            f"{event.word!r} stops the clock, so it never pauses it; take it out of one of the two",
        )
    if pauses and not resumes and not clock.resumes:
        yield Finding(
            (*path, "resumes"),
            "a clock that pauses needs to know what resumes it, else it stands still for ever; "
            'write it like resumes = ["client_responded"]',
            near=(*path, "pauses"),
        )
    if clock.resumes and not clock.pauses:
        yield Finding(
            (*path, "resumes"), "nothing pauses this clock, so nothing resumes it", harmless=True
        )


def _moving(events: Iterable[EventType]) -> set[EventType]:
    return {event for event in events if event not in IDLE_EVENTS}


def _events(path: Path, key: str, events: Sequence[EventType]) -> Iterator[Finding]:
    """Words that have no effect: an error where no other is left."""
    left = bool(_moving(events))
    what = {"stops": "stop", "pauses": "pause", "resumes": "resume", "restarts": "restart"}[key]
    for place, event in enumerate(events):
        if event in events[:place]:
            yield Finding((*path, key, place), f"{event.word!r} stands twice", harmless=True)
        elif event in IDLE_EVENTS:
            yield Finding(
                (*path, key, place),
                f"{event.word!r} can't {what} a clock: {IDLE_EVENTS[event]}; delete it"
                + ("" if left else f" and name what does {what} it"),
                harmless=left,
            )


# --- targets ---


def _all_targets(file: PolicyFile) -> Iterator[tuple[Path, TargetSection]]:
    """Every target, those of plans included, with its place."""
    for severity, targets in file.targets.items():
        for clock, target in (targets or {}).items():
            if target is not None:
                yield ("targets", severity, clock), target
    for name, plan in file.plans.items():
        for severity, limits in plan.targets.items():
            for clock, limit in limits.items():
                yield ("plans", name, "targets", severity, clock), limit


def _targets(file: PolicyFile) -> Iterator[Finding]:
    promised = [path for path, _ in _all_targets(file) if path[0] == "targets"]
    if not promised:
        yield Finding(
            ("targets",),
            "the policy promises nothing: give at least one severity a target, like "
            '[targets.high] resolution = { within = "8h", boundary = "inclusive", calendar = '
            '"business" }',
        )
    for severity, targets in file.targets.items():
        for clock in targets or {}:
            yield from _known_clock(file, ("targets", severity, clock), clock)
    for path, target in _all_targets(file):
        yield from _target(file, path, target)
    if promised:
        yield from _unpromised(file)


def _unpromised(file: PolicyFile) -> Iterator[Finding]:
    """Severities and clocks that promise nothing without saying so."""
    for severity in file.all_severities():
        path: Path = ("targets", severity)
        if severity not in file.targets:
            yield Finding(
                path,
                f"the severity {severity!r} has no targets, so its tickets are promised nothing; "
                f'write [targets.{severity}], or under [targets] {severity} = "none" to mean it',
                near=("severities", severity),
            )
            continue
        targets = file.targets[severity]
        if targets is None:
            continue
        if not targets:
            yield Finding(
                path,
                f"the severity {severity!r} has no target; give it one, or write under [targets] "
                f'{severity} = "none" to mean it',
            )
            continue
        for clock in file.clocks:
            if clock not in targets:
                yield Finding(
                    (*path, clock),
                    f"nothing is promised for this clock at {severity!r}; write "
                    f'{clock} = "none" to mean it',
                    harmless=True,
                )


def _severities(file: PolicyFile) -> Iterator[Finding]:
    """Severities that the file speaks of and nobody knows, and names that mean two of them."""
    known = file.all_severities()
    for path, severity in _mentioned_severities(file):
        if severity not in known:
            like = nearest(severity, known) or f"; severities are {listed(known)}"
            yield Finding(path, f"there is no severity {severity!r}{like}")
    meant: dict[str, str] = {}
    for severity, called in file.severities.items():
        for name in {severity, *called.values()}:
            other = meant.setdefault(name.casefold(), severity)
            if other != severity:
                yield Finding(
                    ("severities", severity),
                    f"{name!r} is {other!r} too, so an event that says it could mean either; give "
                    "one of them another name",
                )
    for severity, targets in file.targets.items():
        if not file.severities or not targets or severity in file.severities:
            continue
        like = nearest(severity, file.severities)
        if like:
            yield Finding(
                ("targets", severity), f"{severity!r} does not stand in [severities]{like}"
            )
        else:
            yield Finding(
                ("severities", severity),
                f"has targets but no name and no rank, so people read {severity!r} and it goes "
                "last; add it to [severities]",
                harmless=True,
                near=("severities",),
            )


def _mentioned_severities(file: PolicyFile) -> Iterator[tuple[Path, str]]:
    """The severities by which a file decides something, each with its place."""
    if file.default_severity is not None:
        yield ("default_severity",), file.default_severity
    for place, severity in enumerate(file.services.needs_primary):
        yield ("services", "needs_primary", place), severity
    for impact, scopes in file.classification.items():
        for scope, severity in scopes.items():
            yield ("classification", impact, scope), severity
    for name, plan in file.plans.items():
        for place, severity in enumerate(plan.severities):
            yield ("plans", name, "severities", place), severity


def _target(file: PolicyFile, path: Path, target: TargetSection) -> Iterator[Finding]:
    unknown = list(_known_calendar(file, (*path, "calendar"), target.calendar))
    yield from unknown
    if unknown:
        return
    calendar = file.calendars[target.calendar]
    days = business_days(target.within)
    within = parse_duration(target.within) if days is None else days * (calendar.day or DAY)
    week = sum(close - opened for spans in calendar.hours.values() for opened, close in spans)
    if week and within > _LONGEST_WEEKS * week:
        yield Finding(
            (*path, "within"),
            f"{target.within!r} is more than ten years of the calendar {target.calendar!r}; "
            "write less",
        )
    elif days is None and week < 7 * DAY and any(unit in target.within for unit in "dDwW"):
        yield Finding(
            (*path, "within"),
            f"{target.within!r} is {length(within)} of open time, since a day is 24 hours; for "
            'days of the calendar write it like "5 business days"',
            harmless=True,
        )


def _known_clock(file: PolicyFile, path: Path, clock: str) -> Iterator[Finding]:
    if clock not in file.clocks:
        like = nearest(clock, file.clocks) or f"; clocks are {listed(file.clocks)}"
        yield Finding(path, f"there is no clock {clock!r}{like}")


def _known_calendar(file: PolicyFile, path: Path, name: str) -> Iterator[Finding]:
    if name not in file.calendars:
        like = nearest(name, file.calendars) or f"; calendars are {listed(file.calendars)}"
        yield Finding(path, f"there is no calendar {name!r}{like}")


# --- plans and words ---


def _plan(file: PolicyFile, name: str, plan: PlanSection) -> Iterator[Finding]:
    path: Path = ("plans", name)
    if not plan.built_by:
        yield Finding(
            (*path, "built_by"),
            'covers no integration, so it never counts; write it like built_by = ["aivo"]',
        )
    unknown = list(_known_calendar(file, (*path, "outside"), plan.outside))
    yield from unknown
    if not unknown and _always_open(file.calendars[plan.outside]):
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
            unknown_clock = list(_known_clock(file, place, clock))
            yield from unknown_clock
            if not unknown_clock and (file.targets.get(severity) or {}).get(clock) is None:
                yield Finding(
                    place,
                    f"{severity!r} itself has no target for this clock, so it never runs and the "
                    f"plan's limit never counts; write targets.{severity}.{clock}",
                )


def _always_open(calendar: CalendarSection) -> bool:
    week = sum(close - opened for spans in calendar.hours.values() for opened, close in spans)
    closes = calendar.holidays.dates or calendar.holidays.country or calendar.overrides
    return week == 7 * DAY and not closes


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
