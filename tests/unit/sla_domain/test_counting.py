"""Counts with a noun."""

from __future__ import annotations

import pytest

from sla_domain.counting import counted


@pytest.mark.parametrize(
    ("number", "thing", "words"),
    [(1, "row", "1 row"), (0, "row", "0 rows"), (1000, "row", "1,000 rows"), (2, "box", "2 boxes")],
)
def test_one_is_one_and_more_are_many(number: int, thing: str, words: str) -> None:
    assert counted(number, thing) == words
