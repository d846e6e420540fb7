"""The state of an owned partition, as in health and metrics."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The state of an owned partition."""

    FENCING = "fencing"
    RESTORING = "restoring"
    RUNNING = "running"
    FAILED = "failed"
