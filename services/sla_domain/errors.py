"""Errors of the domain.

Not compiled: a class compiled by mypyc can have only one base.
"""

from __future__ import annotations

from sla_config.errors import UserFacingError


class CalendarError(UserFacingError, ValueError):
    """The calendar never opens, or the result is outside the supported years."""


class UnknownPolicyError(UserFacingError):
    """A ticket is pinned to a policy version that is not in the policy book."""

    def __init__(self, ticket_id: str, ref: str) -> None:
        super().__init__(
            f"ticket {ticket_id!r} is pinned to the policy {ref}, which is not among the policy "
            "files; add its file, since a new version judges no running ticket anew"
        )
