"""Amounts of open time as people write them: durations, and business days of a calendar."""

from __future__ import annotations

import re
from typing import Final

from sla_domain.calendar import Calendar
from sla_domain.instant import parse_duration

_BUSINESS_DAYS: Final = re.compile(r"\s*(-?\d+) business days?\s*")


def business_days(text: str) -> int | None:
    """How many days ``"5 business days"`` are; ``None`` of anything else."""
    days = _BUSINESS_DAYS.fullmatch(text)
    return int(days[1]) if days else None


def parse_amount(text: str, calendar: Calendar) -> int:
    """Milliseconds of open time: ``"8h"``, or ``"5 business days"`` by the calendar's ``day``.

    Raises ``ValueError`` where the text is neither, or the calendar says no length of a day.
    """
    days = business_days(text)
    if days is None:
        try:
            return parse_duration(text)
        except ValueError:
            raise ValueError(
                f"{text!r} is not an amount of time; write it like '8h', '1h 30m', 'PT1H30M' or "
                "'5 business days'"
            ) from None
    if calendar.day_length is None:
        raise ValueError(
            f"{text!r} needs to know how long a business day is; the calendar {calendar.name!r} "
            'says no day: write it like day = "9h"'
        )
    return days * calendar.day_length
