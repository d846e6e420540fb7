"""Instants and durations as people read them, exact to the millisecond."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from zoneinfo import ZoneInfo

from sla_domain.calendar import Span
from sla_domain.instant import DAY, HOUR, MINUTE, SECOND, to_datetime
from sla_text.language import Texts


def moment(instant: int, zone: ZoneInfo, texts: Texts) -> str:
    """``Mon 2026-11-23 17:42``; seconds and milliseconds only if not zero."""
    local = to_datetime(instant).astimezone(zone)
    return f"{texts.weekdays[local.weekday()]} {local:%Y-%m-%d} {time_of_day(instant, zone, texts)}"


def time_of_day(instant: int, zone: ZoneInfo, texts: Texts) -> str:
    """``17:42``, ``17:42:10`` or ``17:42:10.250``."""
    local = to_datetime(instant).astimezone(zone)
    if local.microsecond:
        return f"{local:%H:%M:}" + texts.figure(f"{local:%S}.{local.microsecond // 1000:03}")
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def length(milliseconds: int, texts: Texts | None = None) -> str:
    """``22 h 21 min``; fractions of a second as ``texts`` writes them, in English without."""
    sign = "-" if milliseconds < 0 else ""
    left = abs(milliseconds)
    hours, left = divmod(left, HOUR)
    minutes, left = divmod(left, MINUTE)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes else []
    if left or not parts:
        seconds = f"{left / SECOND:.3f}".rstrip("0").rstrip(".")
        parts.append((seconds if texts is None else texts.figure(seconds)) + " s")
    return sign + " ".join(parts)


def days_or_length(milliseconds: int, texts: Texts) -> str:
    """``90 days``; ``36 h`` where it is not made of whole days."""
    days, rest = divmod(milliseconds, DAY)
    return length(milliseconds, texts) if rest or not days else texts.counted("length.days", days)


def left(remaining: int, texts: Texts) -> str:
    """The time left until an SLA is due, in whole seconds, or how long it has been overdue."""
    whole = remaining // SECOND * SECOND
    return texts("live.over", length=length(-whole)) if whole < 0 else length(whole)


def percent(part: float, texts: Texts | None = None) -> str:
    """``98.7%``, in Spanish ``98,7 %``; never rounded up to 100, which would hide a breach."""
    return _percent(f"{int(part * 1000) / 10:.1f}", texts)


def percent_of(share: Fraction, texts: Texts | None = None) -> str:
    """A share of a target as a percentage: ``3/4`` is ``75%``, in Spanish ``75 %``."""
    return _percent(f"{float(share) * 100:.10g}", texts)


def _percent(figure: str, texts: Texts | None) -> str:
    if texts is None or texts.language == "en":
        return f"{figure}%"
    return f"{texts.figure(figure)} %"


def open_hours(spans: Sequence[Span]) -> str:
    """Spans of a day, as ``09:00-13:00, 22:00-06:00``; nothing for a closed one."""
    return ", ".join(f"{_time_of_day(opened)}-{_time_of_day(closed)}" for opened, closed in spans)


def _time_of_day(at: int) -> str:
    """A time of day; 24:00 is the end of it, and beyond is the next day."""
    hours, rest = divmod(at - DAY if at > DAY else at, HOUR)
    return f"{hours:02}:{rest // MINUTE:02}"
