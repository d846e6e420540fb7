"""A tracker's heartbeat: what it owns, how far each partition has got, and what keeps it from its
work.
"""

from __future__ import annotations

from sla_runtime.heartbeat import Condition
from sla_schemas.heartbeat import PartitionStanding
from sla_tracker.settings import TrackerSettings
from sla_tracker.state import State
from sla_tracker.task import PartitionTask
from sla_tracker.tracker import Tracker


def condition_of(tracker: Tracker, settings: TrackerSettings) -> Condition:
    """The current condition of ``tracker``."""
    standings = [
        _standing(task, settings)
        for _, task in sorted(tracker.tasks.items(), key=lambda owned: owned[0].partition)
    ]
    lacks = [lack for standing in standings if (lack := _lack(standing, settings)) is not None]
    return Condition(not lacks, lacks, standings)


def _standing(task: PartitionTask, settings: TrackerSettings) -> PartitionStanding:
    now, frontier = task.broker_time(), task.frontier
    lag = None
    if now is not None and frontier is not None and not settings.replay:
        lag = max(0, now - frontier - settings.grace_ms)
    return PartitionStanding.model_construct(
        topic=task.topic_partition.topic,
        partition=task.topic_partition.partition,
        state=task.progress.state.value,
        offset=task.reached,
        unread=task.unread(),
        frontier=frontier,
        lag_ms=lag,
        stalled_ms=int(task.progress.stalled() * 1000),
    )


def _lack(standing: PartitionStanding, settings: TrackerSettings) -> str | None:
    if standing.stalled_ms > settings.stalled_seconds * 1000:
        seconds = standing.stalled_ms // 1000
        return f"partition {standing.partition} has made no progress for {seconds} s"
    if standing.state == State.FAILED:
        return f"partition {standing.partition} has failed and is being restarted"
    return None
