"""What is wrong with the targets of a policy that is well formed, and with its severities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sla_config.toml_places import Path
from sla_config.wording import listed, nearest
from sla_domain.instant import DAY
from sla_domain.profile import FACTS
from sla_domain.ticket import TEAM
from sla_policy.amount import business_days, closing_day, length_of
from sla_policy.calendar_sections import CalendarSection
from sla_policy.finding import Finding, length
from sla_policy.sections import PolicyFile
from sla_policy.step_check import length_findings, step_findings
from sla_policy.target_sections import ByArrival, TargetsBySeverity, TargetSection
from sla_policy.values import OF

#: An amount of open time that takes longer than this can't be meant, and may not be reached by the
#: last year that calendars are kept for.
LONGEST_YEARS: Final = 10
_WEEKS: Final = 52


def target_tables(file: PolicyFile) -> Iterator[tuple[Path, TargetsBySeverity]]:
    """The tables of targets, with their places."""
    yield ("targets",), file.targets
    for place, agreement in enumerate(file.agreements):
        yield ("agreements", place, "targets"), agreement.targets


def all_targets(file: PolicyFile) -> Iterator[tuple[Path, TargetSection]]:
    """Every target, those of plans included, with its place."""
    for path, table in target_tables(file):
        for severity, targets in table.items():
            for clock, target in (targets or {}).items():
                if target is not None:
                    yield (*path, severity, clock), target
    for name, plan in file.plans.items():
        for severity, limits in plan.targets.items():
            for clock, limit in limits.items():
                yield ("plans", name, "targets", severity, clock), limit


def target_findings(file: PolicyFile) -> Iterator[Finding]:
    """What is wrong with the targets of every table."""
    promised = [path for path, _ in all_targets(file) if path[0] != "plans"]
    if not promised:
        yield Finding(
            ("targets",),
            "the policy promises nothing: give at least one severity a target, like "
            '[targets.high] resolution = { within = "8h", boundary = "inclusive", calendar = '
            '"business" }',
        )
    for path, table in target_tables(file):
        for severity, targets in table.items():
            for clock in targets or {}:
                yield from known_clock(file, (*path, severity, clock), clock)
    for path, target in all_targets(file):
        yield from _target(file, path, target)
    if promised and file.targets:
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


def severity_findings(file: PolicyFile) -> Iterator[Finding]:
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
    written = [
        ((*path, severity), severity)
        for path, table in target_tables(file)
        for severity, targets in table.items()
        if targets or path != ("targets",)
    ]
    for path, severity in written:
        if not file.severities or severity in file.severities:
            continue
        like = nearest(severity, file.severities)
        if like:
            yield Finding(path, f"{severity!r} does not stand in [severities]{like}")
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
    if path[0] == "plans":
        unfit = list(_plan_limit(path, target))
        yield from unfit
        if unfit:
            return
    for key, table in target.by_arrival:
        yield from _arrival(file, (*path, key), table)
    yield from _one_hour(path, target.asks)
    yield from _facts(file, path, target)
    if target.steps is not None:
        yield from step_findings((*path, "steps"), target.steps)
    for name in target.calendars:
        unknown = list(known_calendar(file, (*path, "calendar"), name))
        yield from unknown
        if not unknown:
            for amount in target.amounts_on(name):
                yield from _length(path, amount, name, file.calendars[name])
                yield from _room(file, path, target, amount, file.calendars[name].day or DAY)


def _facts(file: PolicyFile, path: Path, target: TargetSection) -> Iterator[Finding]:
    """Facts that nobody knows of the ticket, or that only a clock of teams knows."""
    clock = file.clocks.get(str(path[-1]))
    of_team = clock is not None and clock.scope == TEAM
    known = (*FACTS, TEAM) if of_team else FACTS
    for key, fact in target.facts:
        if fact == TEAM and clock is not None and not of_team:
            yield Finding(
                (*path, key),
                'only a clock of scope = "team" knows a team; choose another fact, or write that '
                f"under [clocks.{path[-1]}]",
            )
        elif fact not in (*FACTS, TEAM) and (like := nearest(fact, known)):
            yield Finding(
                (*path, key), f"{fact!r} is taken for an attribute of tickets{like}", harmless=True
            )


def _plan_limit(path: Path, target: TargetSection) -> Iterator[Finding]:
    """What only the target beside a plan's limit can say."""
    if isinstance(target.within, dict):
        yield Finding((*path, "within"), "a plan's limit has one amount; write it")
    if not isinstance(target.calendar, str):
        yield Finding((*path, "calendar"), "a plan's limit counts on one calendar; name it")
    if target.steps is not None:
        yield Finding(
            (*path, "steps"),
            "a plan's limit has the steps of the severity's own target; delete these",
        )


