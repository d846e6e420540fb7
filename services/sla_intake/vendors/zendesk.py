"""Zendesk's event webhooks (Ticket events, version 2022-11-06)."""

from __future__ import annotations

from typing import Any, Final

from sla_intake.delivery import (
    Delivery,
    UnusableError,
    at,
    needed,
    needed_instant,
    needed_word,
    shown,
    word,
)
from sla_intake.draft import Draft, Translation, concerns_client, nothing, waits

_EVENT: Final = "zen:event-type:"
_TICKET: Final = f"{_EVENT}ticket."
#: What happens to tickets that says nothing about a promise.
UNRELATED: Final = frozenset(
    {
        "brand_changed",
        "custom_field_changed",
        "description_changed",
        "email_ccs_changed",
        "external_id_changed",
        "followers_changed",
        "form_changed",
        "problem_link_changed",
        "requester_changed",
        "schedule_changed",
        "slas_changed",
        "submitter_changed",
        "subject_changed",
        "tags_changed",
        "task_due_at_changed",
    }
)
#: The same, by what their names begin with: attachments, comments afterwards, surveys.
UNRELATED_PREFIXES: Final = ("attachment_", "comment_", "csat_", "satisfaction_", "survey_")


def translate(delivery: Delivery) -> Translation:
    """The events of a delivery."""
    told, source = delivery.json, delivery.source
    kind = needed_word(told, "type")
    if not kind.startswith(_TICKET):
        if kind.startswith(_EVENT):
            return nothing("not_a_ticket")
        raise UnusableError("unknown_type", f"type {shown(kind)} is none of Zendesk's")
    happened = kind.removeprefix(_TICKET)
    if happened in UNRELATED or (
        happened != "comment_added" and happened.startswith(UNRELATED_PREFIXES)
    ):
        return nothing("unrelated_change")
    draft = Draft(
        delivery,
        id_=needed_word(told, "id"),
        ticket=needed_word(told, "detail.id"),
        time=needed_instant(source, told, "time"),
        order=_order(told),
    )
    match happened:
        case "created":
            _created(draft, told)
        case "status_changed":
            _status(draft, told)
        case "custom_status_changed":
            _custom_status(draft, told)
        case "agent_assignment_changed":
            draft.assigned(told, "event.current", draft.word(told, "detail.group_id"))
        case "group_assignment_changed":
            _group(draft, told)
        case "priority_changed":
            draft.severity(told, "event.current")
        case "type_changed":
            draft.kind(word(told, "event.previous"), word(told, "event.current"))
        case "comment_added":
            _comment(draft, told)
        case "organization_changed":
            _organization(draft, told)
        case "merged":
            into = draft.ident(told, "event.target_ticket_id")
            draft.merged(into, told, "detail.created_at")
        case "marked_as_spam":
            draft.say("cancelled", reason="spam")
        case "soft_deleted" | "permanently_deleted":
            draft.say("cancelled", reason="deleted")
        case "undeleted":
            # What is cancelled stays so, for whatever reason.
            draft.ignore("undeleted")
        case _:
            raise UnusableError("unknown_type", f"ticket event {shown(happened)} is not known")
    return draft.done()


def _order(told: Any) -> str:
    """Zendesk tells nanoseconds, and the place of an event among those of one update."""
    place = at(told, "event.meta.sequence.position")
    if not isinstance(place, int) or not 0 <= place < 10_000:
        return ""
    fraction = needed_word(told, "time").partition(".")[2].rstrip("Z")
    return f"{fraction[:9]:0<9}-{place:04}-" if fraction.isdecimal() else ""


def _created(draft: Draft, told: Any) -> None:
    _exists(draft, told)
    group = draft.word(told, "detail.group_id")
    if group or draft.word(told, "detail.assignee_id"):
        draft.assigned(told, "detail.assignee_id", group)
    if custom := draft.known_state(draft.word(told, "detail.custom_status")):
        draft.change("open", custom)
    elif status := draft.word(told, "detail.status"):
        draft.change("open", draft.state_of(status), _why(status))


def _exists(draft: Draft, told: Any) -> None:
    """The ticket as it is told now. Where it was told before, that stands and this says nothing."""
    detail, channel = told["detail"], draft.word(told, "detail.via.channel")
    draft.created(
        detail,
        "created_at",
        channel=None if channel is None else draft.source.mapping.channels.get(channel.lower()),
        kind=draft.kind_of(draft.word(told, "detail.type")),
        requester_id=draft.ident(told, "detail.requester_id"),
        severity=draft.severity_of(draft.word(told, "detail.priority")),
    )


def _status(draft: Draft, told: Any) -> None:
    previous, status = word(told, "event.previous"), needed_word(told, "event.current")
    # None before: a part of its creation.
    before = "open" if previous is None else draft.known_state(previous)
    draft.change(before, draft.state_of(status), _why(status))


def _custom_status(draft: Draft, told: Any) -> None:
    """A wait that only a custom status tells begins or ends, where the mapping has its id. All else
    is told by ``status_changed``, which is sent as well unless the category stays the same.
    """
    before = draft.known_state(word(told, "event.previous"))
    now = draft.known_state(word(told, "event.current"))
    if not waits(before) and not waits(now):
        draft.ignore("unrelated_change")
        return
    # Without its id the status before is one of which nothing is known but that something else
    # tells it; one that is not in the mapping now means what its category does.
    category = draft.known_state(draft.word(told, "detail.status"))
    draft.change(before if waits(before) else "on_hold", now or category)


def _why(status: str) -> Any:
    return "deleted" if status.lower() == "deleted" else None


def _group(draft: Draft, told: Any) -> None:
    """A team has the ticket, where no agent has it."""
    if draft.word(told, "detail.assignee_id"):
        draft.ignore("unrelated_change")
    else:
        draft.assigned(told, "detail.assignee_id", draft.word(told, "event.current"))


def _comment(draft: Draft, told: Any) -> None:
    """A client's public answer ends the wait; that of our own people is a reply."""
    if at(told, "event.comment.is_public") is False:
        draft.ignore("private_comment")
    elif needed(told, "event.comment.author.is_staff") is True:
        draft.replied(told, "event.comment.author.id")
    else:
        draft.say("client_responded")


def _organization(draft: Draft, told: Any) -> None:
    """A ticket that had no client when it was created has one now."""
    came = word(told, "event.previous") is None and word(told, "event.current") is not None
    if came and concerns_client(draft.source, "organization_id"):
        _exists(draft, told)
    else:
        draft.ignore("unrelated_change")
