"""Jira's webhooks (Jira Cloud platform, Webhooks; Jira Data Center, Webhooks)."""

from __future__ import annotations

from typing import Any, Final

from sla_domain.instant import EARLIEST, LATEST, format_instant
from sla_intake.delivery import (
    Delivery,
    UnusableError,
    at,
    ident,
    needed_word,
    shown,
    word,
)
from sla_intake.draft import Draft, Translation, concerns_client, nothing
from sla_intake.sources import State

_ISSUE: Final = "jira:issue_"
#: What happens to comments and what belongs to an issue that says nothing about a promise, by what
#: its names begin with.
UNRELATED_PREFIXES: Final = (
    "attachment_",
    "comment_",
    "issue_property_",
    "issuelink_",
    "jira:worklog_",
    "worklog_",
)
#: What a status means that no mapping has: its category, which every status belongs to.
_CATEGORIES: Final[dict[str, State]] = {
    "new": "open",
    "indeterminate": "open",
    "done": "resolved",
}
#: What Jira calls a change, where it lists none.
_CHANGES_STATUS: Final = frozenset({"issue_closed", "issue_reopened", "issue_resolved"})
_OLD_COMMENTS: Final = frozenset({"issue_comment_deleted", "issue_comment_edited"})
#: How a person is named: on Cloud, and on Data Center.
_PERSON: Final = ("accountId", "key", "name")


def translate(delivery: Delivery) -> Translation:
    """The events of a delivery."""
    told = delivery.json
    kind = needed_word(told, "webhookEvent")
    if not kind.startswith(_ISSUE) and kind != "comment_created":
        related = kind.startswith(UNRELATED_PREFIXES)
        return nothing("unrelated_change" if related else "not_a_ticket")
    if kind == "comment_created" and at(told, "issue") is None:
        # Data Center tells the same comment once more, as an update of its issue.
        return nothing("comment_without_issue")
    draft = Draft(
        delivery,
        id_=_id(delivery),
        ticket=needed_word(told, f"issue.{delivery.source.ticket_field}"),
        time=_time(told),
    )
    match kind:
        case "jira:issue_created":
            _created(draft, told)
        case "jira:issue_updated":
            _updated(draft, told)
        case "jira:issue_deleted":
            draft.say("cancelled", reason="deleted")
        case "comment_created":
            _comment(draft, told)
        case _:
            raise UnusableError("unknown_type", f"webhookEvent {shown(kind)} is not known")
    return draft.done()


#: What tells a delivery from others of its issue.
_IDENTITY: Final = (
    "issue.id",
    "timestamp",
    "webhookEvent",
    "issue_event_type_name",
    "changelog.id",
    "comment.id",
)


def _id(delivery: Delivery) -> str:
    """What happened to which issue when: the same when Jira sends it again, and signed, which the
    identifier in its header X-Atlassian-Webhook-Identifier is not.
    """
    if at(delivery.json, "issue.id") is None:
        return delivery.digest()
    return "-".join(filter(None, (word(delivery.json, path) for path in _IDENTITY)))


def _time(told: Any) -> str:
    stamp = at(told, "timestamp")
    if not isinstance(stamp, int) or isinstance(stamp, bool) or not EARLIEST <= stamp < LATEST:
        raise UnusableError("invalid_data", "timestamp is not milliseconds since 1970")
    return format_instant(stamp)


def _created(draft: Draft, told: Any) -> None:
    _exists(draft, told)
    fields = at(told, "issue.fields")
    if (assignee := _person(draft, fields, "assignee")) is not None:
        draft.assigned(fields, assignee)
    if status := draft.word(fields, "status.name"):
        draft.change("open", _state(draft, told, status))


def _exists(draft: Draft, told: Any) -> None:
    """The issue as it is told now. Where it was told before, that stands and this says nothing."""
    issue, fields = at(told, "issue"), at(told, "issue.fields")
    reporter = _person(draft, fields, "reporter")
    draft.created(
        issue,
        "fields.created",
        kind=draft.kind_of(draft.word(fields, "issuetype.name")),
        requester_id=None if reporter is None else draft.ident(fields, reporter),
        severity=draft.severity_of(draft.word(fields, "priority.name")),
    )


