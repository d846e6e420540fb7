"""Why a tracker ends instead of trying again."""

from __future__ import annotations

from sla_config.errors import UserFacingError
from sla_kafka.admin import TopicMissingError


class FatalError(UserFacingError):
    """Going on would be wrong, and trying again would not help; a person must look.

    The message says what was found and what to do.
    """


class TopicGoneError(FatalError, TopicMissingError):
    """A topic is missing; a tracker that starts waits for it a while, one that runs ends."""


class OpenTransactionError(Exception):
    """A table has an open transaction though the fence has ended all: it can't be read to its end.

    Either somebody newer owns the partition, or the broker lost the end of a transaction.
    """
