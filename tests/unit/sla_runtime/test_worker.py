"""Faust, configured for this project."""

from __future__ import annotations

from collections import defaultdict

from faust.types import TP
from intervaltree import IntervalTree

from sla_runtime.worker import _Consumer


async def test_gaps_of_transactions_are_not_kept() -> None:
    """Faust keeps each until it is committed past, and goes through all of them at the next."""
    consumer = _Consumer.__new__(_Consumer)
    consumer._gap = defaultdict(IntervalTree)
    for number in range(1000):
        await consumer._add_gap(TP("t", 0), 2 * number, 2 * number)
    assert not consumer._gap
