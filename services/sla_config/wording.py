"""Parts of sentences about mistakes in files that people write."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def listed(words: Iterable[object]) -> str:
    """``a, b, c``, or ``none`` if there are none."""
    return ", ".join(map(str, words)) or "none"


def nearest(word: object, known: Iterable[object]) -> str:
    """``; did you mean 'x'?`` if one of ``known`` is similar to ``word``, else nothing."""
    by_lower = {str(each).lower(): str(each) for each in known}
    found = get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""
