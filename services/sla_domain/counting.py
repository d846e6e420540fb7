"""How many of a thing, in what programs say: in English, where it is no text of ``sla_text``."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """``1 row``, ``2 rows``, ``1,000 rows``; ``thing`` as it is of one. Its plural is regular."""
    plural = "es" if thing.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{number:,} {thing}{'' if number == 1 else plural}"
