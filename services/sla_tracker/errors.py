"""Errors that end a tracker instead of being retried."""

from __future__ import annotations

from sla_config.errors import UserFacingError
from sla_kafka.admin import TopicMissingError


class FatalError(UserFacingError):
    """Continuing would be wrong, and retrying would not help; a person must act.

    The message says what was found and what to do.
    """


class TopicGoneError(FatalError, TopicMissingError):
    """A topic is missing; a starting tracker waits for it for a while, a running one ends."""


class OpenTransactionError(Exception):
    """A table has an open transaction although the fence has ended them all, so it can't be read
    to its end.

    Either a newer owner has the partition, or the broker lost the end of a transaction.
    """
