"""Fifteen seconds of ``make attacked``: all four programs, attacked from all sides at once."""

from __future__ import annotations

import json

import pytest
from attacked.run import run

pytestmark = pytest.mark.kafka


async def test_nothing_of_the_neighbours_is_lost_or_doubled_while_all_attack() -> None:
    told: list[str] = []
    report = await run(15, told.append, alone=0)
    seen = report["attacked"]
    lost = {name: seen[name] for name in ("lost", "not brought", "doubled", "failed looks")}
    assert not any(lost.values()), json.dumps(report, indent=2)
    assert seen["tickets"] == 300
