"""The intake's responses to any delivery: their counts add up and match the metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import shared_file
from support.intake import ARRIVED, DELIVERIES, READ, Client, read, source

from sla_intake.reading import understood


def metrics_of(client: Client) -> dict[str, float]:
    """The intake's counters by name and reason, those at zero left out."""
    return {
        "/".join([sample.name, *filter(None, [sample.labels.get("reason")])]): sample.value
        for metric in client.registry.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.value
    }


TOLD = {f"{path.parent.name}/{path.stem}": json.loads(path.read_text()) for path in DELIVERIES}


@pytest.mark.parametrize("name", TOLD)
async def test_answer_and_metrics_say_what_was_published(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = TOLD[name]
    client = Client(monkeypatch, source(name.partition("/")[0], **told.get("source", {})))
    body = told["body"] if isinstance(told["body"], str) else json.dumps(told["body"])
    status, _, answer = await client.post(body.encode(), **{"content-type": ""} | told["headers"])
    ((events, letters),) = client.published
    assert status == 202
    assert set(answer) - {"reasons"} == {"events", "ignored", "dead_letters"}
    assert (answer["events"], answer["dead_letters"]) == (len(events), len(letters))
    assert answer["events"] + answer["ignored"] + answer["dead_letters"] >= 1
    assert len(answer.get("reasons", [])) == answer["ignored"] + answer["dead_letters"]
    expected: dict[str, float] = {"sla_intake_requests_total": 1.0}
    if events:
        expected["sla_intake_events_total"] = float(len(events))
    for letter in letters:
        expected[f"sla_intake_dead_letters_total/{letter.reason}"] = 1.0
    if "ignored" in told:
        expected[f"sla_intake_ignored_total/{told['ignored']}"] = 1.0
        assert answer["reasons"] == [f"ignored: {told['ignored']}"]
    assert metrics_of(client) == expected


#: Values that nobody expects somewhere.
STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", " ", "deleted", "2026-11-23T14:00:00Z", "\ud800", "x" * 2000, "9" * 400]),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["name", "id", "login"]), st.none() | st.text(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in JSON but the whole."""
    if isinstance(value, dict):
        inner: Any = value.items()
    else:
        inner = enumerate(value) if isinstance(value, list) else ()
    return [each for key, of in inner for each in [(*path, key), *places(of, (*path, key))]]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, str], bytes]:
    """One of the deliveries with some of it replaced, taken away, or sent under another's headers;
    now and then something else entirely.
    """
    name = draw(st.sampled_from(sorted(TOLD)))
    told = TOLD[name]
    headers = dict(told["headers"])
    if draw(st.integers(0, 9)) == 0:
        headers = draw(st.sampled_from(list(TOLD.values())))["headers"]
    body = json.loads(json.dumps(told["body"]))
    for _ in range(draw(st.integers(1, 3))):
        paths = places(body)
        if not paths or draw(st.integers(0, 20)) == 0:
            body = draw(STRANGE)
            continue
        *way, last = draw(st.sampled_from(paths))
        inner = body
        for key in way:
            inner = inner[key]
        if draw(st.booleans()):
            inner[last] = draw(STRANGE)
        else:
            del inner[last]
    raw = body.encode("utf-8", "replace") if isinstance(body, str) else json.dumps(body).encode()
    return name.partition("/")[0], told.get("source", {}), headers, raw


@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(deliveries())
def test_any_delivery_is_translated_or_said_to_be_unusable(
    sent: tuple[Any, dict[str, Any], dict[str, str], bytes],
) -> None:
    vendor, told, headers, raw = sent
    whose = source(vendor, **told)
    found = understood(whose, headers, raw, ARRIVED, READ)
    assert len(found.events) + len(found.ignored) + len(found.letters) >= 1
    assert all("failed on it" not in letter.detail for letter in found.letters), raw
    ids = [event["id"] for event in found.events]
    assert len(set(ids)) == len(ids) or vendor == "cloudevents"
    if vendor != "cloudevents":
        clients = [event["data"].get("client_id", "") for event in found.events]
        assert not any("{" in client or "[" in client for client in clients), "a program's notation"
    for letter in found.letters:
        assert all(isinstance(value, bytes) for _, value in letter.headers())


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(deliveries())
async def test_any_delivery_is_answered(
    sent: tuple[Any, dict[str, Any], dict[str, str], bytes],
) -> None:
    vendor, told, headers, raw = sent
    with pytest.MonkeyPatch.context() as patch:
        client = Client(patch, source(vendor, **told))
        status, _, answer = await client.post(raw, **{"content-type": ""} | headers)
    assert status == 202
    assert answer["events"] + answer["ignored"] + answer["dead_letters"] >= 1


#: The folders of the shared deliveries: vendor, where the client is, and the words of the events
#: that each of the numbered files is to become; ``!`` is a dead letter, ``-`` nothing.
SHARED = {
    "fd": (
        "freshdesk",
        "company",
        """created assigned, created assigned, reopened, reopened waiting_on_client, !, ! assigned,
        created assigned, !, client_responded""",
    ),
    "gh": (
        "github",
        "repository.owner.login",
        """resolved, cancelled, resolved, -, client_responded, reclassified, severity_changed,
        waiting_on_client, -, created assigned""",
    ),
    "jira-cloud": (
        "jira",
        "fields.project.key",
        """severity_changed, created, created, created, assigned, resolved, waiting_on_client, -,
        -, client_responded""",
    ),
    "jira-dc": ("jira", "fields.project.key", "client_responded"),
    "zendesk": (
        "zendesk",
        "organization_id",
        """created queued, created queued, ! queued, created queued, created queued,
        created queued, created queued, created queued resolved,
        created assigned waiting_on_client, created assigned, created, -, waiting_on_client, -,
        resolved, -, reopened, cancelled, -, -, -, assigned, queued, queued, severity_changed, -,
        reclassified, -, client_responded, -""",
    ),
}


def github_headers(event: str) -> dict[str, str]:
    """What the shared deliveries of GitHub came with; the others need none."""
    return {"x-github-event": event, "x-github-delivery": "d"}


def test_deliveries_that_were_really_sent_are_understood() -> None:
    paths = sorted(shared_file("cases/webhooks/recorded").glob("*.json"))
    assert paths
    for path in paths:
        vendor, event = path.name.split(".")[:2]
        found = read(source(vendor), github_headers(event), json.loads(path.read_text()))
        assert not found.letters, f"{path.name}: {found.letters[0].detail}"


@pytest.mark.parametrize("folder", SHARED)
def test_deliveries_with_an_expectation_become_what_it_says(folder: str) -> None:
    vendor, field, expected = SHARED[folder]
    paths = sorted(shared_file(f"cases/webhooks/{folder}").glob("*.json"))
    zone = {"zone": "America/Argentina/Buenos_Aires"} if vendor == "freshdesk" else {}
    for path, words in zip(paths, expected.split(","), strict=True):
        body = json.loads(path.read_text())["body"]
        headers = github_headers("issue_comment" if "comment" in body else "issues")
        found = read(source(vendor, client_field=field, **zone), headers, body)
        said = ["!"] * len(found.letters) + [event["type"][7:] for event in found.events]
        assert (said or ["-"]) == words.split(), path
