"""Unsigned parts of a delivery have no effect: the same signed bytes are the same events, whatever
headers a stranger adds.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.intake import DELIVERIES, WEBHOOKS, Client, delivered, read, source

from sla_intake.draft import Ignored
from sla_intake.reading import Reading
from sla_intake.redelivery import redelivered
from sla_schemas.words import DeadLetterReason

SIGNED = [path for path in DELIVERIES if path.parent.name in {"zendesk", "jira", "github"}]
#: Every header that any delivery of the fixtures has, and some that they could have.
HEADERS: list[dict[str, str]] = [
    *[json.loads(path.read_text())["headers"] for path in DELIVERIES],
    *[{"x-github-event": name} for name in ("issues", "issue_comment", "ping", "label", "")],
    {"x-github-delivery": "other", "x-atlassian-webhook-identifier": "other"},
    {"content-type": "application/x-www-form-urlencoded"},
    {"content-type": "application/cloudevents-batch+json"},
    {"ce-specversion": "1.0", "ce-type": "ticket.cancelled", "ce-subject": "acme/bot#1"},
    {},
]


def meant(found: Reading) -> tuple[list[Any], list[DeadLetterReason], list[Ignored]]:
    """All of a reading but the places within an instant, which follow the arrival."""
    events = [{name: each[name] for name in each if name != "sequence"} for each in found.events]
    return events, [letter.reason for letter in found.letters], found.ignored


@pytest.mark.parametrize("path", SIGNED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_same_bytes_mean_the_same_under_any_headers(path: Any) -> None:
    told, first = delivered(path)
    whose = source(path.parent.name, **told.get("source", {}))
    for headers in HEADERS:
        assert meant(read(whose, headers, told["body"])) == meant(first), headers


@pytest.mark.parametrize(
    ("path", "place", "other"),
    [
        ("jira/resolved-without-changelog", ("timestamp",), 1_795_446_727_001),
        ("jira/resolved-without-changelog", ("issue", "id"), "10003"),
        ("jira/moved", ("changelog", "id"), "10125"),
        ("jira/comment-of-reporter", ("comment", "id"), "2"),
        ("github/comment-of-opener", ("comment", "id"), 2),
        ("github/labelled-severity", ("label", "name"), "severity: low"),
        ("zendesk/open-to-pending", ("id",), "another"),
    ],
)
def test_what_happened_besides_is_another_event(
    path: str, place: tuple[str, ...], other: Any
) -> None:
    """Else the tracker would take it for a copy."""
    vendor = path.partition("/")[0]
    told = json.loads((WEBHOOKS / f"{path}.json").read_text())
    first = read(source(vendor), told["headers"], told["body"])
    inner = told["body"]
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = other
    second = read(source(vendor), told["headers"], told["body"])
    both = [event["id"] for found in (first, second) for event in found.events]
    assert len(both) == len(set(both))


async def test_a_deleted_comment_sent_on_as_a_deleted_issue_cancels_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = json.loads((WEBHOOKS / "github" / "comment-of-another.json").read_text())
    body = json.dumps(told["body"] | {"action": "deleted"}).encode()
    client = Client(monkeypatch, source("github"))
    _, _, answer = await client.post(body, x_github_event="issues", x_github_delivery="mine")
    assert answer == {
        "events": 0,
        "ignored": 1,
        "dead_letters": 0,
        "reasons": ["ignored: unrelated_change"],
    }


def test_a_letter_goes_back_under_the_ids_that_its_bytes_have() -> None:
    told = json.loads((WEBHOOKS / "github" / "opened.json").read_text())
    (letter,) = read(source("github", client_field="issue.client"), {}, told["body"]).letters
    after = source("github")
    records = redelivered(letter.headers(), letter.body, 0, [after])
    ids = [json.loads(record.value)["id"] for record in records]
    assert ids == [event["id"] for event in read(after, told["headers"], told["body"]).events]
