"""What is wrong with the calendars of a policy that is well formed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, get_args

from sla_config.toml_places import Path
from sla_config.wording import listed, nearest
from sla_domain.instant import DAY, HOUR
from sla_policy.amount import business_days
from sla_policy.calendar_sections import CalendarSection, HolidaysSection
from sla_policy.finding import Finding, length
from sla_policy.sections import PolicyFile
from sla_policy.target_check import known_calendar
from sla_policy.target_sections import TargetSection
from sla_policy.values import Weekday

#: What opens on one day and closes on the next is mostly shorter.
_LONGEST_NIGHT: Final = 16 * HOUR


def calendar_findings(
    file: PolicyFile, name: str, uses: Sequence[tuple[Path, TargetSection]], *, asked: bool
) -> Iterator[Finding]:
    """What is wrong with the calendar ``name``, which the targets of ``uses`` count on; ``asked``
    if some target asks whether it is open.
    """
    path: Path = ("calendars", name)
    calendar = file.calendars[name]
    outside = any(plan.outside == name for plan in file.plans.values())
    usual = name == (file.business_calendar or next(iter(file.calendars)))
    part = any(name in (*each.union, *each.excluded) for each in file.calendars.values())
    if not (uses or asked or outside or usual or part):
        yield Finding(
            path,
            "nothing in the policy uses this calendar; delete it unless a route of the notifier "
            "names it",
            harmless=True,
        )
    if calendar.zone is None and not calendar.union:
        yield Finding(
            (*path, "zone"),
            'is missing; write it like: zone = "America/Argentina/Buenos_Aires"',
            near=path,
        )
    yield from _composed(file, path, name, calendar)
    yield from _nights(path, calendar)
    if uses and not any(calendar.hours.values()) and not calendar.union:
        yield Finding(
            (*path, "hours"),
            "no weekday has hours, so after the dates of its overrides the calendar never opens "
            "and nothing on it is ever due; give at least one weekday a span",
        )
    if calendar.holiday_sources and not any(calendar.hours.values()):
        yield Finding(
            (*path, "holidays"),
            "the calendar has no hours of its own on any weekday, so its holidays close nothing; "
            "write them at the calendars whose hours they close",
            harmless=True,
        )
    for place, source in enumerate(calendar.holiday_sources):
        several = isinstance(calendar.holidays, list)
        where = (*path, "holidays", place) if several else (*path, "holidays")
        yield from holiday_findings(where, source, calendar.overrides)
    lengths = {sum(close - opened for opened, close in spans) for spans in calendar.hours.values()}
    in_days = [
        ".".join(map(str, at))
        for at, use in uses
        if any(business_days(amount) is not None for amount in use.amounts_on(name))
    ]
    if in_days and calendar.day is None:
        yield Finding(
            (*path, "day"),
            f"is missing, and {listed(in_days)} count business days; write it like: day = "
            f'"{length(max(lengths, default=DAY) or DAY)}"',
        )
    if in_days and lengths and calendar.day is not None and calendar.day not in lengths:
        yield Finding(
            (*path, "day"),
            f"a business day is {length(calendar.day)}, while the calendar is open "
            f"{listed(length(each) for each in sorted(lengths) if each)} a day; is it meant so?",
            harmless=True,
        )


def _composed(
    file: PolicyFile, path: Path, name: str, calendar: CalendarSection
) -> Iterator[Finding]:
    """Calendars that a calendar is made of and that can't be meant."""
    for key, others in (("union", calendar.union), ("except", calendar.excluded)):
        for place, other in enumerate(others):
            yield from known_calendar(file, (*path, key, place), other)
            if name in made_of(file, other):
                yield Finding(
                    (*path, key, place), f"{other!r} is made of {name!r} itself; take one out"
                )


def made_of(file: PolicyFile, name: str) -> set[str]:
    """A calendar and all that it is made of."""
    found: set[str] = set()
    left = [name]
    while left:
        each = left.pop()
        if each not in found and each in file.calendars:
            found.add(each)
            left += [*file.calendars[each].union, *file.calendars[each].excluded]
    return found


