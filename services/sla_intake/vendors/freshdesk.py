"""Freshdesk's automation webhooks.

Their body is what the automation says: here the placeholders that docs/intake.md lists. Freshdesk
signs nothing and gives no delivery id, so the id is made of what it tells.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from sla_intake.delivery import (
    Delivery,
    UnusableError,
    needed,
    needed_instant,
    needed_word,
    shown,
    word,
)
from sla_intake.draft import Draft, Translation, nothing

#: Events of an automation that say nothing about a promise.
UNRELATED: Final = frozenset(
    {
        "due_date_changed",
        "satisfaction_rated",
        "subject_changed",
        "tags_changed",
        "time_entry_added",
        "updated",
    }
)
_IDENTITY: Final = ("ticket_id", "event", "updated_at", "status", "priority", "agent_id", "type")
#: What {{triggered_event}} says of a status: numbers of the one before and the one after.
_TRIGGERED: Final = re.compile(r"status: ?\{ ?from: ?(\w+)")


def translate(delivery: Delivery) -> Translation:
    """The events of a delivery."""
    told, source = needed(delivery.json, "freshdesk_webhook"), delivery.source
    event = needed_word(told, "event")
    if event in UNRELATED:
        return nothing("unrelated_change")
    draft = Draft(
        delivery,
        id_=_id(told),
        ticket=needed_word(told, "ticket_id"),
        time=needed_instant(source, told, "updated_at"),
    )
    match event:
        case "created":
            _created(draft, told)
        case "status_changed":
            status = needed_word(told, "status")
            draft.change(_before(draft, told), draft.state_of(status))
        case "agent_changed":
            draft.assigned(told, "agent_id", draft.word(told, "group"))
        case "priority_changed":
            draft.severity(told, "priority")
        case "type_changed":
            draft.kind(None, word(told, "type"))
        case "customer_replied":
            draft.say("client_responded")
        case "agent_replied":
            draft.replied(told, "agent_id")
        case "group_changed":
            _group(draft, told)
        case "note_added":
            draft.ignore("private_comment")
        case "deleted":
            draft.say("cancelled", reason="deleted")
        case "marked_as_spam":
            draft.say("cancelled", reason="spam")
        case _:
            raise UnusableError("unknown_type", f"event {shown(event)} is not known")
    return draft.done()


def _id(told: Any) -> str:
    """The same for the same change; the time of the change is part of it."""
    parts = [str(word(told, name)) for name in _IDENTITY]
    return hashlib.blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()


def _before(draft: Draft, told: Any) -> Any:
    """The state before the change, where the automation sends what triggered it."""
    found = _TRIGGERED.search(draft.word(told, "triggered_event") or "")
    return draft.known_state(found[1]) if found else None


def _group(draft: Draft, told: Any) -> None:
    """A group has the ticket, where no agent has it."""
    if draft.word(told, "agent_id"):
        draft.ignore("unrelated_change")
    else:
        draft.assigned(told, "agent_id", draft.word(told, "group"))


def _created(draft: Draft, told: Any) -> None:
    draft.created(
        told,
        "created_at",
        kind=draft.kind_of(draft.word(told, "type")),
        severity=draft.severity_of(draft.word(told, "priority")),
    )
    group = draft.word(told, "group")
    if group or draft.word(told, "agent_id"):
        draft.assigned(told, "agent_id", group)
    if status := draft.word(told, "status"):
        draft.change("open", draft.state_of(status))
