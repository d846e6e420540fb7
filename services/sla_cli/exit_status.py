"""The exit status of every failure."""

from __future__ import annotations

from sla_config.errors import UserFacingError
from sla_lab.errors import UsageError


def exit_status_of(error: Exception) -> int | None:
    """The exit status for ``error``; ``None`` for one that is a bug."""
    if isinstance(error, UsageError):
        return 2
    return 1 if isinstance(error, UserFacingError | OSError) else None
