"""What changes in the calendars of a policy: hours, holidays, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from sla_domain.calendar import Calendar, Span
from sla_domain.instant import to_datetime
from sla_domain.policy import Policy
from sla_lab.change import LOOSER, OTHER, STRICTER, Change, changed
from sla_text.language import Texts
from sla_text.times import length, open_hours


def calendar_changes(
    old: Policy, new: Policy, users: Mapping[str, str], texts: Texts
) -> Iterator[Change]:
    """Every difference of the calendars; ``users`` is whom the promises on each are made to."""
    everyone = texts("diff.everyone")

    def named(*calendars: Calendar) -> str | None:
        return ", ".join(texts.word("calendar", each.name) for each in calendars) or None

    before, after = (named(*policy.calendars.values()) for policy in (old, new))
    if old.calendars.keys() != new.calendars.keys():
        yield Change(texts.word("part", "calendars"), everyone, before, after, OTHER)
    usual = named(old.business_calendar), named(new.business_calendar)
    yield from changed(texts.word("part", "business_calendar"), everyone, *usual)
    for name in sorted(old.calendars.keys() & new.calendars.keys()):
        one, other = old.calendars[name], new.calendars[name]
        what, whom = texts.word("calendar", name), users.get(name, "-")

        def part(key: str, what: str = what) -> str:
            return f"{what}: {texts.word('part', key)}"

        yield from changed(part("zone"), whom, one.zone, other.zone)
        yield from changed(part("day"), whom, _day(one), _day(other))
        yield from changed(part("union"), whom, named(*one.union), named(*other.union))
        yield from changed(part("except"), whom, named(*one.excluded), named(*other.excluded))
        for weekday, (spans, others) in enumerate(zip(one.week, other.week, strict=True)):
            yield from changed(
                f"{what}: {texts.weekdays[weekday]}",
                whom,
                open_hours(spans) or None,
                open_hours(others) or None,
                effect=_effect(spans, others),
            )
        year = to_datetime(new.effective_from).year
        yield from _dates(what, whom, one, other, range(year - 1, year + 3), texts)


def _dates(
    what: str, whom: str, old: Calendar, new: Calendar, near: range, texts: Texts
) -> Iterator[Change]:
    """Holidays and overrides that are other ones or have another name: each of the years ``near``
    the version's beginning; of all others the next one, and how many there are.
    """

    def on(calendar: Calendar, day: date) -> str | None:
        if day not in calendar.dates:
            return open_hours(calendar.week[day.weekday()]) or texts("diff.closed")
        hours = open_hours(calendar.dates[day]) or texts("diff.closed")
        name = calendar.names.get(day)
        return f"{hours} ({name})" if name else hours

    distant = []
    past = date(near.start, 1, 1)
    for day in sorted({*old.dates, *new.dates}, key=lambda day: (day < past, day)):
        before, after = on(old, day), on(new, day)
        if before == after:
            continue
        change = Change(
            f"{what}: {day}", whom, before, after, _effect(_spans_on(old, day), _spans_on(new, day))
        )
        if day.year in near:
            yield change
        else:
            distant.append(change)
    if distant:
        first, *others = distant
        told = texts.counted("diff.and_more", len(others), what=first.what) if others else None
        effects = {each.effect for each in distant}
        yield first._replace(
            what=told or first.what, effect=effects.pop() if len(effects) == 1 else OTHER
        )


def _effect(before: Sequence[Span], after: Sequence[Span]) -> str:
    one, other = (sum(close - opened for opened, close in spans) for spans in (before, after))
    # The more hours count, the sooner a promise is due.
    return OTHER if one == other else STRICTER if other > one else LOOSER


def _day(calendar: Calendar) -> str | None:
    return None if calendar.day_length is None else length(calendar.day_length)


def _spans_on(calendar: Calendar, day: date) -> Sequence[Span]:
    return calendar.dates.get(day, calendar.week[day.weekday()])


def is_made_of(calendar: Calendar, name: str) -> bool:
    """Whether a calendar is the one called so, or made of it."""
    return calendar.name == name or any(
        is_made_of(part, name) for part in (*calendar.union, *calendar.excluded)
    )
