"""Freshdesk's automation webhooks.

Their body is what the automation says: here the placeholders that docs/intake.md lists. Freshdesk
signs nothing and gives no delivery id, so the id is made of what it tells.
"""

from __future__ import annotations

import hashlib
from typing import Any

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


def translate(delivery: Delivery) -> list[dict[str, Any]]:
    """The events of a delivery."""
    told = needed(delivery.json, "freshdesk_webhook")
    return list(events(delivery, _id(told), _drafts(delivery, told)))


def _id(told: Any) -> str:
    """The same for the same change; the time of the change is part of it."""
    parts = [str(needed(told, name)) for name in ("ticket_id", "event", "updated_at")]
    parts += [str(at(told, name)) for name in ("status", "priority", "agent_id")]
    return hashlib.blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()


def _drafts(delivery: Delivery, told: Any) -> list[Draft]:
    source = delivery.source
    ticket, time = str(needed(told, "ticket_id")), str(needed(told, "updated_at"))

    def draft(word: str, **data: Any) -> Draft:
        return Draft(word, ticket, time, present(**data))

    event = str(needed(told, "event"))
    match event:
        case "created":
            found = [
                draft(
                    "created",
                    client_id=client_of(source, told),
                    communicated_at=at(told, "created_at"),
                    kind=kind_of(source, at(told, "type")),
                    severity=severity_of(source, at(told, "priority")),
                )
            ]
            if analyst := at(told, "agent_id"):
                found.append(draft("assigned", analyst_id=str(analyst), group=_group(told)))
            state = state_of(source, at(told, "status") or "open")
            return found + [draft(each) for each in steps("open", state)]
        case "status_changed":
            previous = at(told, "previous_status")
            before = None if previous is None else state_of(source, previous)
            now = state_of(source, needed(told, "status"))
            return [draft(each) for each in steps(before, now)]
        case "agent_changed":
            analyst = at(told, "agent_id")
            if not analyst:
                return []
            return [draft("assigned", analyst_id=str(analyst), group=_group(told))]
        case "priority_changed":
            severity = severity_of(source, needed(told, "priority"))
            return [draft("severity_changed", severity=severity)] if severity else []
        case "customer_replied":
            return [draft("client_responded")]
        case "deleted":
            return [draft("cancelled", reason="deleted")]
        case "marked_as_spam":
            return [draft("cancelled", reason="spam")]
    raise UnusableError("unknown_type", f"event {event[:80]!r} is not known")


def _group(told: Any) -> str | None:
    group = at(told, "group")
    return None if group is None else str(group)
