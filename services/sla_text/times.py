"""Instants and lengths of time as people read them, exact to the millisecond."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sla_domain.instant import HOUR, MINUTE, SECOND, to_datetime
from sla_text.language import Texts


def moment(instant: int, zone: ZoneInfo, texts: Texts) -> str:
    """``Mon 2026-11-23 17:42``; seconds and milliseconds only where there are any."""
    local = to_datetime(instant).astimezone(zone)
    return f"{texts.weekdays[local.weekday()]} {local:%Y-%m-%d} {time_of_day(instant, zone)}"


def time_of_day(instant: int, zone: ZoneInfo) -> str:
    """``17:42``, ``17:42:10`` or ``17:42:10.250``."""
    local = to_datetime(instant).astimezone(zone)
    if local.microsecond:
        return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def length(milliseconds: int) -> str:
    """``22 h 21 min``; the same in both languages."""
    sign = "-" if milliseconds < 0 else ""
    left = abs(milliseconds)
    hours, left = divmod(left, HOUR)
    minutes, left = divmod(left, MINUTE)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes else []
    if left or not parts:
        parts.append(f"{left / SECOND:.3f}".rstrip("0").rstrip(".") + " s")
    return sign + " ".join(parts)


def left(remaining: int, texts: Texts) -> str:
    """What is left of a promise, in whole seconds, or by how much it is over."""
    whole = remaining // SECOND * SECOND
    return texts("live.over", length=length(-whole)) if whole < 0 else length(whole)


def percent(part: float) -> str:
    """``98.7 %``; never rounded up to a hundred, which would hide a broken promise."""
    return f"{int(part * 1000) / 10:.1f} %"


def share(fraction: str) -> str:
    """A warning's fraction as a percentage: ``0.75`` is ``75 %``."""
    return f"{float(fraction) * 100:.10g} %"
