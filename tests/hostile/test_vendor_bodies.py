"""Any verified delivery is answered with 202: each item in it becomes an event that the tracker
accepts, is ignored for a reason, or becomes a dead letter with a message.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import ROOT, default_book
from support.intake import ARRIVED, DELIVERIES, READ, WEBHOOKS, Client, read, source

from sla_engine.admission import admit
from sla_engine.wire.events import Received
from sla_intake.reading import Letter, understood
from sla_intake.vendors import TRANSLATE, cloudevents
from sla_lab.recording import Recorded
from sla_schemas.topics import DEAD_LETTERS, EVENTS, MAX_DEAD_LETTER_BYTES, MAX_INPUT_BYTES

BOOK = default_book()
#: How many deliveries are made up; ``make fuzz-http`` makes more of them.
EXAMPLES = int(os.environ.get("SLA_FUZZ_EXAMPLES", "400"))
SHARED = ROOT.parent / "shared" / "cases" / "webhooks"
#: Vendor, settings of its source, headers and body of each delivery that is known: those written
#: for the tests, and where they are those that systems sent.
KNOWN: Final[list[tuple[str, dict[str, Any], dict[str, str], Any]]] = [
    (path.parent.name, told.get("source", {}), told["headers"], told["body"])
    for path in DELIVERIES
    for told in [json.loads(path.read_text())]
]
VENDORS = {"fd": "freshdesk", "gh": "github", "jira-cloud": "jira", "jira-dc": "jira"}
for path in sorted(SHARED.glob("*/*.json")):
    vendor = VENDORS.get(path.parent.name, path.parent.name)
    body = json.loads(path.read_text())
    if vendor == "recorded":
        vendor = path.name.partition(".")[0]
    else:
        body = body["body"]
    KNOWN.append((vendor, {}, {"x-github-event": "issues", "x-github-delivery": "d"}, body))

#: What nobody expects somewhere, each for a fault that a program like this one had.
STRANGE: Final[list[Any]] = [
    None,
    True,
    -1,
    2**64,
    1e300,
    "",
    "\0",
    "²",
    "x" * 2000,
    "9" * 400,
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    [],
    [None],
    [[[]]],
    {},
    {"id": {}, "name": [], "login": 1},
]
ANY_JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([each for each in STRANGE if isinstance(each, str)]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "name", "login", "key", "value"]) | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything in JSON, the whole of it first."""
    inner: Any = enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict):
        inner = value.items()
    return [way] + [each for key, of in inner for each in places(of, (*way, key))]


def with_at(value: Any, way: tuple[Any, ...], put: Any) -> Any:
    """A copy with something else at a place."""
    if not way:
        return put
    copied = list(value) if isinstance(value, list) else dict(value)
    copied[way[0]] = with_at(copied[way[0]], way[1:], put)
    return copied


def taken(events: list[dict[str, Any]]) -> None:
    """Whether the tracker takes what was published; which severities there are, and which impact
    comes to one, is the policy's to say.
    """
    for each in events:
        key, value = each["subject"].encode(), json.dumps(each).encode()
        found = admit(Recorded(EVENTS.name, 0, 0, READ, key, value, []), BOOK, replay=False)
        ours = isinstance(found, Received) or found.reason in ("unclassifiable", "unknown_word")
        assert ours, found


def sayable(letters: list[Letter]) -> None:
    """Whether each letter says what it is, and the topic takes it."""
    for each in letters:
        assert each.detail
        assert "failed on it" not in each.detail
        headers = sum(len(name) + len(value) for name, value in each.headers())
        assert len(each.body) + headers < MAX_DEAD_LETTER_BYTES


@pytest.mark.parametrize("vendor", TRANSLATE)
def test_no_strange_value_at_any_place_makes_the_intake_fail(vendor: str) -> None:
    for path in (WEBHOOKS / vendor).glob("*.json"):
        told = json.loads(path.read_text())
        whose = source(vendor, **told.get("source", {}))
        for way in places(told["body"]):
            for put in STRANGE:
                found = read(whose, told["headers"], with_at(told["body"], way, put))
                assert found.events or found.letters or found.ignored
                sayable(found.letters)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, str], bytes]:
    """A known delivery, anything at some places of it, now and then under another's headers."""
    vendor, own, headers, body = draw(st.sampled_from(KNOWN))
    if draw(st.integers(0, 9)) == 0:
        headers = draw(st.sampled_from(KNOWN))[2]
    for _ in range(draw(st.integers(0, 3))):
        body = with_at(body, draw(st.sampled_from(places(body))), draw(ANY_JSON))
    raw = body.encode("utf-8", "replace") if isinstance(body, str) else json.dumps(body).encode()
    if draw(st.integers(0, 9)) == 0:
        raw = raw[: draw(st.integers(0, len(raw)))] + draw(st.binary(max_size=3))
    return vendor, own, headers, raw


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(deliveries())
@example(
    ("jira", {}, {}, b'{"webhookEvent":"jira:issue_updated","issue":{"id":"1"},"timestamp":1}')
)
@example(("github", {}, {"content-type": "application/x-www-form-urlencoded"}, b"payload=%ff"))
@example(("cloudevents", {}, {"ce-specversion": "1.0", "ce-id": "%ed%a0%80"}, b""))
async def test_any_delivery_that_carries_a_proof_is_answered_202(
    sent: tuple[Any, dict[str, Any], dict[str, str], bytes],
) -> None:
    vendor, own, headers, raw = sent
    with pytest.MonkeyPatch.context() as patch:
        client = Client(patch, source(vendor, **own))
        status, _, answer = await client.post(raw, **{"content-type": ""} | headers)
    assert status == 202
    ((events, letters),) = client.published
    assert answer["events"] + answer["ignored"] + answer["dead_letters"] >= 1
    taken(list(events))
    sayable(list(letters))


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(list(TRANSLATE)), ANY_JSON | st.binary(max_size=200))
def test_anything_at_all_is_read(vendor: Any, body: Any) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    for media_type in ("", cloudevents.STRUCTURED, cloudevents.BATCH):
        headers = {"content-type": media_type, "x-github-event": "issues"}
        sayable(understood(source(vendor), headers, raw, ARRIVED, READ).letters)


