"""How many of each source's records can't be used.

A source whose records mostly become dead letters is reported, and nothing more: its records are
dead-lettered one by one, and no other source's records are delayed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

import structlog

#: Number of records that a source's share is computed over, with older ones counting less and less,
#: and the minimum for a share.
WINDOW: Final = 1_000
LEAST: Final = 200
#: Sources that are tracked, the most recent ones: anybody may invent new ones.
MAX_SOURCES: Final = 1_000


log = structlog.get_logger(__name__)


class SourceCount(NamedTuple):
    """Records of a source, and how many of them could not be used."""

    records: int
    refused: int


class SourceWatch:
    """The sources of one partition; ``refused`` are those with more than ``share`` of their records
    unusable.
    """

    def __init__(self, share: float) -> None:
        self.refused: frozenset[str] = frozenset()
        self._share = share
        self._counts: OrderedDict[str, SourceCount] = OrderedDict()

    def observe(self, read: Mapping[str, int], refused: Mapping[str, int], partition: int) -> None:
        """Count what ``partition`` read from each source and could not use, and log each source
        that has just exceeded the share.
        """
        counts = {name: SourceCount(count, refused.get(name, 0)) for name, count in read.items()}
        for source, count in self.count(counts):
            log.warning(
                "most records of a source can't be used",
                partition=partition,
                source=source[:200] or "unknown",
                records=count.records,
                refused=count.refused,
                remedy="see why with 'sla dlq list', fix the publisher, then run 'sla dlq retry'",
            )

    def count(self, counted: Mapping[str, SourceCount]) -> list[tuple[str, SourceCount]]:
        """Add counts; returns the sources that have just become refused."""
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