def _person(draft: Draft, fields: Any, role: str) -> str | None:
    """Where the id of who has a role is."""
    paths = [f"{role}.{name}" for name in _PERSON]
    return next((path for path in paths if draft.word(fields, path) is not None), None)


def _updated(draft: Draft, told: Any) -> None:
    change = word(told, "issue_event_type_name")
    # Of old versions only the comment's own times tell whether it is new.
    as_new = at(told, "comment.created") == at(told, "comment.updated")
    if at(told, "comment") and change not in _OLD_COMMENTS and as_new:
        _comment(draft, told)
    items = at(told, "changelog.items") or []
    if not isinstance(items, list):
        raise UnusableError("invalid_data", "changelog.items is no list")
    if not items:
        _called(draft, told, change)
    for item in items:
        try:
            _changed(draft, told, item)
        except UnusableError as error:
            draft.problem(error.reason, str(error))


def _changed(draft: Draft, told: Any, item: Any) -> None:
    """One of the changes of an update."""
    field = word(item, "fieldId") or word(item, "field") or ""
    match field:
        case "status":
            now = _state(draft, told, needed_word(item, "toString"))
            draft.change(draft.known_state(word(item, "fromString")), now)
        case "assignee":
            _assignee(draft, told, item)
        case "priority":
            draft.severity(item, "toString")
        case "issuetype":
            draft.kind(word(item, "fromString"), word(item, "toString"))
        case _ if _client_came(draft, item, field):
            _exists(draft, told)
        case _:
            draft.ignore("unrelated_change")


def _assignee(draft: Draft, told: Any, item: Any) -> None:
    """Whom a change assigned: as the issue names them, since a change may name them otherwise."""
    fields = at(told, "issue.fields")
    path = _person(draft, fields, "assignee")
    if path is None or ident(item, "to") is None:
        draft.assigned(item, "to")
    else:
        draft.assigned(fields, path)


def _client_came(draft: Draft, item: Any, field: str) -> bool:
    """Whether an issue that had no client when it was created has one now."""
    came = word(item, "fromString") is None and word(item, "toString") is not None
    return came and concerns_client(draft.source, f"fields.{field}")


def _called(draft: Draft, told: Any, change: str | None) -> None:
    """An update that lists no change, by what it is called."""
    fields = at(told, "issue.fields")
    if change == "issue_assigned":
        assignee = _person(draft, fields, "assignee")
        draft.assigned(fields, assignee or "assignee.name")
    elif change in _CHANGES_STATUS and (status := draft.word(fields, "status.name")):
        draft.change(None, _state(draft, told, status))
    else:
        draft.ignore("unrelated_change")


def _state(draft: Draft, told: Any, status: str) -> State | None:
    """What a status means: its name's mapping, else, if the issue still has it, its category."""
    found = draft.known_state(status)
    if found is None and word(told, "issue.fields.status.name") == status:
        found = _CATEGORIES.get(word(told, "issue.fields.status.statusCategory.key") or "")
    return found or draft.state_of(status)


def _comment(draft: Draft, told: Any) -> None:
    """A public answer of who reported the issue, or of a customer of the portal, ends the wait; one
    that the portal shows and that somebody else wrote is a reply.
    """
    comment = told["comment"] if isinstance(told.get("comment"), dict) else {}
    if comment.get("jsdPublic") is False or comment.get("visibility"):
        draft.ignore("private_comment")
        return
    if word(comment, "author.accountType") == "customer":
        draft.say("client_responded")
        return
    pairs = [
        (word(comment, f"author.{name}"), word(told, f"issue.fields.reporter.{name}"))
        for name in _PERSON
    ]
    author, reporter = next((pair for pair in pairs if None not in pair), (None, None))
    if author is None:
        draft.ignore("author_unknown")
    elif author == reporter:
        draft.say("client_responded")
    elif comment.get("jsdPublic") is True:
        bot = word(comment, "author.accountType") == "app"
        names = [name for name in _PERSON if word(comment, f"author.{name}") is not None]
        draft.replied(comment, f"author.{names[0]}", bot=bot)
    else:
        draft.ignore("other_comment")
