"""Failures of the command itself, and the exit status of every failure."""

from __future__ import annotations

from sla_domain.errors import UserFacingError


class CommandError(UserFacingError):
    """The command can't do what was asked; the message names the input and the remedy."""


class UsageError(CommandError):
    """The command was called wrongly."""


def exit_status_of(error: Exception) -> int | None:
    """The exit status for ``error``; ``None`` for one that is a bug."""
    if isinstance(error, UsageError):
        return 2
    return 1 if isinstance(error, UserFacingError | OSError) else None
