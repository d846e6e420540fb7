"""Jira's webhooks (Jira Cloud platform, Webhooks)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sla_domain.instant import format_instant
from sla_intake.draft import (
    Delivery,
    Draft,
    UnusableError,
    at,
    client_of,
    events,
    kind_of,
    needed,
    present,
    severity_of,
    state_of,
    steps,
)

DELIVERY_ID: Final = "x-atlassian-webhook-identifier"
#: Jira writes offsets without a colon.
_TIME: Final = "%Y-%m-%dT%H:%M:%S.%f%z"


def translate(delivery: Delivery) -> list[dict[str, Any]]:
    """The events of a delivery."""
    told = delivery.json
    kind = str(needed(told, "webhookEvent"))
    match kind:
        case "jira:issue_created":
            drafts = _created(delivery)
        case "jira:issue_updated":
            drafts = _updated(delivery)
        case "jira:issue_deleted":
            drafts = [_draft(delivery, "cancelled", reason="deleted")]
        case "comment_created":
            drafts = _commented(delivery)
        case "comment_updated" | "comment_deleted" | "worklog_created" | "worklog_updated":
            return []
        case _:
            raise UnusableError("unknown_type", f"webhookEvent {kind[:80]!r} is not known")
    return list(events(delivery, _id(delivery), drafts))


def _id(delivery: Delivery) -> str:
    """The identifier that stays the same over retries, else what happened to which issue when."""
    if given := delivery.headers.get(DELIVERY_ID):
        return given
    told = delivery.json
    return f"{needed(told, 'issue.id')}-{needed(told, 'timestamp')}-{told['webhookEvent']}"


def _draft(delivery: Delivery, word: str, **data: Any) -> Draft:
    told = delivery.json
    stamp = needed(told, "timestamp")
    if not isinstance(stamp, int):
        raise UnusableError("invalid_data", "timestamp is not milliseconds")
    return Draft(word, str(needed(told, "issue.key")), format_instant(stamp), present(**data))


def _created(delivery: Delivery) -> list[Draft]:
    source, issue = delivery.source, needed(delivery.json, "issue")
    found = [
        _draft(
            delivery,
            "created",
            client_id=client_of(source, issue),
            communicated_at=_time(at(issue, "fields.created")),
            kind=kind_of(source, at(issue, "fields.issuetype.name")),
            requester_id=at(issue, "fields.reporter.accountId"),
            severity=severity_of(source, at(issue, "fields.priority.name")),
        )
    ]
    if analyst := at(issue, "fields.assignee.accountId"):
        found.append(_draft(delivery, "assigned", analyst_id=analyst))
    status = at(issue, "fields.status.name")
    state = "open" if status is None else state_of(source, status)
    return found + [_draft(delivery, each) for each in steps("open", state)]


def _updated(delivery: Delivery) -> list[Draft]:
    found: list[Draft] = []
    for item in at(delivery.json, "changelog.items") or []:
        found += _changed(delivery, item)
    return found


def _changed(delivery: Delivery, item: Any) -> list[Draft]:
    source = delivery.source
    match at(item, "field"):
        case "status":
            before = state_of(source, needed(item, "fromString"))
            now = state_of(source, needed(item, "toString"))
            return [_draft(delivery, each) for each in steps(before, now)]
        case "assignee":
            analyst = at(item, "to")
            return [_draft(delivery, "assigned", analyst_id=analyst)] if analyst else []
        case "priority":
            severity = severity_of(source, at(item, "toString"))
            return [_draft(delivery, "severity_changed", severity=severity)] if severity else []
        case "issuetype":
            kind = kind_of(source, at(item, "toString"))
            return [_draft(delivery, "reclassified", kind=kind)] if kind else []
    return []


def _commented(delivery: Delivery) -> list[Draft]:
    """An answer of who reported the issue ends the wait."""
    author = at(delivery.json, "comment.author.accountId")
    reporter = at(delivery.json, "issue.fields.reporter.accountId")
    if author is None or author != reporter:
        return []
    return [_draft(delivery, "client_responded")]


def _time(text: Any) -> str | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.strptime(text, _TIME)  # noqa: DTZ007  the form has %z
    except ValueError:
        return text
    return moment.astimezone(UTC).isoformat()
