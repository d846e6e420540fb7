"""How far what is shown can be relied on, in a sentence or two: for the page and ``sla top``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sla_domain.instant import SECOND
from sla_text.language import Texts
from sla_text.times import length


@dataclass(frozen=True, slots=True)
class Stand:
    """``freshness`` in a word of the API, and what is told of it. ``partitions`` are those of
    ``all_partitions`` that it is about; ``last`` is when a tracker was heard last, as it is to be
    read, ``stopped`` whether it said that it ends; ``reason`` is in English; ``undelivered`` are
    the alerts that notifiers have not done.
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
    """What keeps the figures from being relied on; ``None`` where nothing does."""
    if stand.freshness == "fresh":
        return None
    if stand.freshness == "no_tracker":
        return _no_tracker(stand, texts)
    if stand.freshness == "unowned":
        return texts.counted("stand.unowned", len(stand.partitions), all=stand.all_partitions)
    name = stand.freshness
    # Without a lag it is being made ready, and how far behind that is, is not known.
    if name == "behind" and stand.behind_ms < SECOND:
        name = "preparing"
    return texts(
        f"stand.{name}",
        count=f"{stand.tickets:,}",
        length=length(stand.behind_ms // SECOND * SECOND),
        reason=stand.reason or "?",
    )


def _no_tracker(stand: Stand, texts: Texts) -> str:
    told = texts("stand.no_tracker")
    if stand.last is None:
        return told
    return f"{told} {texts('stand.stopped' if stand.stopped else 'stand.heard', at=stand.last)}"


def watched(stand: Stand, texts: Texts) -> str | None:
    """That all is well, and by whom: the opposite of a notice."""
    if stand.freshness != "fresh":
        return None
    return texts.counted("stand.watched", stand.trackers)


def undelivered(stand: Stand, texts: Texts) -> str | None:
    """How many alerts wait to be delivered; ``None`` where none is known to."""
    if not stand.undelivered:
        return None
    return texts.counted("stand.undelivered", stand.undelivered)
