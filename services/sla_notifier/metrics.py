"""The notifier's metrics."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class NotifierMetrics:
    """Every metric, with the label sets of all destinations present from the start."""

    def __init__(self, registry: CollectorRegistry, destinations: Iterable[str]) -> None:
        label = ["destination"]
        self.delivered = Counter(
            "sla_notifications_delivered",
            "Alerts delivered to a destination.",
            label,
            registry=registry,
        )
        self.dead_lettered = Counter(
            "sla_notifications_parked",
            "Alerts dead-lettered because a destination did not accept them.",
            label,
            registry=registry,
        )
        self.skipped = Counter(
            "sla_notifications_skipped",
            "Alerts not sent because they were too late for the routes, and their retractions.",
            label,
            registry=registry,
        )
        self.failures = Counter(
            "sla_notification_failures",
            "Calls that failed and are retried.",
            label,
            registry=registry,
        )
        self.breaker = Gauge(
            "sla_notification_breaker_open",
            "Whether calls are held back (1) or not (0).",
            label,
            registry=registry,
        )
        self.seconds = Histogram(
            "sla_notification_seconds",
            "Seconds from reading an alert to its delivery.",
            label,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
            registry=registry,
        )
        self.unrouted = Counter(
            "sla_notifications_unrouted", "Alerts that match no route.", registry=registry
        )
        self.unreadable = Counter(
            "sla_notifications_unreadable",
            "Records that are not alerts; they are dead-lettered.",
            registry=registry,
        )
        self.in_flight = Gauge(
            "sla_notifications_in_flight", "Alerts read and not yet delivered.", registry=registry
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
