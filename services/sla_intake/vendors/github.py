"""GitHub's webhooks of issues and their comments (Webhook events and payloads)."""

from __future__ import annotations

from typing import Any, Final

from sla_intake.draft import (
    Delivery,
    Draft,
    UnusableError,
    at,
    client_of,
    events,
    needed,
    present,
    severity_of,
    state_of,
    steps,
)

EVENT: Final = "x-github-event"
DELIVERY_ID: Final = "x-github-delivery"
#: What happens to issues that says nothing about a promise.
_IGNORED: Final = frozenset(
    {
        "edited",
        "pinned",
        "unpinned",
        "locked",
        "unlocked",
        "milestoned",
        "demilestoned",
        "unassigned",
    }
)


def translate(delivery: Delivery) -> list[dict[str, Any]]:
    """The events of a delivery."""
    event = delivery.headers.get(EVENT, "")
    id_ = delivery.headers.get(DELIVERY_ID)
    if event == "ping":
        return []
    if id_ is None:
        raise UnusableError("invalid_data", f"there is no header {DELIVERY_ID}")
    match event:
        case "issues":
            drafts = _issue(delivery)
        case "issue_comment":
            drafts = _comment(delivery)
        case _:
            raise UnusableError("unknown_type", f"event {event[:80]!r} is not known")
    return list(events(delivery, id_, drafts))


def _draft(delivery: Delivery, word: str, time: Any, **data: Any) -> Draft:
    told = delivery.json
    ticket = f"{needed(told, 'repository.full_name')}#{needed(told, 'issue.number')}"
    return Draft(word, ticket, str(time), present(**data))


def _issue(delivery: Delivery) -> list[Draft]:
    told, source = delivery.json, delivery.source
    action, issue = str(needed(told, "action")), needed(told, "issue")
    changed = needed(issue, "updated_at")

    def draft(word: str, **data: Any) -> Draft:
        return _draft(delivery, word, changed, **data)

    match action:
        case "opened":
            return _opened(delivery, issue)
        case "assigned":
            return [draft("assigned", analyst_id=needed(told, "assignee.login"))]
        case "labeled":
            return _labelled(delivery, draft)
        case "unlabeled":
            state = source.mapping.states.get(_label(told))
            return [draft("client_responded")] if state == "waiting_on_client" else []
        case "closed":
            reason = at(issue, "state_reason") or "completed"
            state = state_of(source, reason)
            why = "duplicate" if reason == "duplicate" else None
            return [draft(each, reason=why) for each in steps(None, state)]
        case "reopened":
            return [draft("reopened")]
        case "deleted" | "transferred":
            return [draft("cancelled", reason="deleted")]
    if action in _IGNORED:
        return []
    raise UnusableError("unknown_type", f"action {action[:80]!r} is not known")


def _opened(delivery: Delivery, issue: Any) -> list[Draft]:
    source, mapping = delivery.source, delivery.source.mapping
    labels = [str(at(each, "name")).lower() for each in at(issue, "labels") or []]
    time = needed(issue, "created_at")
    created = _draft(
        delivery,
        "created",
        time,
        client_id=client_of(source, delivery.json),
        requester_id=at(issue, "user.login"),
        severity=next(
            (mapping.severities[name] for name in labels if name in mapping.severities), None
        ),
        kind=next((mapping.kinds[name] for name in labels if name in mapping.kinds), None),
    )
    found = [created]
    if analyst := at(issue, "assignee.login"):
        found.append(_draft(delivery, "assigned", time, analyst_id=analyst))
    return found


def _labelled(delivery: Delivery, draft: Any) -> list[Draft]:
    label, mapping = _label(delivery.json), delivery.source.mapping
    if severity := severity_of(delivery.source, label):
        return [draft("severity_changed", severity=severity)]
    if label in mapping.kinds:
        return [draft("reclassified", kind=mapping.kinds[label])]
    waiting = mapping.states.get(label) == "waiting_on_client"
    return [draft("waiting_on_client")] if waiting else []


def _label(told: Any) -> str:
    return str(needed(told, "label.name")).lower()


def _comment(delivery: Delivery) -> list[Draft]:
    """An answer of who opened the issue ends the wait."""
    told = delivery.json
    author, opener = at(told, "comment.user.login"), at(told, "issue.user.login")
    if at(told, "action") != "created" or author != opener:
        return []
    return [_draft(delivery, "client_responded", needed(told, "comment.created_at"))]
