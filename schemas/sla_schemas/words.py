"""The vocabulary of the contract: the values that fields may take."""

from __future__ import annotations

from typing import Final, Literal

Severity = Literal["blocker", "high", "medium", "low"]
Kind = Literal["incident", "question", "feature_request"]
Impact = Literal["total_outage", "partial_outage", "minor_fault", "question"]
Scope = Literal["all_clients", "several_clients", "one_client"]
Affected = Literal[
    "agentbot", "messaging_api", "live", "help", "voice", "myaivo", "integration", "other"
]
Plan = Literal["standard", "integrations_24x7"]
BuiltBy = Literal["aivo", "selfservice", "third_party"]
Party = Literal["client", "client_third_party"]
Holder = Literal["vendor", "client", "client_third_party"]
Origin = Literal["vendor", "client", "third_party"]
Medium = Literal["email", "ticket", "phone", "meet", "skype"]
CancelReason = Literal["spam", "duplicate", "merged", "deleted"]

Outcome = Literal["running", "paused", "met", "breached", "void"]
TicketState = Literal["early", "open", "waiting", "resolved", "cancelled"]
RetractionReason = Literal["late_event", "severity_changed", "reclassified", "cancelled"]
NoticeKind = Literal[
    "unclassified",
    "unlisted_channel",
    "severity_questioned",
    "written_record_missing",
    "guard_not_covered",
    "evidence_missing",
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
]

#: The source document's names for the severities; accepted on input in addition to our own.
SEVERITY_NAMES: Final[dict[str, str]] = {
    "Blocker": "blocker",
    "Alto": "high",
    "Medio": "medium",
    "Bajo": "low",
}
