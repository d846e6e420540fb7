"""How reliable the figures shown are, in a sentence or two: for the page and ``sla top``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sla_domain.instant import SECOND
from sla_text.language import Texts
from sla_text.times import length


@dataclass(frozen=True, slots=True)
class Stand:
    """``freshness`` as the API names it, and its details. ``partitions`` are the affected ones of
    ``all_partitions``; ``last`` is when a tracker was last heard from, ready to be shown, and
    ``stopped`` whether it announced its end; ``reason`` is in English; ``undelivered`` counts the
    alerts that the notifiers have not finished.
    """

    freshness: str
    tickets: int = 0
    trackers: int = 0
    partitions: Sequence[int] = ()
    all_partitions: int = 0
    behind_ms: int = 0
    last: str | None = None
    stopped: bool = False
    reason: str | None = None
    undelivered: int | None = None


def notice(stand: Stand, texts: Texts) -> str | None:
    """Why the figures can't be relied on; ``None`` if they can."""
    if stand.freshness == "fresh":
        return None
    if stand.freshness == "no_tracker":
        return _no_tracker(stand, texts)
    if stand.freshness == "unowned":
        return texts.counted("stand.unowned", len(stand.partitions), all=stand.all_partitions)
    name = stand.freshness
    # Without a lag it is still loading, and how far behind it is can't be known.
    if name == "behind" and stand.behind_ms < SECOND:
        name = "preparing"
    return texts(
        f"stand.{name}",
        count=texts.figure(f"{stand.tickets:,}"),
        length=length(stand.behind_ms // SECOND * SECOND, texts),
        reason=stand.reason or "?",
    )


def _no_tracker(stand: Stand, texts: Texts) -> str:
    told = texts("stand.no_tracker")
    if stand.last is None:
        return told
    return f"{told} {texts('stand.stopped' if stand.stopped else 'stand.heard', at=stand.last)}"


def watched(stand: Stand, texts: Texts) -> str | None:
    """How many trackers are running, if all is well: the opposite of a notice."""
    if stand.freshness != "fresh":
        return None
    return texts.counted("stand.watched", stand.trackers)


def undelivered(stand: Stand, texts: Texts) -> str | None:
    """How many alerts are waiting to be delivered; ``None`` if none is known to be."""
    if not stand.undelivered:
        return None
    return texts.counted("stand.undelivered", stand.undelivered)
