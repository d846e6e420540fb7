"""The intake's metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter

from sla_intake.draft import Ignored
from sla_intake.reading import Reading
from sla_schemas.words import DeadLetterReason


class IntakeMetrics:
    """Every metric, with the sources' label sets there from the start."""

    def __init__(self, registry: CollectorRegistry, sources: Iterable[str]) -> None:
        self.requests = Counter(
            "sla_intake_requests",
            "Requests by the status of the answer.",
            ["source", "status"],
            registry=registry,
        )
        self.events = Counter(
            "sla_intake_events", "Events that Kafka acknowledged.", ["source"], registry=registry
        )
        self.dead_letters = Counter(
            "sla_intake_dead_letters",
            "Deliveries that could not be understood, completely or in part.",
            ["source", "reason"],
            registry=registry,
        )
        self.ignored = Counter(
            "sla_intake_ignored",
            "Deliveries that do not affect a promise.",
            ["source", "reason"],
            registry=registry,
        )
        self.given_up = Counter(
            "sla_intake_given_up",
            "Connections without a verified delivery that were closed to make room for others.",
            registry=registry,
        )
        for source in sources:
            self.requests.labels(source, "202")
            self.events.labels(source)
            for reason in get_args(DeadLetterReason):
                self.dead_letters.labels(source, reason)
            for why in get_args(Ignored):
                self.ignored.labels(source, why)

    def tell(self, source: str, reading: Reading) -> None:
        """What a delivery of a source came to, once Kafka has it."""
        self.events.labels(source).inc(len(reading.events))
        for letter in reading.letters:
            self.dead_letters.labels(source, letter.reason).inc()
        for why in reading.ignored:
            self.ignored.labels(source, why).inc()