def _nights(path: Path, calendar: CalendarSection) -> Iterator[Finding]:
    """A span that reaches into the hours of the next day."""
    days = get_args(Weekday)
    for day, spans in calendar.hours.items():
        for opened, closed in spans:
            if closed > DAY and closed - opened > _LONGEST_NIGHT:
                yield Finding(
                    (*path, "hours", day),
                    f"a span lasts {length(closed - opened)}, until the next day; if it is written "
                    "backwards, turn it round",
                    harmless=True,
                )
    for place, day in enumerate(days):
        following = days[(place + 1) % len(days)]
        spans, morning = calendar.hours.get(day, []), calendar.hours.get(following, [])
        if spans and morning and spans[-1][1] - DAY > morning[0][0]:
            yield Finding(
                (*path, "hours", day), f"its last span reaches into those of {following}; join them"
            )


def holiday_findings(
    path: Path, source: HolidaysSection, overrides: Iterable[date]
) -> Iterator[Finding]:
    """What is wrong with a source of holidays; ``overrides`` are the dates that have own hours."""
    country, subdivision = source.country, source.subdivision
    if country is None and subdivision is None:
        return
    import holidays  # noqa: PLC0415  half a second, and most policies name no country
    from holidays.registry import COUNTRIES  # noqa: PLC0415  see above

    where = (*path, "subdivision")
    if country is None:
        known = holidays.list_supported_countries(include_aliases=False)
        owners = [f'country = "{code}"' for code, parts in known.items() if subdivision in parts]
        yield Finding(
            where,
            f"{subdivision!r} is a part of no country here, so no holiday is known; add "
            f"{' or '.join(owners[:3]) or 'its country'}",
        )
        return
    # By the names the library takes: its own for the country, and the codes of ISO 3166.
    codes = {name: entity[1] for entity in COUNTRIES.values() for name in entity}
    if country not in codes:
        meant = {name.lower(): code for name, code in codes.items()}.get(country.lower())
        like = f'write "{meant}"' if meant else 'countries are written as in ISO 3166, like "MX"'
        yield Finding((*path, "country"), f"the holidays of {country!r} are not known; {like}")
        return
    entity = holidays.country_holidays(country)
    parts = (*entity.subdivisions, *getattr(entity, "subdivisions_aliases", ()))
    if subdivision is not None and subdivision not in parts:
        told = f"its parts are {listed(parts)}" if parts else "none is known of it; delete it"
        like = nearest(subdivision, parts) or f"; {told}"
        yield Finding(where, f"{subdivision!r} is no part of {country} with holidays{like}")
        return
    supported = entity.supported_categories
    for place, category in enumerate(source.categories):
        if category not in supported:
            like = nearest(category, supported) or f"; they are {listed(supported)}"
            yield Finding(
                (*path, "categories", place),
                f"{country} has no holidays of the category {category!r}{like}",
            )
    if source.half_day is not None:
        if "half_day" not in supported:
            yield Finding(
                (*path, "half_day"), f"no holiday of a part of the day is known of {country}"
            )
    elif part_days := _part_days(country, subdivision, overrides):
        yield Finding(
            path,
            f"{listed(part_days)}: a holiday of a part of the day counts as any other day; to "
            'close it, write half_day = [["09:00", "13:00"]], or its dates, like overrides = '
            '{ 2026-12-24 = [["09:00", "13:00"]] }',
            harmless=True,
        )


def _part_days(country: str, subdivision: str | None, overrides: Iterable[date]) -> list[str]:
    """The names of part-day holidays, unless some override shows that they were thought of."""
    import holidays  # noqa: PLC0415  see above

    if "half_day" not in holidays.country_holidays(country).supported_categories:
        return []
    # A span of years in which every rule of the library shows.
    found = holidays.country_holidays(
        country, subdiv=subdivision, categories=("half_day",), years=range(2020, 2031)
    )
    thought_of = {(day.month, day.day) for day in overrides}
    return sorted({name for day, name in found.items() if (day.month, day.day) not in thought_of})
