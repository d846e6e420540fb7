"""How much of what each source sends can't be used.

A source whose records mostly become dead letters is told of, and that is all: its records are set
aside one by one, and nobody else's wait for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

import structlog

#: Records of a source over which its share is taken, older ones counting ever less, and how many
#: make a share.
WINDOW: Final = 1_000
LEAST: Final = 200
#: Sources that are watched, those heard of last: anybody may invent new ones.
MAX_SOURCES: Final = 1_000


log = structlog.get_logger(__name__)


class SourceCount(NamedTuple):
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
        self._counts: OrderedDict[str, SourceCount] = OrderedDict()

    def observe(self, read: Mapping[str, int], refused: Mapping[str, int], partition: int) -> None:
        """Count in what ``partition`` read of each source and could not use, and tell of a source
        of which most can't be used from now on.
        """
        counts = {name: SourceCount(count, refused.get(name, 0)) for name, count in read.items()}
        for source, count in self.count(counts):
            log.warning(
                "most of what a source sends can't be used",
                partition=partition,
                source=source[:200] or "unknown",
                records=count.records,
                refused=count.refused,
                remedy="look with 'sla dlq list', fix what publishes them, then 'sla dlq retry'",
            )

    def count(self, counted: Mapping[str, SourceCount]) -> list[tuple[str, SourceCount]]:
        """Count records in; answers the sources that are refused from now on."""
        for source, (records, refused) in counted.items():
            known = self._counts.pop(source, SourceCount(0, 0))
            total = SourceCount(known.records + records, known.refused + refused)
            while total.records > WINDOW:
                total = SourceCount(total.records // 2, total.refused // 2)
            self._counts[source] = total
        while len(self._counts) > MAX_SOURCES:
            self._counts.popitem(last=False)
        before = self.refused
        self.refused = frozenset(
            source
            for source, (records, refused) in self._counts.items()
            if records >= LEAST and refused > records * self._share
        )
        return [(source, self._counts[source]) for source in sorted(self.refused - before)]
