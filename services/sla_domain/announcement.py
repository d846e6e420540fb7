"""Announcements, sent once and never retracted: notices, and approvals to subscribers."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class AnnouncementKind(StrEnum):
    """The kinds of notices, and the approval of a feature."""

    UNCLASSIFIED = "unclassified"
    NO_AGREEMENT = "no_agreement"
    UNLISTED_CHANNEL = "unlisted_channel"
    SEVERITY_QUESTIONED = "severity_questioned"
    WRITTEN_RECORD_MISSING = "written_record_missing"
    GUARD_NOT_COVERED = "guard_not_covered"
    EVIDENCE_MISSING = "evidence_missing"
    EXCEPTION_NOT_ALLOWED = "exception_not_allowed"
    FEATURE_APPROVED = "feature_approved"


class Announcement(NamedTuple):
    """An announcement due at ``at``, caused by the event ``cause``.

    ``about`` is the contact or subscriber concerned, empty for the whole ticket. Each is sent once
    per ticket, kind and ``about``.
    """

    kind: AnnouncementKind
    about: str
    at: int
    cause: str
