"""What is wrong with calendars that are made of others: that they open too seldom, or never."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sla_domain.instant import DAY
from sla_policy.amount import closing_day, length_of
from sla_policy.calendar_check import made_of
from sla_policy.calendar_sections import to_calendars
from sla_policy.finding import Finding
from sla_policy.sections import PolicyFile
from sla_policy.target_check import LONGEST_YEARS, all_targets, too_long

#: Beyond the dates that a policy names, but holidays of countries are still known: the hours of a
#: year as they go on.
_ANY_YEAR: Final = 2099


def composed_findings(file: PolicyFile) -> Iterator[Finding]:
    """Nothing where their parts are wrong, which is told already."""
    sections = file.calendars
    parts = {name: [*each.union, *each.excluded] for name, each in sections.items()}
    composed = [name for name, others in parts.items() if others]
    if not composed or any(
        other not in sections or name in made_of(file, other)
        for name, others in parts.items()
        for other in others
    ):
        return
    calendars = to_calendars(sections)
    for name in composed:
        year = sum(closed - opened for opened, closed in calendars[name].year(_ANY_YEAR))
        if not year:
            yield Finding(
                ("calendars", name),
                "what it is made of leaves nothing open, so nothing on it is ever due; take out an "
                "exception or add hours",
            )
            continue
        for path, target in all_targets(file):
            for amount in target.amounts_on(name):
                if closing_day(amount) is None:
                    within = length_of(amount, sections[name].day or DAY)
                    if within > LONGEST_YEARS * year:
                        yield too_long(path, amount, name)
