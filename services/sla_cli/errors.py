"""Failures a user can do something about: one sentence on standard error, no stack trace."""

from __future__ import annotations

from typing import Final


class CommandError(Exception):
    """The command can't do what was asked; the message names the input and the remedy."""


class UsageError(CommandError):
    """The command was called wrongly."""


#: Exceptions of other layers whose message is made for users, by module and name so that none of
#: them need be imported to be recognised.
_FOR_USERS: Final = {
    ("sla_schemas.policy_file", "PolicyError"),
    ("sla_kafka.admin", "BrokerError"),
    ("sla_kafka.settings", "ConnectionSettingsError"),
    ("sla_kafka.secrets", "SecretError"),
    ("sla_notifier.routes", "RoutesError"),
    ("sla_intake.sources", "SourcesError"),
    ("sla_kafka.jars", "JarError"),
    ("sla_kafka.embedded", "EmbeddedKafkaError"),
    ("sla_tracker.errors", "FatalError"),
    ("sla_cli.importers.servicenow", "LogError"),
    ("sla_domain.calendar", "CalendarError"),
    ("sla_domain.ticket", "UnknownPolicyError"),
}


def exit_status_of(error: Exception) -> int | None:
    """The exit status for ``error``; ``None`` for one that is a bug."""
    if isinstance(error, UsageError):
        return 2
    if isinstance(error, CommandError | OSError):
        return 1
    return 1 if (type(error).__module__, type(error).__name__) in _FOR_USERS else None
