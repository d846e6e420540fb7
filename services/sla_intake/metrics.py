"""The intake's metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter

from sla_schemas.words import DeadLetterReason


class IntakeMetrics:
    """Every metric, with the sources' label sets there from the start."""

    def __init__(self, registry: CollectorRegistry, sources: Iterable[str]) -> None:
        self.requests = Counter(
            "sla_intake_requests",
            "Requests by their answer.",
            ["source", "status"],
            registry=registry,
        )
        self.events = Counter(
            "sla_intake_events", "Events that Kafka acknowledged.", ["source"], registry=registry
        )
        self.dead_letters = Counter(
            "sla_intake_dead_letters",
            "Deliveries that no event could be made of.",
            ["source", "reason"],
            registry=registry,
        )
        for source in sources:
            self.requests.labels(source, "202")
            self.events.labels(source)
            for reason in get_args(DeadLetterReason):
                self.dead_letters.labels(source, reason)