def _one_hour(path: Path, asked: Sequence[str]) -> Iterator[Finding]:
    """An amount and a calendar by the hours of two calendars."""
    if len(asked) > 1:
        within, calendar = asked
        yield Finding(
            (*path, "calendar", OF),
            f"is {calendar!r}, but the amount goes by the hours of {within!r}, and one hour "
            f'decides about both; write {OF} = "{within}"',
        )


def _arrival(file: PolicyFile, path: Path, arrival: ByArrival) -> Iterator[Finding]:
    """An hour of arrival that can't be asked about, or makes no difference."""
    unknown = list(known_calendar(file, (*path, OF), arrival.of))
    yield from unknown
    if not unknown and file.calendars[arrival.of].always_open:
        yield Finding(
            (*path, OF),
            f"the calendar {arrival.of!r} is always open, so nothing arrives outside of it; name "
            "the calendar of the usual hours",
        )
    elif arrival.inside == arrival.outside:
        yield Finding(
            path,
            f"is {arrival.inside!r} inside and outside, so the hour decides nothing; write it "
            f'like {path[-1]} = "{arrival.inside}"',
            harmless=True,
        )


def _room(
    file: PolicyFile, path: Path, target: TargetSection, amount: str, day: int
) -> Iterator[Finding]:
    """Steps that have no room on a target of this length."""
    if closing_day(amount) is not None:
        return
    own = target.steps is not None
    steps = file.steps if target.steps is None else target.steps
    place = (*path, "steps") if own else path
    yield from length_findings(place, length_of(amount, day), repr(amount), steps, own=own)


def _length(path: Path, amount: str, name: str, calendar: CalendarSection) -> Iterator[Finding]:
    """What is odd about the length of a target on a calendar."""
    if closing_day(amount) is not None:
        return
    days, within = business_days(amount), length_of(amount, calendar.day or DAY)
    week = calendar.week_length
    if week and within > LONGEST_YEARS * _WEEKS * week:
        yield too_long(path, amount, name)
    elif days is None and 0 < week < 7 * DAY and any(unit in amount for unit in "dDwW"):
        yield Finding(
            (*path, "within"),
            f"{amount!r} is {length(within)} of open time, since a day is 24 hours; for "
            'days of the calendar write it like "5 business days"',
            harmless=True,
        )


def too_long(path: Path, amount: str, calendar: str) -> Finding:
    """That a target is longer than its calendar is kept for, or can be meant."""
    return Finding(
        (*path, "within"),
        f"{amount!r} is more than ten years of the calendar {calendar!r}; write less",
    )


def known_clock(file: PolicyFile, path: Path, clock: str) -> Iterator[Finding]:
    """That there is no such clock, where there is none."""
    if clock not in file.clocks:
        like = nearest(clock, file.clocks) or f"; clocks are {listed(file.clocks)}"
        yield Finding(path, f"there is no clock {clock!r}{like}")


def known_calendar(file: PolicyFile, path: Path, name: str) -> Iterator[Finding]:
    """That there is no such calendar, where there is none."""
    if name not in file.calendars:
        like = nearest(name, file.calendars) or f"; calendars are {listed(file.calendars)}"
        yield Finding(path, f"there is no calendar {name!r}{like}")
