"""The tables of a policy file that say when time counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    model_validator,
)

from sla_config.toml_form import ONE, SEVERAL
from sla_domain.calendar import FIRST_YEAR, LAST_YEAR, Calendar, Span
from sla_domain.instant import DAY
from sla_policy.closings import Closings, both_names, shorten
from sla_policy.values import Day, DayLength, Spans, Weekday, Zone


class Section(BaseModel):
    """A table of the policy file: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class HolidaysSection(Section):
    """Days on which a calendar does not open: public holidays, single dates, and files of them."""

    country: str | None = Field(
        None,
        description="Whose public holidays (ISO 3166-1). Whole days; part-day holidays count as "
        "other days do, unless `half_day` says what is open on them.",
        examples=['"AR"'],
    )
    subdivision: str | None = Field(
        None, description="A part of the country, with its holidays (ISO 3166-2).", examples=['"B"']
    )
    categories: list[str] = Field(
        [],
        description="Which of the country's holidays, such as `public` or `bank`. Default: those "
        "that everybody has.",
        examples=['["public", "bank"]'],
    )
    half_day: Spans | None = Field(
        None,
        description="The open spans on holidays of a part of the day.",
        examples=['[["09:00", "13:00"]]'],
    )
    dates: list[Day] = Field(
        [], description="Further days.", examples=['["2026-12-24", "2026-12-31"]']
    )
    ics: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="An iCalendar file, looked for from the folder of the policy. Its all-day "
        "events close their dates, those with times close these; what recurs is expanded. A day "
        "is called as its event, or as the file where an event has no name.",
        examples=['"company.ics"'],
    )
    #: What the file closes, once it has been read.
    _closings: Closings = PrivateAttr(default_factory=Closings)

    def attach(self, closings: Closings) -> None:
        """Take what was read of the file that it names."""
        self._closings = closings

    @property
    def closings(self) -> Closings:
        """What the file that it names closes."""
        return self._closings

    def days(self) -> dict[date, tuple[str, Sequence[Span]]]:
        """Every holiday in the years a calendar answers for: its name, and what is open on it."""
        found: dict[date, tuple[str, Sequence[Span]]] = dict.fromkeys(self.dates, ("", ()))
        for day, name in self._of_country(self.categories).items():
            found[day] = name, ()
        for day, name in self.closings.days.items():
            found[day] = both_names(found.get(day, ("",))[0], name), ()
        if self.half_day is not None:
            for day, name in self._of_country(["half_day"]).items():
                found.setdefault(day, (name, self.half_day))
        return found

    def _of_country(self, categories: Sequence[str]) -> Mapping[date, str]:
        if self.country is None:
            return {}
        import holidays  # noqa: PLC0415  half a second, and most policies name no country

        years = range(FIRST_YEAR, LAST_YEAR + 1)
        found: Mapping[date, str] = holidays.country_holidays(
            self.country, subdiv=self.subdivision, categories=tuple(categories) or None, years=years
        )
        return found


#: Tables of one source or of several, told apart before either is read, so that a mistake is told
#: of the one that is meant.
OneOrSeveral = Annotated[
    Annotated[HolidaysSection, Tag(ONE)] | Annotated[list[HolidaysSection], Tag(SEVERAL)],
    Discriminator(lambda value: SEVERAL if isinstance(value, list) else ONE),
]


class CalendarSection(Section):
    """Which instants count: weekly spans in a zone, less holidays, with overrides by date."""

    zone: Zone | None = Field(
        None,
        description="Time zone (IANA) whose wall clock the hours are read from; of a union that of "
        "its first calendar unless it is given.",
        examples=['"America/Argentina/Buenos_Aires"'],
    )
    day: DayLength | None = Field(
        None,
        description="How long a business day is; needed where a target is in business days.",
        examples=['"9h"'],
    )
    hours: dict[Weekday, Spans] = Field(
        {},
        description="The open spans of each weekday; one not named is closed. A span may end on "
        'the next day (`["22:00", "06:00"]`), and belongs to the day it opens on.',
        examples=['{ mon = [["09:00", "13:00"], ["14:00", "18:00"]], tue = [["09:00", "18:00"]] }'],
    )
    union: list[str] = Field(
        [],
        description="Calendars whose open time counts, too: follow the sun.",
        examples=['["emea", "us", "apj"]'],
    )
    excluded: Annotated[list[str], Field(alias="except")] = Field(
        [],
        description="Calendars in whose open time nothing counts, such as a freeze.",
        examples=['["freeze"]'],
    )
    holidays: OneOrSeveral = Field(
        HolidaysSection(),
        description="Days without hours; a list where they come from several countries or files.",
        examples=['{ country = "AR" }', '[{ country = "AR" }, { ics = "company.ics" }]'],
    )
    overrides: dict[Day, Spans] = Field(
        {},
        description="The open spans of single dates, before weekday and holiday.",
        examples=['{ 2026-12-24 = [["09:00", "13:00"]] }'],
    )

    @model_validator(mode="after")
    def _opens(self) -> Self:
        own = any(self.hours.values()) or any(self.overrides.values())
        if not own and not self.union:
            raise ValueError("the calendar never opens: give at least one day a span")
        return self

    @property
    def holiday_sources(self) -> list[HolidaysSection]:
        """Where its holidays come from; empty tables left out."""
        sources = self.holidays if isinstance(self.holidays, list) else [self.holidays]
        return [each for each in sources if each.model_fields_set]

    @property
    def week_length(self) -> int:
        """Milliseconds of its own hours in a week."""
        return sum(close - opened for spans in self.hours.values() for opened, close in spans)

    @property
    def always_open(self) -> bool:
        """Whether nothing of its own hours is ever closed."""
        closes = any(self.holiday_sources) or self.overrides or self.excluded
        return self.week_length == 7 * DAY and not closes

    def to_domain(self, name: str, known: Mapping[str, Calendar]) -> Calendar:
        """The calendar with its holidays as dates without spans; ``known`` are those it names."""
        dates: dict[date, Sequence[Span]] = {}
        names: dict[date, str] = {}
        for source in self.holiday_sources:
            for day, (holiday, spans) in source.days().items():
                # Closed by one is closed.
                dates[day] = spans if dates.get(day) != () else ()
                names[day] = both_names(names.get(day), holiday)
        week = [self.hours.get(day, []) for day in get_args(Weekday)]
        union = [known[each] for each in self.union]
        zone = self.zone or union[0].zone
        for source in self.holiday_sources:
            shorten(dates, names, week, zone, source.closings.parts)
        dates.update(self.overrides)
        excluded = [known[each] for each in self.excluded]
        return Calendar(name, zone, week, dates, self.day, union, excluded, names)


def to_calendars(sections: Mapping[str, CalendarSection]) -> dict[str, Calendar]:
    """The calendars of a file, which has been checked: those that others name come before them."""
    found: dict[str, Calendar] = {}

    def add(name: str) -> None:
        if name not in found:
            section = sections[name]
            for other in (*section.union, *section.excluded):
                add(other)
            found[name] = section.to_domain(name, found)

    for name in sections:
        add(name)
    return {name: found[name] for name in sections}