def an_event(number: int, **given: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "/x",
        "type": "ticket.reopened",
        "subject": "T",
        "time": "2026-11-23T17:42:10-03:00",
    } | given


def test_a_thousand_events_of_next_year_are_letters_and_none_an_event() -> None:
    batch = [an_event(number, time="2027-11-23T17:42:10-03:00") for number in range(1000)]
    found = read(source(), {"content-type": cloudevents.BATCH}, batch)
    assert found.events == []
    assert {letter.reason for letter in found.letters} == {"from_the_future"}
    assert len(found.letters) == 1000


def test_a_severity_of_nothing_is_refused_at_the_door() -> None:
    wrong = an_event(1, type="ticket.severity_changed", data={"kind": "incident"})
    (letter,) = read(source(), {"content-type": cloudevents.STRUCTURED}, wrong).letters
    assert letter.reason == "unclassifiable"


def test_a_delivery_of_nothing_but_mistakes_says_the_first_of_them() -> None:
    """Its dead letter and its answer would else outgrow what Kafka and the sender take."""
    told = json.loads((WEBHOOKS / "jira" / "several-changes-at-once.json").read_text())
    told["body"]["changelog"]["items"] = [
        {"field": "status", "toString": str(number)} for number in range(30_000)
    ]
    raw = json.dumps(told["body"]).encode()
    assert len(raw) < MAX_INPUT_BYTES
    (letter,) = understood(source("jira"), told["headers"], raw, ARRIVED, READ).letters
    sayable([letter])
    assert letter.detail.endswith("; and 29997 more")


def test_what_is_wrong_of_a_batch_takes_no_headers_along() -> None:
    headers = {"content-type": cloudevents.BATCH, "ce-more": "x" * 10_000}
    letters = read(source(), headers, [{}] * 1000).letters
    assert sum(len(value) for each in letters for _, value in each.headers()) < 1_000_000


async def test_a_fault_of_ours_on_one_event_of_a_batch_keeps_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    translate = TRANSLATE["cloudevents"]

    def fails(delivery: Any) -> Any:
        return translate(delivery) if delivery.json["id"] != "7" else 1 // 0

    monkeypatch.setitem(TRANSLATE, "cloudevents", fails)
    client = Client(monkeypatch)
    body = json.dumps([an_event(number) for number in range(10)]).encode()
    status, _, answer = await client.post(body, content_type=cloudevents.BATCH)
    assert (status, answer["events"], answer["dead_letters"]) == (202, 9, 1)
    assert "ZeroDivisionError" in answer["reasons"][0]
    ((_, (letter,)),) = client.published
    assert json.loads(letter.body)["id"] == "7"


async def test_what_fails_behind_the_reading_is_for_the_sender_to_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client(monkeypatch)

    async def fails(*_: Any) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    client.app._publish = fails
    status, headers, _ = await client.post(b"{}")
    assert (status, headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("length", ["²", "9" * 5000, "-1", "+1", "1_0", ""])
async def test_a_length_that_is_none_says_nothing(
    length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await Client(monkeypatch).post(b"{}", content_length=length))[0] == 202


@pytest.mark.parametrize("trace", ["x", "x" * 2000, "00-" + "0" * 32, "ña"])
async def test_a_trace_that_is_none_spoils_no_delivery(
    trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody on the way can write that header, and no proof covers it."""
    client = Client(monkeypatch)
    body = json.dumps(an_event(1)).encode()
    assert (await client.post(body, traceparent=trace))[2]["events"] == 1
    assert "traceparent" not in client.published[0][0][0]
    whole = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await client.post(body, traceparent=whole)
    assert client.published[1][0][0]["traceparent"] == whole


def test_the_topic_takes_the_largest_body_with_its_headers() -> None:
    assert DEAD_LETTERS.config["max.message.bytes"] == str(MAX_DEAD_LETTER_BYTES)
    body = b" " * MAX_INPUT_BYTES
    headers = {"content-type": "x", "ce-more": "y" * 32 * 1024}
    sayable(understood(source(), headers, body, ARRIVED, READ).letters)
