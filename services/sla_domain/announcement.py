"""What is said once about a ticket and never taken back: notices, and approvals to subscribers."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class AnnouncementKind(StrEnum):
    """The kinds of notices by their words in the contract, and the approval."""

    UNCLASSIFIED = "unclassified"
    NO_AGREEMENT = "no_agreement"
    UNLISTED_CHANNEL = "unlisted_channel"
    SEVERITY_QUESTIONED = "severity_questioned"
    WRITTEN_RECORD_MISSING = "written_record_missing"
    GUARD_NOT_COVERED = "guard_not_covered"
    EVIDENCE_MISSING = "evidence_missing"
    FEATURE_APPROVED = "feature_approved"


class Announcement(NamedTuple):
    """Something to say at ``at`` on account of the event ``cause``.

    ``about`` is the contact or the subscriber it concerns, empty for the ticket as a whole: it is
    said once per ticket, kind and ``about``.
    """

    kind: AnnouncementKind
    about: str
    at: int
    cause: str
