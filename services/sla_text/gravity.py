"""How grave a severity looks, by its rank among those of its contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Tone = Literal["gravest", "grave", "middling", "slight"]


def tone(severity: str | None, severities: Sequence[str]) -> Tone:
    """The tone of ``severity`` among ``severities``, the gravest first: of four, one each."""
    if severity not in severities:
        return "slight"
    rank, last = severities.index(severity), len(severities) - 1
    if rank == 0:
        return "gravest"
    if rank == last:
        return "slight"
    return "grave" if 2 * rank < last else "middling"
