"""Decoding records: each kind of error has its reason; the fast types agree with the models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support import event

from sla_domain.event import EventType
from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.admission import admit
from sla_engine.wire.events import NotFast, Received, fast_event
from sla_engine.wire.records import Rejected
from sla_lab.recording import Recorded
from sla_schemas.events import TICKET_EVENT
from sla_schemas.limits import MAX_RECORD_BYTES

NOW = parse_instant("2026-11-18T08:26:00Z")
GOOD = event("assigned", "2026-11-18T08:00:00Z", group="first level")


def record(value: bytes | None, headers: Any = (), timestamp: int = NOW) -> Recorded:
    return Recorded("support.tickets.v1", 3, 17, timestamp, b"T-1", value, list(headers))


def verdict(book: PolicyBook, value: bytes | None, headers: Any = ()) -> str:
    """The reason of a rejection, ``ok`` for an event."""
    found = admit(record(value, headers), book, replay=False)
    return found.reason if isinstance(found, Rejected) else "ok"


def changed(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def data(**fields: Any) -> bytes:
    return changed(data={**GOOD["data"], **fields})


BAD = {
    "not JSON": (b"hello", "not_json"),
    "no value": (None, "not_json"),
    "empty": (b"", "not_json"),
    "cut off": (json.dumps(GOOD).encode()[:-5], "not_json"),
    "invalid UTF-8": (b'{"id": "\xff\xfe"}', "not_json"),
    "half a character": (json.dumps(GOOD).encode()[:-1] + b', "x": "\\ud800"}', "not_json"),
    "a number beyond all": (json.dumps(GOOD).encode()[:-1] + b', "x": 1e999}', "not_json"),
    "NaN": (json.dumps(GOOD).encode()[:-1] + b', "x": NaN}', "not_json"),
    "infinity": (json.dumps(GOOD).encode()[:-1] + b', "x": Infinity}', "not_json"),
    "a list": (b"[]", "not_cloudevents"),
    "a number": (b"42", "not_cloudevents"),
    "no specversion": (
        b'{"id": "1", "source": "/a", "type": "ticket.assigned"}',
        "not_cloudevents",
    ),
    "another specversion": (changed(specversion="0.3"), "not_cloudevents"),
    "no type": (
        json.dumps({k: v for k, v in GOOD.items() if k != "type"}).encode(),
        "not_cloudevents",
    ),
    "type is a list": (changed(type=["ticket.assigned"]), "not_cloudevents"),
    "id is a number": (changed(id=7), "not_cloudevents"),
    "empty id": (changed(id=""), "not_cloudevents"),
    "unknown type": (changed(type="ticket.teleported"), "unknown_type"),
    "no subject": (
        json.dumps({k: v for k, v in GOOD.items() if k != "subject"}).encode(),
        "invalid_data",
    ),
    "no time": (
        json.dumps({k: v for k, v in GOOD.items() if k != "time"}).encode(),
        "invalid_data",
    ),
    "naive time": (changed(time="2026-11-18T08:00:00"), "naive_time"),
    "a date": (changed(time="2026-11-18"), "invalid_data"),
    "a number as time": (changed(time=1_795_000_000), "invalid_data"),
    "no such day": (changed(time="2026-02-30T08:00:00Z"), "invalid_data"),
    "before 1970": (changed(time="1969-07-20T20:17:00Z"), "invalid_data"),
    "after 2100": (changed(time="2100-01-01T00:00:00Z"), "invalid_data"),
    "from the future": (changed(time="2026-11-18T09:00:00Z"), "from_the_future"),
    "data of a wrong type": (changed(data="x"), "invalid_data"),
    "data missing": (changed(data=None), "invalid_data"),
    "analyst is a number": (data(analyst_id=7), "invalid_data"),
    "naive communicated_at": (
        json.dumps(
            event("created", "2026-11-18T08:00:00Z", communicated_at="2026-11-18T07:00:00")
        ).encode(),
        "naive_time",
    ),
    "communicated in the future": (
        json.dumps(
            event("created", "2026-11-18T08:00:00Z", communicated_at="2026-11-18T09:00:00Z")
        ).encode(),
        "from_the_future",
    ),
    "unclassifiable": (
        json.dumps(
            event("severity_changed", "2026-11-18T08:00:00Z", impact="minor_fault")
        ).encode(),
        "unclassifiable",
    ),
    "long string": (data(group="x" * 1025), "too_large"),
    "long id": (changed(id="x" * 201), "too_large"),
    "a megabyte": (data(group="x" * 1_000_000), "too_large"),
    "deep": (changed(extra=json.loads("[" * 9 + "]" * 9)), "too_large"),
    "a depth bomb": (b"[" * 100_000, "too_large"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_has_a_reason(book: PolicyBook, name: str) -> None:
    value, reason = BAD[name]
    assert verdict(book, value) == reason


GOOD_ONES = {
    "as it is": json.dumps(GOOD).encode(),
    "with extensions": changed(comexampleextension1="value"),
    "deep as allowed": changed(extra=json.loads("[" * 7 + "]" * 7)),
    "brackets in a string": data(group="[" * 50 + '\\"{' * 50),
    "confluent frame": b"\x00\x00\x00\x00\x07" + json.dumps(GOOD).encode(),
    "space instead of T": changed(time="2026-11-18 08:00:00Z"),
    "five minutes ahead": changed(time="2026-11-18T08:31:00Z"),
    "data may be absent": json.dumps(
        {k: v for k, v in event("resolved", "2026-11-18T08:00:00Z").items() if k != "data"}
    ).encode(),
}


@pytest.mark.parametrize("name", GOOD_ONES)
def test_good_input_is_an_event(book: PolicyBook, name: str) -> None:
    assert verdict(book, GOOD_ONES[name]) == "ok"


def test_a_rejection_never_quotes_the_content(book: PolicyBook) -> None:
    found = admit(record(data(analyst_id=["secret"])), book, replay=False)
    assert isinstance(found, Rejected)
    assert "secret" not in found.detail
    assert "analyst_id" in found.detail


def test_unknown_fields_are_dropped_and_counted(book: PolicyBook) -> None:
    found = admit(record(data(subject_line="Help!", body="...")), book, replay=False)
    assert isinstance(found, Received)
    assert found.unknown_fields == 2
    assert found.event.facts == {"analyst_id": "ana", "group": "first level"}


def test_severities_by_the_names_of_the_source(book: PolicyBook) -> None:
    value = json.dumps(event("created", "2026-11-18T08:00:00Z", severity="Alto")).encode()
    found = admit(record(value), book, replay=False)
    assert isinstance(found, Received)
    assert found.event.facts["severity"] == "high"


def binary(**attributes: str) -> list[tuple[str, bytes]]:
    given = {
        name: GOOD[name] for name in ("specversion", "id", "source", "type", "subject", "time")
    }
    return [
        ("content-type", b"application/json"),
        *((f"ce_{name}", value.encode()) for name, value in {**given, **attributes}.items()),
    ]


def test_binary_mode_is_the_same_event(book: PolicyBook) -> None:
    structured = admit(record(json.dumps(GOOD).encode()), book, replay=False)
    value = json.dumps(GOOD["data"]).encode()
    assert admit(record(value, binary()), book, replay=False) == structured


def test_binary_headers_beside_a_structured_event_are_ignored(book: PolicyBook) -> None:
    headers = [*binary(type="ticket.resolved"), ("content-type", b"application/cloudevents+json")]
    found = admit(record(json.dumps(GOOD).encode(), headers), book, replay=False)
    assert isinstance(found, Received)
    assert found.event.type is EventType.ASSIGNED


def test_a_large_record_is_measured_not_parsed(book: PolicyBook) -> None:
    padded = json.dumps(GOOD).encode() + b" " * MAX_RECORD_BYTES
    assert verdict(book, padded) == "too_large"


junk = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("x" * 1100)
jsonish = st.recursive(
    junk, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)
words = st.sampled_from(
    [
        "acme",
        "",
        "high",
        "Alto",
        "incident",
        "feature_request",
        "question",
        "total_outage",
        "all_clients",
        "client",
        "phone",
        "vendor",
        "aivo",
        "standard",
        "spam",
        "2026-11-18T08:00:00Z",
        "2026-11-18T08:00:00.1239-03:00",
        "2026-11-18T08:00:00",
        "20261118",
    ]
)
FIELDS = sorted(
    {
        name
        for member in TICKET_EVENT.json_schema()["$defs"].values()
        for name in member["properties"]
    }
)


@settings(max_examples=800)
@given(
    st.sampled_from([f"ticket.{type_.word}" for type_ in EventType]),
    st.dictionaries(
        st.sampled_from(["id", "source", "subject", "time", "sequence"]), words | jsonish
    ),
    st.dictionaries(
        st.sampled_from(FIELDS),
        words
        | st.lists(st.sampled_from(["live", "other", "x"]))
        | jsonish
        | st.fixed_dictionaries({}, optional={"name": words | junk, "built_by": words | junk}),
    )
    | jsonish,
)
def test_the_fast_types_take_only_what_the_models_do_and_read_it_alike(
    type_: str, envelope: dict[str, Any], facts: Any
) -> None:
    raw = {**GOOD, **envelope, "type": type_, "data": facts}
    try:
        received = fast_event(raw)
    except NotFast:
        with pytest.raises(NotFast):
            fast_event(json.dumps(raw).encode())
        return
    assert fast_event(json.dumps(raw).encode()) == received
    ticket_id, fast, *_ = received
    try:
        model = TICKET_EVENT.validate_python(raw)
    except ValidationError as error:
        raise AssertionError(f"the models refuse {raw}") from error
    dumped = model.data.model_dump(exclude_none=True)
    assert (ticket_id, fast.occurred, fast.source, fast.id, fast.sequence) == (
        model.subject,
        model.time,
        model.source,
        model.id,
        model.sequence,
    )
    assert fast.facts == dumped


@pytest.mark.parametrize("type_", list(EventType), ids=lambda type_: type_.word)
def test_the_usual_event_of_each_type_is_read_fast(type_: EventType) -> None:
    given_data = {
        EventType.CREATED: {
            "client_id": "acme",
            "severity": "high",
            "affects": ["live"],
            "integration": {"name": "crm", "built_by": "aivo"},
            "communicated_at": "2026-11-18T07:59:00-03:00",
        },
        EventType.ASSIGNED: {"analyst_id": "ana"},
        EventType.SEVERITY_CHANGED: {"severity": "Alto"},
        EventType.RECLASSIFIED: {"kind": "incident", "severity": "low"},
        EventType.CONTACT_LOGGED: {"contact_id": "c1", "medium": "phone"},
        EventType.FEATURE_SUBSCRIBED: {"subscriber_id": "u1"},
        EventType.WAITING: {"party": "supplier"},
        EventType.MILESTONE_REACHED: {"name": "workaround"},
        EventType.QUEUED: {"group": "level2"},
        EventType.ABSORBED: {"ticket_id": "T-2", "communicated_at": "2026-11-18T07:59:00-03:00"},
        EventType.EXCEPTION_GRANTED: {
            "exception_id": "x1",
            "from": "2026-11-18T07:59:00-03:00",
            "reason": "agreed",
            "approved_by": "max",
        },
        EventType.EXCEPTION_WITHDRAWN: {"exception_id": "x1"},
    }.get(type_, {})
    raw = {**GOOD, "type": f"ticket.{type_.word}", "data": given_data}
    assert fast_event(raw).event.type is type_
    assert fast_event(json.dumps(raw).encode()).event.type is type_
