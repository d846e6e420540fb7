"""What is wrong with the calendars of a policy that is well formed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from sla_config.toml_places import Path
from sla_config.wording import listed, nearest
from sla_domain.instant import DAY
from sla_policy.amount import business_days
from sla_policy.calendar_sections import CalendarSection
from sla_policy.finding import Finding, length
from sla_policy.sections import PolicyFile
from sla_policy.target_sections import TargetSection


def calendar_findings(
    file: PolicyFile, name: str, uses: Sequence[tuple[Path, TargetSection]]
) -> Iterator[Finding]:
    """What is wrong with the calendar ``name``, which the targets of ``uses`` count on."""
    path: Path = ("calendars", name)
    calendar = file.calendars[name]
    outside = any(plan.outside == name for plan in file.plans.values())
    usual = name == (file.business_calendar or next(iter(file.calendars)))
    if not (uses or outside or usual):
        yield Finding(
            path,
            "nothing in the policy uses this calendar; delete it unless a route of the notifier "
            "names it",
            harmless=True,
        )
    if uses and not any(calendar.hours.values()):
        yield Finding(
            (*path, "hours"),
            "no weekday has hours, so after the dates of its overrides the calendar never opens "
            "and nothing on it is ever due; give at least one weekday a span",
        )
    yield from _holidays(path, calendar)
    lengths = {sum(close - opened for opened, close in spans) for spans in calendar.hours.values()}
    in_days = [".".join(map(str, at)) for at, use in uses if business_days(use.within) is not None]
    if in_days and calendar.day is None:
        yield Finding(
            (*path, "day"),
            f"is missing, and {listed(in_days)} count business days; write it like: day = "
            f'"{length(max(lengths, default=DAY) or DAY)}"',
        )
    if in_days and calendar.day is not None and calendar.day not in lengths:
        yield Finding(
            (*path, "day"),
            f"a business day is {length(calendar.day)}, while the calendar is open "
            f"{listed(length(each) for each in sorted(lengths) if each)} a day; is it meant so?",
            harmless=True,
        )


def _holidays(path: Path, calendar: CalendarSection) -> Iterator[Finding]:
    country, subdivision = calendar.holidays.country, calendar.holidays.subdivision
    if country is None and subdivision is None:
        return
    import holidays  # noqa: PLC0415  half a second, and most policies name no country
    from holidays.registry import COUNTRIES  # noqa: PLC0415  see above

    where = (*path, "holidays", "subdivision")
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
        yield Finding(
            (*path, "holidays", "country"), f"the holidays of {country!r} are not known; {like}"
        )
        return
    entity = holidays.country_holidays(country)
    parts = (*entity.subdivisions, *getattr(entity, "subdivisions_aliases", ()))
    if subdivision is not None and subdivision not in parts:
        like = nearest(subdivision, parts) or f"; its parts are {listed(parts)}"
        yield Finding(where, f"{subdivision!r} is no part of {country} with holidays{like}")
        return
    if part_days := _part_days(country, subdivision, calendar.overrides):
        yield Finding(
            (*path, "holidays"),
            f"{listed(part_days)}: a holiday of a part of the day counts as any other day; to "
            f'close it, write its dates, like overrides = {{ 2026-12-24 = [["09:00", "13:00"]] }}',
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
