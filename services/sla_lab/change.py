"""One thing that is not as before between two versions of a policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

STRICTER: Final = "stricter"
LOOSER: Final = "looser"
OTHER: Final = "other"


class Change(NamedTuple):
    """One thing that is not as before. ``effect`` is what it means for the one who promised:
    ``stricter``, ``looser``, or ``other``.
    """

    what: str
    whom: str
    before: str | None
    after: str | None
    effect: str


def changed(
    what: str, whom: str, before: str | None, after: str | None, effect: str = OTHER
) -> Iterator[Change]:
    """The change, if there is one."""
    if before != after:
        yield Change(what, whom, before, after, effect)
