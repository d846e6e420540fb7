"""The content of a notifier's heartbeat, and when it is not ready."""

from __future__ import annotations

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from sla_notifier.notifier import Notifier
from sla_runtime.heartbeat import Condition, Heart
from sla_runtime.worker import App
from sla_schemas.heartbeat import PartitionStanding

_NOTHING_OWNED = "it owns no partition of the alerts"


def condition_of(app: App, notifier: Notifier) -> Condition:
    """Its current state: what it owns, how much of that is delivered or dead-lettered, problems."""
    owned = _owned(app)
    lacks = notifier.closed_ways()
    if notifier.ended is not None:
        lacks.append(notifier.ended)
    if not owned:
        lacks.append(_NOTHING_OWNED)
    return Condition(not lacks, lacks, [_standing(app, notifier, each) for each in sorted(owned)])


def _standing(app: App, notifier: Notifier, partition: TP) -> PartitionStanding:
    read = app.read(partition)
    return PartitionStanding.model_construct(
        topic=partition.topic,
        partition=partition.partition,
        state="running",
        offset=notifier.reached(partition, read),
        unread=notifier.unread(partition, read),
        frontier=None,
        lag_ms=None,
        stalled_ms=0,
    )


def unready(app: App, heart: Heart, notifier: Notifier) -> str | None:
    """Why it can't be relied on; ``None`` if the broker responds, it owns partitions and all of
    its parts are running.
    """
    return heart.silence or notifier.ended or (None if _owned(app) else _NOTHING_OWNED)


def _owned(app: App) -> set[TP]:
    """The partitions owned; none before the worker has started its consumer."""
    try:
        return set(app.consumer.assignment())
    except ConsumerNotStarted:
        return set()
