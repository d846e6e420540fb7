"""Amounts of open time as people write them: durations, business days, and the closing of a day."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil
from typing import Final

from sla_domain.calendar import Calendar
from sla_domain.instant import parse_duration
from sla_domain.target import BusinessDay

_BUSINESS_DAYS: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?) business days?\s*")
#: How an amount is written, for messages.
AMOUNT_FORMS: Final = "'8h', '1h 30m' or '5 business days'"


def business_days(text: str) -> Fraction | None:
    """How many days ``"2.5 business days"`` are; ``None`` of anything else."""
    days = _BUSINESS_DAYS.fullmatch(text)
    return Fraction(days[1]) if days else None


def closing_day(text: str) -> BusinessDay | None:
    """The day whose last closing ``"next business day"`` means; ``None`` of anything else."""
    return next((day for day in BusinessDay if day.value == text.strip()), None)


def length_of(text: str, day: int) -> int:
    """Milliseconds of ``"8h"``, or of ``"5 business days"`` of ``day`` milliseconds each, rounded
    up.

    Raises ``ValueError`` where the text is neither.
    """
    days = business_days(text)
    return parse_duration(text) if days is None else ceil(days * day)


def parse_amount(text: str, calendar: Calendar) -> int:
    """Milliseconds of open time: ``"8h"``, or ``"5 business days"`` by the calendar's ``day``.

    Raises ``ValueError`` where the text is neither, or the calendar says no length of a day.
    """
    if business_days(text) is not None and calendar.day_length is None:
        raise ValueError(
            f"{text!r} needs to know how long a business day is; the calendar {calendar.name!r} "
            'says no day: write it like day = "9h"'
        )
    try:
        return length_of(text, calendar.day_length or 0)
    except ValueError:
        raise ValueError(
            f"{text!r} is not an amount of time; write it like {AMOUNT_FORMS}"
        ) from None
