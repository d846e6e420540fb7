"""The tables of a policy file that say when time counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sla_domain.calendar import FIRST_YEAR, LAST_YEAR, Calendar, Span
from sla_policy.values import Day, DayLength, Spans, Weekday, Zone


class Section(BaseModel):
    """A table of the policy file: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class HolidaysSection(Section):
    """Days on which a calendar does not open: public holidays, and single dates."""

    country: str | None = Field(
        None,
        description="Whose public holidays (ISO 3166-1). Whole days; part-day holidays count as "
        "other days do, and `overrides` can shorten them.",
        examples=['"AR"'],
    )
    subdivision: str | None = Field(
        None, description="A part of the country, with its holidays (ISO 3166-2).", examples=['"B"']
    )
    dates: list[Day] = Field(
        [], description="Further days.", examples=['["2026-12-24", "2026-12-31"]']
    )

    def days(self) -> Iterator[date]:
        """Every holiday in the years a calendar answers for."""
        yield from self.dates
        if self.country is not None:
            import holidays  # noqa: PLC0415  half a second, and most policies name no country

            yield from holidays.country_holidays(
                self.country, subdiv=self.subdivision, years=range(FIRST_YEAR, LAST_YEAR + 1)
            )


class CalendarSection(Section):
    """Which instants count: weekly spans in a zone, less holidays, with overrides by date."""

    zone: Zone = Field(
        description="Time zone (IANA) whose wall clock the hours are read from.",
        examples=['"America/Argentina/Buenos_Aires"'],
    )
    day: DayLength | None = Field(
        None,
        description="How long a business day is; needed where a target is in business days.",
        examples=['"9h"'],
    )
    hours: dict[Weekday, Spans] = Field(
        description="The open spans of each weekday; one not named is closed.",
        examples=['{ mon = [["09:00", "13:00"], ["14:00", "18:00"]], tue = [["09:00", "18:00"]] }'],
    )
    holidays: HolidaysSection = Field(
        HolidaysSection(), description="Days without hours.", examples=['{ country = "AR" }']
    )
    overrides: dict[Day, Spans] = Field(
        {},
        description="The open spans of single dates, before weekday and holiday.",
        examples=['{ 2026-12-24 = [["09:00", "13:00"]] }'],
    )

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if not any(self.hours.values()) and not any(self.overrides.values()):
            raise ValueError("the calendar never opens: give at least one day a span")
        return self

    def to_domain(self, name: str) -> Calendar:
        """The calendar with its holidays as dates without spans."""
        dates: dict[date, Sequence[Span]] = dict.fromkeys(self.holidays.days(), ())
        dates.update(self.overrides)
        week = [self.hours.get(day, []) for day in get_args(Weekday)]
        return Calendar(name, self.zone, week, dates, self.day)
