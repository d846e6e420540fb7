"""A registry of metrics; separate from the web modules, which the tracker need not import."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)


def process_registry() -> CollectorRegistry:
    """A registry with the standard metrics of a process."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry
