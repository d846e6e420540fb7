"""How much of what each source sends can't be used.

A source whose records mostly become dead letters is told of, and that is all: its records are set
aside one by one, and nobody else's wait for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

#: Records of a source over which its share is taken, older ones counting ever less, and how many
#: make a share.
WINDOW: Final = 1_000
LEAST: Final = 200
#: Sources that are watched, those heard of last: anybody may invent new ones.
MAX_SOURCES: Final = 1_000


class Heard(NamedTuple):
    """Records of a source, and how many of them could not be used."""

    records: int
    refused: int


class SourceWatch:
    """The sources of one partition; ``refused`` are those of which more than ``share`` can't be
    used.
    """

    def __init__(self, share: float) -> None:
        self.refused: frozenset[str] = frozenset()
        self._share = share
        self._heard: OrderedDict[str, Heard] = OrderedDict()

    def heard(self, counted: Mapping[str, Heard]) -> list[tuple[str, Heard]]:
        """Count records in; answers the sources that are refused from now on."""
        for source, (records, refused) in counted.items():
            known = self._heard.pop(source, Heard(0, 0))
            total = Heard(known.records + records, known.refused + refused)
            while total.records > WINDOW:
                total = Heard(total.records // 2, total.refused // 2)
            self._heard[source] = total
        while len(self._heard) > MAX_SOURCES:
            self._heard.popitem(last=False)
        before = self.refused
        self.refused = frozenset(
            source
            for source, (records, refused) in self._heard.items()
            if records >= LEAST and refused > records * self._share
        )
        return [(source, self._heard[source]) for source in sorted(self.refused - before)]
