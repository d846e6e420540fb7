"""What a policy says beside its promises: how long tickets are kept, when it is closed, and what it
does not promise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sla_domain.agreement import STANDARD, Agreement
from sla_domain.calendar import Calendar
from sla_domain.instant import format_duration
from sla_domain.policy import Policy
from sla_text.language import Texts
from sla_text.times import days_or_length, open_hours


def unusual_days(calendar: Calendar, year: int) -> Iterator[dict[str, str]]:
    """The dates of a year on which a calendar has other hours than usual."""
    for day, spans in calendar.unusual(year):
        yield {
            "date": day.isoformat(),
            "weekday": f"{day:%a}",
            "calendar": calendar.name,
            "open": open_hours(spans) or "closed",
            "name": calendar.names.get(day, ""),
        }


def holidays(policies: Sequence[Policy], year: int) -> list[dict[str, str]]:
    """Those dates of every calendar of the policies."""
    return [
        {"policy": policy.ref, **row}
        for policy in policies
        for calendar in policy.calendars.values()
        for row in unusual_days(calendar, year)
    ]


def retentions(policies: Sequence[Policy]) -> list[dict[str, str]]:
    """How long each policy keeps a closed ticket, as an ISO 8601 duration."""
    return [
        {"policy": policy.ref, "retention": format_duration(policy.retention)}
        for policy in policies
    ]


def unpromised(policies: Sequence[Policy]) -> list[dict[str, str]]:
    """Every clock of a severity for which an agreement has no target, by agreement."""
    return [
        {
            "policy": policy.ref,
            "agreement": agreement.name,
            "severity": policy.severity_names.get(severity, {}).get("name", severity),
            "clock": clock.name,
        }
        for policy in policies
        for agreement in _agreements(policy)
        for severity in policy.severities
        if severity in agreement.when.get("severity", (severity,))
        for clock in policy.clocks
        if (severity, clock.name) not in agreement.targets
    ]


def _agreements(policy: Policy) -> list[Agreement]:
    """Its agreements, ``standard`` also where that promises nothing to anybody."""
    standard = policy.standard or Agreement(STANDARD, {}, {})
    return [*policy.agreements, standard]


def kept_for(policy: Policy) -> str:
    """A sentence about its retention."""
    told = days_or_length(policy.retention, Texts())
    return f"{policy.ref} keeps a closed ticket for {told}; until then it can be reopened."


def by_severity(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The rows of ``unpromised`` with all clocks of a severity in one."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        key = row["policy"], row["agreement"], row["severity"]
        found.setdefault(key, []).append(row["clock"])
    return [
        {"policy": policy, "agreement": agreement, "severity": severity, "clocks": ", ".join(names)}
        for (policy, agreement, severity), names in found.items()
    ]
