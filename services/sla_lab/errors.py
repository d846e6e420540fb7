"""Failures of what was asked for."""

from __future__ import annotations

from sla_config.errors import UserFacingError


class CommandError(UserFacingError):
    """The command can't do what was asked; the message names the input and the remedy."""


class UsageError(CommandError):
    """The command was called wrongly."""
