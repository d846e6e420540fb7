"""Why a tracker ends instead of trying again."""

from __future__ import annotations

from sla_domain.errors import UserFacingError


class FatalError(UserFacingError):
    """Going on would be wrong, and trying again would not help; a person must look.

    The message says what was found and what to do.
    """


class TopicMissingError(FatalError):
    """A topic is missing, or not for this user to see."""


class OpenTransactionError(Exception):
    """A table has an open transaction though the fence has ended all: it can't be read to its end.

    Either somebody newer owns the partition, or the broker lost the end of a transaction.
    """
