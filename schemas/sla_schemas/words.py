"""The words that the program itself understands. Those of a contract (severities, impacts, plans,
services, parties) are the policy's: schemas say only how a word is written.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["incident", "question", "feature_request"]
ReplyKind = Literal["answer", "update"]
CancelReason = Literal["spam", "duplicate", "merged", "deleted"]

Outcome = Literal["running", "paused", "met", "breached", "void", "excused", "not_started"]
TicketState = Literal["early", "open", "waiting", "resolved", "cancelled"]
RetractionReason = Literal[
    "late_event", "severity_changed", "agreement_changed", "reclassified", "cancelled", "excused"
]
NoticeKind = Literal[
    "unclassified",
    "no_agreement",
    "unlisted_channel",
    "severity_questioned",
    "written_record_missing",
    "guard_not_covered",
    "evidence_missing",
    "exception_not_allowed",
]
DeadLetterReason = Literal[
    "not_json",
    "not_cloudevents",
    "unknown_type",
    "invalid_data",
    "naive_time",
    "from_the_future",
    "unclassifiable",
    "too_large",
    "wrong_key",
    "orphan",
    "not_allowed",
    "unknown_word",
]
