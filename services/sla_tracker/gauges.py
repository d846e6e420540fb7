"""The tracker's gauges, computed at each scrape from the partitions it owns."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from aiokafka import TopicPartition
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sla_domain.clock import Outcome
from sla_domain.status import Status
from sla_engine.census import NO_SEVERITY
from sla_engine.partition import Partition
from sla_tracker.guards import Progress
from sla_tracker.sources import SourceWatch
from sla_tracker.state import State


class OwnedPartition(Protocol):
    """What the gauges read of a partition's task."""

    @property
    def partition(self) -> Partition | None: ...
    @property
    def progress(self) -> Progress: ...
    @property
    def sources(self) -> SourceWatch: ...
    @property
    def frontier(self) -> int | None: ...
    @property
    def next_deadline(self) -> int | None: ...
    def broker_time(self) -> int | None: ...


class Owner(Protocol):
    """What the gauges read of a tracker."""

    @property
    def tasks(self) -> Mapping[TopicPartition, OwnedPartition]: ...
    def input_partitions(self) -> int: ...


def _behind(known: Iterable[tuple[int, OwnedPartition]]) -> float:
    """How many seconds the earliest instant is behind its partition's broker time, or if that is
    not known, behind this machine's time.
    """
    behind = [(task.broker_time() or time.time() * 1000) - at for at, task in known]
    return max([0.0, *behind]) / 1000


class Gauges(Collector):
    """Gauges of a tracker's owned partitions, computed at each scrape.

    They are collected in the thread that serves HTTP, so this only reads.
    """

    def __init__(self, tracker: Owner, severities: Sequence[str]) -> None:
        self._tracker = tracker
        self._severities = severities

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names are known, and describing must not compute the values."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The gauges as of now."""
        tasks = list(self._tracker.tasks.values())
        owned = [task.partition for task in tasks if task.partition is not None]
        states = Tally(task.progress.state.value for task in tasks)
        partitions = GaugeMetricFamily("sla_partitions", "Owned partitions.", labels=["state"])
        for state in State:
            partitions.add_metric([state.value], states[state.value])
        yield partitions
        yield GaugeMetricFamily(
            "sla_input_partitions",
            "Partitions of the input topic; the trackers together must own all of them.",
            value=self._tracker.input_partitions(),
        )

        tickets: Tally[tuple[str, str]] = Tally()
        clocks: Tally[tuple[str, str, str]] = Tally()
        for partition in owned:
            # Copied in one step: the event loop may be adding a key at the same time.
            tickets.update(dict(partition.census.tickets))
            clocks.update(dict(partition.census.clocks))
        severities = [*self._severities, NO_SEVERITY]
        family = GaugeMetricFamily(
            "sla_tickets", "Tickets in the table.", labels=["state", "severity"]
        )
        for status in Status:
            for severity in severities:
                family.add_metric([status.value, severity], tickets[status.value, severity])
        yield family
        family = GaugeMetricFamily(
            "sla_clocks",
            "Clocks of the tickets in the table.",
            labels=["clock", "outcome", "severity"],
        )
        names = sorted({name for name, _, _ in clocks})
        for name in names:
            for outcome in Outcome:
                for severity in self._severities:
                    value = clocks[name, outcome.value, severity]
                    family.add_metric([name, outcome.value, severity], value)
        yield family

        refused = frozenset().union(*(task.sources.refused for task in tasks))
        yield GaugeMetricFamily(
            "sla_refused_sources",
            "Sources most of whose records can't be used.",
            value=len(refused),
        )
        deadlines = [(at, task) for task in tasks if (at := task.next_deadline) is not None]
        frontiers = [(at, task) for task in tasks if (at := task.frontier) is not None]
        latest = [
            partition.latest_event for partition in owned if partition.latest_event is not None
        ]
        yield GaugeMetricFamily(
            "sla_next_deadline_timestamp_seconds",
            "The earliest deadline; 0 if there is none.",
            value=min((at for at, _ in deadlines), default=0) / 1000,
        )
        yield GaugeMetricFamily(
            "sla_timer_lag_seconds",
            "How long the earliest deadline has been overdue by the broker's time, including the "
            "grace.",
            value=_behind(deadlines),
        )
        yield GaugeMetricFamily(
            "sla_event_time_lag_seconds",
            "How far the slowest partition's frontier is behind the broker's time.",
            value=_behind(frontiers),
        )
        yield GaugeMetricFamily(
            "sla_stalled_seconds",
            "How long the partition that is stalled the longest has neither committed anything nor "
            "reached the end of its input.",
            value=max((task.progress.stalled() for task in tasks), default=0),
        )
        yield GaugeMetricFamily(
            "sla_latest_event_timestamp_seconds",
            "When the newest event that was read occurred; 0 before the first.",
            value=max(latest, default=0) / 1000,
        )
