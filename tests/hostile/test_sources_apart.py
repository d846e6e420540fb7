"""A source can only publish under its own name, about tickets with its prefix, for its own client
if it is bound to one, and only with words that the contract knows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from support.intake import DELIVERIES, read, source

from sla_config.secrets import SecretError, secret_file
from sla_intake.sources import SourcesError, read_sources
from sla_intake.vendors import cloudevents
from sla_schemas.events import TICKET_EVENT

PREFIX = "OWN-"
FREE_TEXT = "Ana wrote: it does not work"
BOUND = source("cloudevents", client_id="acme", ticket_prefix=PREFIX)
SENT = {"content-type": cloudevents.STRUCTURED}
#: Names that other sources speak under, tickets that are theirs.
THEIRS = st.sampled_from(
    ["/zendesk/acme-zendesk", "zendesk", "/", "//", "../zendesk", "/cloudevents/s", "x" * 1000, ""]
)
TICKETS = st.sampled_from(["5158", "ZD-5158", PREFIX, "OWN-1", "o/r#7", " ", "", "x" * 200])
DATA = st.fixed_dictionaries(
    {},
    optional={
        "client_id": st.sampled_from(["acme", "globex", "", None, 7]),
        "analyst_id": st.just("ana"),
        "kind": st.just("incident"),
        "severity": st.just("high"),
        "merged_into": TICKETS,
        "ticket_id": TICKETS,
        "communicated_at": st.just("2026-11-23T17:42:10-03:00"),
        "integration": st.just({"name": "crm", "note": FREE_TEXT}),
        "subject": st.just(FREE_TEXT),
        "comment": st.just({"body": [FREE_TEXT]}),
    },
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    word = draw(
        st.sampled_from(
            ["created", "assigned", "cancelled", "resolved", "reclassified", "absorbed"]
        )
    )
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": draw(THEIRS),
        "type": f"ticket.{word}",
        "subject": draw(TICKETS),
        "time": "2026-11-23T17:42:10-03:00",
        "note": FREE_TEXT,
        "traceparent": FREE_TEXT,
    }
    return event | ({"data": draw(DATA)} if draw(st.booleans()) else {})


def known(model: BaseModel, told: dict[str, Any]) -> bool:
    """Whether all of it are fields of the contract, in what lies within too."""
    fields = type(model).model_fields
    return set(told) <= set(fields) and all(
        known(inner, told[name])
        for name in told
        if isinstance(inner := getattr(model, name), BaseModel)
    )


@settings(max_examples=300)
@given(events())
def test_whatever_it_sends_it_speaks_for_itself(event: dict[str, Any]) -> None:
    found = read(BOUND, SENT, event)
    assert len(found.events) + len(found.letters) == 1
    for published in found.events:
        assert published["source"].startswith("/cloudevents/s/")
        assert published["subject"].startswith(PREFIX)
        for name in ("merged_into", "ticket_id"):
            assert published["data"].get(name, PREFIX).startswith(PREFIX)
        assert published["data"].get("client_id", "acme") == "acme"
        assert FREE_TEXT not in json.dumps(published)
        assert known(TICKET_EVENT.validate_python(published), published)


def test_two_that_send_through_one_source_keep_their_ids_apart() -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "type": "ticket.resolved",
        "subject": "T",
        "time": "2026-11-23T17:42:10Z",
    }
    found = [read(BOUND, SENT, event | {"source": name}).events[0] for name in ("/a", "/b")]
    assert len({each["source"] for each in found}) == 2


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_so_does_every_vendor_and_no_text_comes_along(path: Path) -> None:
    told = json.loads(path.read_text())
    own = source(path.parent.name, **told.get("source", {}), ticket_prefix=PREFIX)
    body = told["body"] if isinstance(told["body"], str) else with_text(told["body"])
    found = read(own, told["headers"], body).events
    for event in found:
        assert event["subject"].startswith(PREFIX)
        assert event["source"].startswith(f"/{path.parent.name}/s")
        for name in ("merged_into", "ticket_id"):
            assert event["data"].get(name, PREFIX).startswith(PREFIX)
        assert known(TICKET_EVENT.validate_python(event), event)
        assert FREE_TEXT not in json.dumps(event)


def with_text(value: Any) -> Any:
    """The same with a field more in each object."""
    if isinstance(value, dict):
        return {name: with_text(each) for name, each in value.items()} | {"more": FREE_TEXT}
    return [with_text(each) for each in value] if isinstance(value, list) else value


def test_a_ticket_of_another_client_is_a_dead_letter_that_says_so() -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/x",
        "type": "ticket.created",
        "subject": "T",
        "time": "2026-11-23T17:42:10Z",
        "data": {"client_id": "globex"},
    }
    (letter,) = read(BOUND, SENT, event).letters
    assert letter.detail == "client_id is another than that of source 's', 'acme'"
    (taken,) = read(source(client_id=None), SENT, event).events
    assert taken["data"]["client_id"] == "globex", "a source may be of many clients"
    del event["data"]
    (taken,) = read(BOUND, SENT, event).events
    assert taken["data"] == {"client_id": "acme"}


def of(name: str, kind: str = "zendesk", more: str = "client_id='acme'") -> str:
    return f"[[sources]]\nname='{name}'\nkind='{kind}'\nsecret_envs=['S']\n{more}\n"


A = of("a", more="client_id='acme'\nticket_prefix='A-'")
MANY = of("a", more="client_field='organization_id'\nticket_prefix='A-'")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (of("a") + of("b"), "each needs a ticket_prefix.*add one to 'a', 'b'"),
        (A + of("b"), "add one to 'b'"),
        (A + of("b", "jira"), "add one to 'b'"),
        (A + of("b", more="client_id='b'\nticket_prefix='A-'"), "to share tickets, name"),
        (A + of("b", "jira", "client_id='b'\nticket_prefix='A-B-'"), "begins with that of 'a'"),
        (A + of("b", more="client_id='b'\nticket_prefix='A'"), "begins with that of 'b'"),
        (A + of("b", "cloudevents", "tickets_of='c'"), "is not a source with its own tickets"),
        (A + of("b", "cloudevents", "tickets_of='b'"), "is not a source with its own tickets"),
        (
            A + of("b", "cloudevents", "tickets_of='a'\nticket_prefix='B-'"),
            "uses the prefix of 'a', so ticket_prefix has no effect",
        ),
        (A + of("b", "cloudevents", "tickets_of='a'\nclient_id='b'"), "which it could cancel"),
        (MANY + of("b", "cloudevents", "tickets_of='a'\nclient_id='b'"), "which it could cancel"),
    ],
)
def test_sources_that_could_speak_for_one_another_are_refused(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "secret")
    (tmp_path / "sources.toml").write_text(text)
    with pytest.raises(SourcesError, match=told) as refused:
        read_sources(tmp_path / "sources.toml")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        of("a"),
        A + of("b", more="client_id='b'\nticket_prefix='B-'"),
        A + of("b", "cloudevents", "tickets_of='a'\nclient_id='acme'"),
        A + of("b", "cloudevents", "tickets_of='a'"),
        MANY + of("b", "cloudevents", "tickets_of='a'"),
    ],
    ids=["one", "prefixes", "shared, same client", "shared, any client", "shared, of many"],
)
def test_those_that_can_not_are_taken(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "secret")
    (tmp_path / "sources.toml").write_text(text)
    found = read_sources(tmp_path / "sources.toml")
    assert all(each.ticket_prefix == "A-" for each in found if each.tickets_of)


@pytest.mark.parametrize("blank", ["", "\n", "  \n", "\r\n"])
def test_an_empty_secret_is_none(
    blank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be a key that everybody has."""
    (tmp_path / "sources.toml").write_text(of("a"))
    (tmp_path / "secret").write_text(blank)
    monkeypatch.setenv("S", blank.strip("\r\n"))
    with pytest.raises(SourcesError, match="needs a secret: set S"):
        read_sources(tmp_path / "sources.toml")
    monkeypatch.setenv("S_FILE", str(tmp_path / "secret"))
    with pytest.raises(SecretError, match="named by S_FILE, is empty"):
        read_sources(tmp_path / "sources.toml")
    with pytest.raises(SecretError, match="is empty"):
        secret_file(tmp_path / "secret", "SLA_HTTP_METRICS_TOKEN_FILE")
