"""Where an owned partition is in its life: what health and metrics tell of it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an owned partition is in its life."""

    FENCING = "fencing"
    RESTORING = "restoring"
    RUNNING = "running"
    FAILED = "failed"
