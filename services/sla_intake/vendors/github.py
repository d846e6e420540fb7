"""GitHub's webhooks of issues and their comments (Webhook events and payloads)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sla_intake.delivery import (
    Delivery,
    UnusableError,
    at,
    needed_instant,
    needed_word,
    shown,
    word,
)
from sla_intake.draft import Draft, Translation, nothing, waits
from sla_intake.sources import State

#: Not signed, as the name of the event in X-GitHub-Event is not: what happened, and its id, are
#: told by the body, so that the same bytes are the same event whatever is written above them.
DELIVERY_ID: Final = "x-github-delivery"
#: Where a delivery that is sent as a form has its JSON.
FORM_FIELD: Final = "payload"
#: What happens to issues that says nothing about a promise.
UNRELATED: Final = frozenset(
    {
        "demilestoned",
        "edited",
        "field_added",
        "field_removed",
        "locked",
        "milestoned",
        "pinned",
        "unassigned",
        "unlocked",
        "unpinned",
        "untyped",
    }
)


def translate(delivery: Delivery) -> Translation:
    """The events of a delivery."""
    told = delivery.json
    if not isinstance(told, dict):
        raise UnusableError("invalid_data", "a delivery is a JSON object")
    # Of all events only issues and issue_comment tell an issue, and the latter alone a comment.
    if "issue" not in told or at(told, "issue.pull_request"):
        return nothing("not_a_ticket")
    commented = "comment" in told
    action = needed_word(told, "action")
    if (action != "created") if commented else (action in UNRELATED):
        return nothing("unrelated_change")
    comment = word(told, "comment.id")
    draft = Draft(
        delivery,
        id_=f"comment-{comment}" if comment else delivery.digest(),
        ticket=f"{needed_word(told, 'repository.full_name')}#{needed_word(told, 'issue.number')}",
        time=needed_instant(delivery.source, told, _time_at(action, commented=commented)),
        order=_order(delivery),
    )
    if commented:
        _comment(draft, told)
    else:
        _issue(draft, told, action)
    return draft.done()


def _time_at(action: str, *, commented: bool) -> str:
    """Where the time of what happened is."""
    if commented:
        return "comment.created_at"
    return "issue.created_at" if action == "opened" else "issue.updated_at"


def _order(delivery: Delivery) -> str:
    """GitHub writes whole seconds, but the id of a delivery holds the time at which it was made
    (RFC 9562 §5.1, version 1), and is the same when it is sent again.

    Who writes another there moves a delivery within its second, which who holds it back can do
    anyhow; a copy moves nothing, since the first stands.
    """
    try:
        found = UUID(delivery.headers.get(DELIVERY_ID, ""))
    except ValueError:
        return ""
    return f"{found.time:020}-" if found.version == 1 else ""


def _issue(draft: Draft, told: Any, action: str) -> None:
    issue = told["issue"]
    match action:
        case "opened":
            _opened(draft, told)
        case "assigned":
            draft.assigned(told, "assignee.login")
        case "labeled":
            _labelled(draft, issue, needed_word(told, "label.name").lower())
        case "unlabeled":
            _unlabelled(draft, issue, needed_word(told, "label.name").lower())
        case "typed":
            draft.kind(None, word(told, "type.name") or word(issue, "type.name"))
        case "closed":
            reason = word(issue, "state_reason") or "completed"
            state = draft.state_of(reason)
            draft.change(None, state, "duplicate" if reason == "duplicate" else None)
        case "reopened":
            draft.say("reopened")
        case "deleted" | "transferred":
            draft.say("cancelled", reason="deleted")
        case _:
            raise UnusableError("unknown_type", f"action {shown(action)} is not known")


def _opened(draft: Draft, told: Any) -> None:
    issue, mapping = told["issue"], draft.source.mapping
    labels = _labels(draft, issue)
    kinds = [draft.word(issue, "type.name"), *labels]
    # An issue that came from another repository was opened there.
    draft.created(
        told,
        "changes.old_issue.created_at",
        requester_id=draft.ident(issue, "user.login"),
        severity=next(filter(None, map(mapping.severities.get, labels)), None),
        kind=next(filter(None, map(draft.kind_of, kinds)), None),
    )
    if draft.word(issue, "assignee.login"):
        draft.assigned(issue, "assignee.login")
    if (state := _wait(draft, labels)) is not None:
        draft.change("open", state)


def _labels(draft: Draft, issue: Any) -> list[str]:
    """The names of the labels that the issue has."""
    given = at(issue, "labels")
    names = [draft.word(each, "name") for each in given] if isinstance(given, list) else []
    return [name.lower() for name in names if name is not None]


def _labelled(draft: Draft, issue: Any, label: str) -> None:
    mapping = draft.source.mapping
    if label in mapping.severities:
        draft.say("severity_changed", severity=mapping.severities[label])
    elif label in mapping.kinds:
        draft.say("reclassified", kind=mapping.kinds[label])
    elif (state := _wait(draft, [label])) is not None:
        draft.change(_wait_without(draft, issue, label) or "open", state)
    else:
        draft.ignore("unrelated_change")


def _unlabelled(draft: Draft, issue: Any, label: str) -> None:
    """A wait is over when its label goes, unless another label still says that the issue waits. A
    label of a severity that goes leaves the severity: one is needed to have clocks.
    """
    if (state := _wait(draft, [label])) is None:
        draft.ignore("unrelated_change")
    else:
        draft.change(state, _wait_without(draft, issue, label) or "open")


def _wait_without(draft: Draft, issue: Any, label: str) -> State | None:
    """For whom the issue waits by its labels but one, which may be among them when it has gone."""
    return _wait(draft, [each for each in _labels(draft, issue) if each != label])


def _wait(draft: Draft, labels: list[str]) -> State | None:
    """The first wait that a label says; other states are told by what happens to the issue, not by
    a label of that name.
    """
    states = map(draft.source.mapping.states.get, labels)
    return next(filter(waits, states), None)


#: Whoever belongs to the repository (GitHub's ``author_association``).
_STAFF: Final = ("OWNER", "MEMBER", "COLLABORATOR")


def _comment(draft: Draft, told: Any) -> None:
    """An answer of who opened the issue ends the wait; one of the repository's people is a
    reply.
    """
    author, opener = word(told, "comment.user.login"), word(told, "issue.user.login")
    if author is None or opener is None:
        draft.ignore("author_unknown")
    elif author == opener:
        draft.say("client_responded")
    elif word(told, "comment.author_association") in _STAFF:
        draft.replied(told, "comment.user.login", bot=word(told, "comment.user.type") == "Bot")
    else:
        draft.ignore("other_comment")
