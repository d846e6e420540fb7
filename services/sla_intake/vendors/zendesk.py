"""Zendesk's event webhooks (Ticket events, version 2022-11-06)."""

from __future__ import annotations

from typing import Any, Final

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

_PREFIX: Final = "zen:event-type:ticket."
#: Events of tickets that say nothing about a promise.
_IGNORED: Final = frozenset(
    {
        "brand_changed",
        "custom_field_changed",
        "custom_status_changed",
        "description_changed",
        "email_ccs_changed",
        "external_id_changed",
        "followers_changed",
        "form_changed",
        "group_assignment_changed",
        "organization_changed",
        "problem_link_changed",
        "requester_changed",
        "submitter_changed",
        "subject_changed",
        "tags_changed",
        "task_due_at_changed",
    }
)


def translate(delivery: Delivery) -> list[dict[str, Any]]:
    """The events of a delivery."""
    told = delivery.json
    kind = str(needed(told, "type"))
    if not kind.startswith(_PREFIX):
        raise UnusableError("unknown_type", f"type {kind[:80]!r} is none of a ticket's")
    word = kind.removeprefix(_PREFIX)
    if word in _IGNORED:
        return []
    drafts = list(_drafts(delivery, word))
    return list(events(delivery, str(needed(told, "id")), drafts))


def _drafts(delivery: Delivery, word: str) -> list[Draft]:
    told, source = delivery.json, delivery.source
    detail = needed(told, "detail")
    ticket, time = str(needed(detail, "id")), _milliseconds(str(needed(told, "time")))

    def draft(type_: str, **data: Any) -> Draft:
        return Draft(type_, ticket, time, present(**data))

    match word:
        case "created":
            return _created(delivery, detail, draft)
        case "status_changed":
            previous = at(told, "event.previous")
            before = None if previous is None else state_of(source, previous)
            now = state_of(source, needed(told, "event.current"))
            return [draft(each) for each in steps(before, now)]
        case "agent_assignment_changed":
            analyst = at(told, "event.current")
            group = at(detail, "group_id")
            return [draft("assigned", analyst_id=analyst, group=group)] if analyst else []
        case "priority_changed":
            severity = severity_of(source, needed(told, "event.current"))
            return [draft("severity_changed", severity=severity)] if severity else []
        case "type_changed":
            kind = kind_of(source, needed(told, "event.current"))
            return [draft("reclassified", kind=kind)] if kind else []
        case "comment_added":
            # A client's answer ends the wait; what our own people write does not.
            author = at(told, "event.comment.author.is_staff")
            return [draft("client_responded")] if author is False else []
        case "merged":
            into = at(told, "event.target_ticket_id")
            return [draft("cancelled", reason="merged", merged_into=into)]
        case "marked_as_spam":
            return [draft("cancelled", reason="spam")]
        case "soft_deleted" | "permanently_deleted":
            return [draft("cancelled", reason="deleted")]
        case "undeleted":
            raise UnusableError("unknown_type", "a deleted ticket that comes back is a new one")
    raise UnusableError("unknown_type", f"ticket event {word[:80]!r} is not known")


def _created(delivery: Delivery, detail: Any, draft: Any) -> list[Draft]:
    source = delivery.source
    state = state_of(source, detail.get("status", "new"))
    created = draft(
        "created",
        client_id=client_of(source, detail),
        communicated_at=at(detail, "created_at"),
        channel=source.mapping.channels.get(str(at(detail, "via.channel")).lower()),
        kind=kind_of(source, detail.get("type")),
        requester_id=at(detail, "requester_id"),
        severity=severity_of(source, detail.get("priority")),
    )
    found = [created]
    if analyst := at(detail, "assignee_id"):
        found.append(draft("assigned", analyst_id=analyst, group=at(detail, "group_id")))
    return found + [draft(each) for each in steps("open", state)]


def _milliseconds(time: str) -> str:
    """Zendesk tells nanoseconds; more than six digits are more than an instant of ours has."""
    head, dot, tail = time.partition(".")
    digits = tail.rstrip("Z")
    return f"{head}.{digits[:6]}Z" if dot and digits.isdigit() else time
