"""Counts with a noun, for English messages that are not in ``sla_text``."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """``1 row``, ``2 rows``, ``1,000 rows``; ``thing`` is a singular with a regular plural."""
    plural = "es" if thing.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{number:,} {thing}{'' if number == 1 else plural}"
