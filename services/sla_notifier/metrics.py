"""The notifier's metrics."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class NotifierMetrics:
    """Every metric, with the destinations' label sets there from the start."""

    def __init__(self, registry: CollectorRegistry, destinations: Iterable[str]) -> None:
        label = ["destination"]
        self.delivered = Counter(
            "sla_notifications_delivered",
            "Alerts that a destination took.",
            label,
            registry=registry,
        )
        self.dead_lettered = Counter(
            "sla_notifications_parked",
            "Alerts that a destination did not take.",
            label,
            registry=registry,
        )
        self.skipped = Counter(
            "sla_notifications_skipped",
            "Alerts that were too late for the routes to a destination, and what takes them back.",
            label,
            registry=registry,
        )
        self.failures = Counter(
            "sla_notification_failures",
            "Calls that failed and are repeated.",
            label,
            registry=registry,
        )
        self.breaker = Gauge(
            "sla_notification_breaker_open",
            "Whether calls are held back.",
            label,
            registry=registry,
        )
        self.seconds = Histogram(
            "sla_notification_seconds",
            "Seconds from Kafka to the receiver.",
            label,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
            registry=registry,
        )
        self.unrouted = Counter(
            "sla_notifications_unrouted", "Alerts that no route takes.", registry=registry
        )
        self.unreadable = Counter(
            "sla_notifications_unreadable",
            "Records that are no alerts, dead-lettered.",
            registry=registry,
        )
        self.in_flight = Gauge(
            "sla_notifications_in_flight", "Alerts taken and not yet delivered.", registry=registry
        )
        for name in destinations:
            for metric in (
                self.delivered,
                self.dead_lettered,
                self.skipped,
                self.failures,
                self.breaker,
                self.seconds,
            ):
                metric.labels(name)
