"""A registry of metrics; apart from the web, which a tracker does not need to start."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)


def process_registry() -> CollectorRegistry:
    """A registry with what is to be known of any process."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry
