"""Three minutes of ``make chaos``: trackers killed, frozen and scaled, the broker killed, and a
reader that gets every alert once; and live, with tickets delivered a day late.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from chaos.contenders import Trackers
from chaos.faults import Plan
from chaos.live import LiveTrackers
from chaos.run import run

pytestmark = pytest.mark.kafka
PLAN = Plan(seconds=60, kills=8, freezes=2, broker_kills=3, group_restarts=1, scalings=1)


async def test_nothing_is_lost_doubled_reordered_or_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That the broker can't be reached is what is meant to happen.
    monkeypatch.setattr(logging.getLogger("aiokafka"), "disabled", True)
    report = await run(tmp_path, Trackers(), events=40_000, seed=1, plan=PLAN, nodes=1, say=print)
    told = json.dumps(report.as_dict(), indent=2)
    assert report.verdict.flawless, told
    assert report.verdict.expected > 20_000, told
    assert report.faults["kill -9 of a worker"] >= PLAN.kills, told
    assert report.faults["kill -9 of a broker"] == PLAN.broker_kills, told
    assert report.ended_by_themselves == [], told


LIVE = Plan(seconds=30, kills=4, freezes=1, broker_kills=1, group_restarts=0, scalings=0)


async def test_tickets_that_come_a_day_late_alert_nobody_before_they_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("aiokafka"), "disabled", True)
    report = await run(
        tmp_path, LiveTrackers(), events=6_000, seed=1, plan=LIVE, nodes=1, say=print
    )
    told = json.dumps(report.as_dict(), indent=2)
    assert report.verdict.flawless, told
    assert report.verdict.expected > 2_000, told
    assert report.faults["kill -9 of a worker"] >= LIVE.kills, told
