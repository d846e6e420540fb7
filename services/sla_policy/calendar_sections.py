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
from pydantic.config import JsonDict

from sla_config.toml_form import ONE, SEVERAL
from sla_domain.calendar import FIRST_YEAR, LAST_YEAR, Calendar, Span
from sla_domain.instant import DAY
from sla_policy.closings import Closings, both_names, shorten
from sla_policy.values import Day, DayLength, Hours, Spans, Weekday, Zone


class Section(BaseModel):
    """A table of the policy file: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def header(written: str, kind: str | None = None) -> JsonDict:
    """For the reference: how a table begins in the file, and what is in it if its type does not say
    it well.
    """
    found: JsonDict = {"x-header": written}
    if kind is not None:
        found["x-written"] = kind
    return found


class HolidaysSection(Section):
    """Days on which a calendar stays closed: public holidays, single dates, and files of them. They
    stand in a calendar, as `holidays`.
    """

    country: str | None = Field(
        None,
        description="The country whose public holidays close the calendar, by its code of two "
        "letters (ISO 3166-1). By default no public holiday closes it.",
        examples=['"AR"'],
    )
    subdivision: str | None = Field(
        None,
        description="The part of the country whose own holidays close the calendar, too, by its "
        "code (ISO 3166-2). By default only those of the whole country do.",
        examples=['"B"'],
    )
    categories: list[str] = Field(
        [],
        description="Which kinds of the country's holidays close the calendar, such as `public` "
        "or `bank`. By default it is those that everybody has.",
        examples=['["public", "bank"]'],
    )
    half_day: Spans | None = Field(
        None,
        description="When the calendar is open on holidays of a part of the day, which some "
        "countries have, within its usual hours. By default they count as other days do, and a "
        "warning names them.",
        examples=['[["09:00", "13:00"]]'],
    )
    dates: list[Day] = Field(
        [],
        description="Further dates that close the calendar, such as days of your own. By default "
        "there are none.",
        examples=['["2026-12-24", "2026-12-31"]'],
    )
    ics: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="A calendar file (iCalendar) in the folder of the policy or below it. Its "
        "all-day events close their dates, an event with times closes these, and recurring events "
        "close all their dates. A day is called as its event, or as the file if the event has no "
        "name. By default no file is read.",
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
    """Which hours count: those of each weekday in a time zone, without holidays and exceptions.
    Each calendar begins with a header such as `[calendars.office]`; the name is yours to choose.
    """

    zone: Zone | None = Field(
        None,
        description="The time zone of the hours, by its name in the IANA list. It is needed "
        "unless the calendar has a `union`; then by default it is that of the first calendar of "
        "the union.",
        examples=['"America/Argentina/Buenos_Aires"'],
    )
    day: DayLength | None = Field(
        None,
        description="How long one business day is, mostly the hours of a usual day. It is needed "
        "if a target counts business days; otherwise it changes nothing.",
        examples=['"9h"'],
    )
    hours: Hours = Field(
        {},
        description="The spans of each weekday in which the calendar is open: two spans leave "
        'out a break, and `["00:00", "24:00"]` is the whole day. A span may end on the next day '
        '(`["22:00", "06:00"]`); it belongs to the day on which it opens. By default a weekday is '
        "closed. Neighbouring days with the same spans are written as one, like `mon-fri`; "
        '`"always"` is every day around the clock.',
        examples=[
            '{ mon-fri = [["09:00", "13:00"], ["14:00", "18:00"]], sat = [["09:00", "13:00"]] }',
            '"always"',
        ],
    )
    union: list[str] = Field(
        [],
        description="Other calendars, each with a header of its own: this calendar is open "
        "whenever one of them is. By default only its own hours count.",
        examples=['["emea", "us", "apj"]'],
    )
    excluded: Annotated[list[str], Field(alias="except")] = Field(
        [],
        description="Other calendars, each with a header of its own: while one of them is open, "
        "this calendar is closed. By default nothing is taken out.",
        examples=['["freeze"]'],
    )
    holidays: OneOrSeveral = Field(
        HolidaysSection(),
        description="The days on which the calendar stays closed. A list joins several countries "
        "or files. By default there are none.",
        examples=['{ country = "AR" }', '[{ country = "AR" }, { ics = "company.ics" }]'],
    )
    overrides: dict[Day, Spans] = Field(
        {},
        description="The spans of single dates in which the calendar is open, in place of those "
        "of the weekday and even on a holiday; `[]` closes the date. By default there are none.",
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
        week = [self.hours.get(day, []) for day in get_args(Weekday)]
        for source in self.holiday_sources:
            for day, (holiday, spans) in source.days().items():
                # Closed by one is closed; and a holiday opens nothing.
                usual = week[day.weekday()]
                dates[day] = in_both(spans, usual) if dates.get(day) != () else ()
                names[day] = both_names(names.get(day), holiday)
        union = [known[each] for each in self.union]
        zone = self.zone or union[0].zone
        for source in self.holiday_sources:
            shorten(dates, names, week, zone, source.closings.parts)
        dates.update(self.overrides)
        excluded = [known[each] for each in self.excluded]
        return Calendar(name, zone, week, dates, self.day, union, excluded, names)


def in_both(spans: Sequence[Span], others: Sequence[Span]) -> Sequence[Span]:
    """What lies within spans of both."""
    common = [(max(a, c), min(b, d)) for a, b in spans for c, d in others]
    return tuple([(start, end) for start, end in common if start < end])


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
