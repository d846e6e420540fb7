"""What webhooks become, for the intake page: the deliveries that the tests use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args

from sla_intake.draft import Ignored

FIXTURES: Final = Path(__file__).parents[1] / "tests" / "fixtures" / "webhooks"

#: What is sent, and the file that shows it.
_SENT: Final[dict[str, list[tuple[str, str]]]] = {
    "zendesk": [
        ("`ticket.created`, with an agent", "created"),
        ("`ticket.created` without a priority", "created-without-priority"),
        ("`ticket.created` with a priority not in the mapping", "created-unknown-priority"),
        (
            "`ticket.created` without an organisation, only `client_field` set",
            "created-without-organization",
        ),
        ("`ticket.organization_changed`, no organisation before", "organization-given-later"),
        ("`ticket.status_changed`, NEW → OPEN or as part of the creation", "status-at-creation"),
        ("… OPEN → PENDING", "open-to-pending"),
        ("… PENDING → OPEN", "pending-to-open"),
        ("… PENDING → HOLD", "pending-to-hold"),
        ("… HOLD → OPEN", "hold-to-open"),
        ('… OPEN → HOLD, with `hold = "waiting:supplier"`', "open-to-hold-for-supplier"),
        ("… PENDING → HOLD, with the same", "pending-to-hold-for-supplier"),
        ("… HOLD → PENDING, with the same", "hold-for-supplier-to-pending"),
        ("… OPEN → SOLVED", "open-to-solved"),
        ("… SOLVED → OPEN", "solved-to-open"),
        ("… SOLVED → PENDING", "solved-to-pending"),
        ("… SOLVED → CLOSED, CLOSED → ARCHIVED", "closed-to-archived"),
        ("… to DELETED", "open-to-deleted"),
        (
            "`ticket.custom_status_changed`, to one mapped to `waiting:supplier`",
            "custom-status-for-supplier",
        ),
        ("… from it to another of an open category", "custom-status-no-longer-waiting"),
        ("… between two that are not in the mapping", "custom-status-unmapped"),
        ("`ticket.agent_assignment_changed`", "assigned"),
        ("… to no one, with a group", "unassigned"),
        ("… to no one, without a group", "unassigned-without-group"),
        ("`ticket.group_assignment_changed`, without an agent", "group-changed"),
        ("`ticket.priority_changed`", "priority"),
        ("… to none", "priority-removed"),
        ("`ticket.type_changed`", "type"),
        ("`ticket.comment_added`, public, author not staff", "comment-of-client"),
        ("… private", "private-comment-of-client"),
        ("… public, by staff", "comment-of-agent"),
        ("… public, by an account in `bots`", "comment-of-bot"),
        ("`ticket.merged`", "merged"),
        ("… if it does not say into which", "merged-into-unknown"),
        ("`ticket.marked_as_spam`", "spam"),
        ("`ticket.soft_deleted`, `permanently_deleted`", "deleted"),
        ("`ticket.undeleted`", "undeleted"),
        ("tags, attachments, surveys, subject and the like", "tags"),
        ("events of users, organisations, articles …", "of-a-user"),
        ("an unknown ticket event", "unknown-event"),
    ],
    "jira": [
        ("`jira:issue_created`, assigned, waiting for the customer", "created-assigned-waiting"),
        ("`jira:issue_created` without a priority", "created-without-priority"),
        ("`jira:issue_updated`: assignee, priority, status, summary", "several-changes-at-once"),
        ("… status not in the mapping, of category *done*", "to-done-by-category"),
        ("… assignee and an unknown status", "assigned-and-unknown-status"),
        ("… from an unknown status to an open one", "from-unknown-to-open"),
        ("… Waiting for customer → On Hold", "customer-to-on-hold"),
        ("… Open → a status mapped to `waiting:supplier`", "open-to-vendor"),
        ("… Waiting for customer → the same", "customer-to-vendor"),
        ("… issue type not in the mapping", "unknown-type"),
        ("… moved to another project", "moved"),
        ("… `issue_assigned` without a list of changes", "assigned-without-changelog"),
        ("… `issue_commented` by the reporter (Data Center)", "data-center-comment-of-reporter"),
        ("`comment_created` by the reporter", "comment-of-reporter"),
        ("… by a portal customer", "comment-of-customer"),
        ("… private", "comment-private"),
        ("… by somebody else, shown on the portal", "comment-of-agent-on-the-portal"),
        ("… by an app", "comment-of-app"),
        ("… by somebody else, elsewhere", "comment-of-agent"),
        ("… if the delivery does not say who reported the issue", "comment-author-unknown"),
        ("… without its issue (Data Center, which sends it twice)", "data-center-comment-alone"),
        ("`jira:issue_deleted`", "deleted"),
        ("worklogs, attachments, links, comments edited or deleted", "worklog"),
        ("sprints, versions, projects, users …", "sprint"),
    ],
    "github": [
        ("`issues` opened, with labels and an assignee, also by a transfer", "opened"),
        ("… assigned", "assigned"),
        ("… severity label added", "labelled-severity"),
        ("… waiting label added", "labelled-waiting"),
        ("… label mapped to `waiting:supplier` added", "labelled-for-supplier"),
        ("… the same removed, and a waiting label is left", "unlabelled-one-of-two"),
        ("… last waiting label removed", "unlabelled-waiting"),
        ("… other labels added or removed", "labelled-other"),
        ("… issue type set", "typed"),
        ("… closed, as completed or without a reason", "closed-completed"),
        ("… closed as not planned", "closed-not-planned"),
        ("… closed as a duplicate", "closed-duplicate"),
        ("… reopened", "reopened"),
        ("… deleted, transferred", "transferred"),
        ("… edited, unassigned, milestoned, locked, pinned …", "edited"),
        ("… an unknown action", "unknown-action"),
        ("`issue_comment` created, by the author of the issue", "comment-of-opener"),
        ("… by an owner, member or collaborator", "comment-of-member"),
        ("… by a bot", "comment-of-bot"),
        ("… by somebody else", "comment-of-another"),
        ("… of a pull request", "comment-on-a-pull-request"),
        ("all other events: `ping`, `label`, `push` …", "label"),
    ],
    "freshdesk": [
        ("`created`, with an agent", "created"),
        ("`created` without priority and type", "created-without-priority"),
        ("`status_changed` to Open", "to-open"),
        ("… to Pending, Waiting on Customer", "to-pending"),
        ("… to Waiting on Third Party", "to-third-party"),
        ("… to Pending, with `triggered_event`", "open-to-pending"),
        ("… to a status mapped to `waiting:supplier`", "to-vendor"),
        ("… the same from Pending, with `triggered_event`", "pending-to-vendor"),
        ("… to Open, with `triggered_event`", "pending-to-open"),
        ("… to Resolved, Closed", "to-resolved-by-number"),
        ("`agent_changed`", "agent"),
        ("`priority_changed`", "priority"),
        ("`type_changed`", "type"),
        ("`customer_replied`", "customer-replied"),
        ("`agent_replied`", "agent-replied"),
        ("`note_added`", "note-added"),
        ("`deleted`", "deleted"),
        ("`marked_as_spam`", "spam"),
        ("`group_changed`, without an agent", "group-changed"),
        ("… with an agent", "group-changed-with-agent"),
        ("`updated`, `satisfaction_rated` …", "survey"),
        ("another `event`, or a body in another format", "own-template"),
        ("local times, if the source has no `zone`", "created-local-times-without-zone"),
    ],
}

_REASONS: Final[dict[Ignored, str]] = {
    "author_unknown": "a comment, and the delivery does not say whether the client wrote it",
    "cleared": "a priority or type was removed; the ticket keeps its severity",
    "comment_without_issue": "a comment that is also sent with its issue",
    "empty": "a batch without events",
    "no_change": "a change between statuses that mean the same",
    "not_a_ticket": "users, labels, sprints, pull requests, a `ping`",
    "bot_comment": "a comment by a machine",
    "other_comment": "a comment by somebody who is neither the client nor known to be staff",
    "private_comment": "a comment that the client can't see",
    "type_not_mapped": "the ticket's new type is not in the mapping",
    "unassigned": "the ticket was unassigned; the first response stands",
    "undeleted": "a deleted ticket was restored; it stays cancelled",
    "unrelated_change": "tags, subjects, attachments, surveys, worklogs",
}


def _becomes(told: dict[str, Any]) -> str:
    found = []
    for event in told["events"]:
        word = f"`{event['type'].removeprefix('ticket.')}`"
        data = event["data"]
        more = [data[name] for name in ("severity", "kind", "party", "reason") if name in data]
        found.append(f"{word} ({', '.join(more)})" if more and word != "`created`" else word)
        if event["subject"] != told["events"][0]["subject"]:
            found[-1] += " on the ticket that stays"
        if word == "`created`" and "severity" not in data:
            found[-1] += " without a severity"
    if "dead_letter" in told:
        found.append(f"dead letter: `{told['dead_letter']}`")
    if "ignored" in told:
        found.append(f"ignored: `{told['ignored']}`")
    return ", ".join(found)


def _deliveries(vendor: str) -> str:
    lines = ["| what is sent | what it becomes |", "|---|---|"]
    for sent, stem in _SENT[vendor]:
        told = json.loads((FIXTURES / vendor / f"{stem}.json").read_text("utf-8"))
        lines.append(f"| {sent} | {_becomes(told)} |")
    return "\n".join(lines) + "\n"


def zendesk_deliveries() -> str:
    """Zendesk's."""
    return _deliveries("zendesk")


def jira_deliveries() -> str:
    """Jira's."""
    return _deliveries("jira")


def github_deliveries() -> str:
    """GitHub's."""
    return _deliveries("github")


def freshdesk_deliveries() -> str:
    """Freshdesk's."""
    return _deliveries("freshdesk")


def ignored_reasons() -> str:
    """Why a delivery is ignored."""
    lines = ["| reason | |", "|---|---|"]
    lines += [f"| `{reason}` | {_REASONS[reason]} |" for reason in get_args(Ignored)]
    return "\n".join(lines) + "\n"


PARTS: Final[tuple[Callable[[], str], ...]] = (
    zendesk_deliveries,
    jira_deliveries,
    github_deliveries,
    freshdesk_deliveries,
    ignored_reasons,
)
