"""The intake's signature checks, translations and responses, without a network."""

from __future__ import annotations

import asyncio
import hmac
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from support.intake import (
    ARRIVED,
    DELIVERIES,
    NOW,
    READ,
    WEBHOOKS,
    Client,
    delivered,
    read,
    signed_as_a_hub,
    signed_by_zendesk,
    source,
)

from sla_domain.instant import MINUTE, format_instant
from sla_intake.arrival import Arrivals
from sla_intake.draft import Ignored, steps
from sla_intake.reading import understood
from sla_intake.redelivery import RedeliveryError, is_delivery, redelivered
from sla_intake.signature import (
    HUB_SIGNATURE,
    HUB_SIGNATURE_256,
    SHARED_SECRET,
    ZENDESK_TIMESTAMP,
    ForgedError,
    verify,
)
from sla_intake.sources import STATES, SourcesError, default_mapping, read_sources
from sla_intake.vendors import TRANSLATE
from sla_schemas.limits import MAX_RECORD_BYTES

OLD, NEW = b"the old secret", b"the new secret"
GOOD = json.dumps(
    {
        "specversion": "1.0",
        "id": "1",
        "source": "/x",
        "type": "ticket.created",
        "subject": "T",
        "time": "2026-11-23T17:42:10-03:00",
        "data": {"client_id": "acme"},
    }
).encode()


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_documented_delivery_becomes_the_events_it_means(path: Path) -> None:
    told, found = delivered(path)
    named = ("type", "subject", "time", "data")
    shown = [{name: each.get(name, {}) for name in named} for each in found.events]
    assert shown == told["events"]
    assert [letter.reason for letter in found.letters] == [
        each for each in [told.get("dead_letter")] if each
    ]
    assert found.ignored == [each for each in [told.get("ignored")] if each]


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_repeated_delivery_gives_the_same_ids_and_no_free_text(path: Path) -> None:
    (_, first), (_, second) = delivered(path), delivered(path)
    assert first == second
    assert len({event["id"] for event in first.events}) == len(first.events)
    for text in ("No puedo entrar", "Hola", "igual", "It breaks", "still", "No anda", "Ana"):
        assert text not in json.dumps(first.events, ensure_ascii=False)


def test_each_reason_to_ignore_a_delivery_is_among_them() -> None:
    found = {json.loads(path.read_text()).get("ignored") for path in DELIVERIES}
    assert found - {None} == set(get_args(Ignored))


BODY = '{"a": "ñ"}'.encode()
PROOFS = [
    ("zendesk", signed_by_zendesk(NEW, BODY)),
    ("zendesk", signed_by_zendesk(OLD, BODY)),
    ("zendesk", signed_by_zendesk(NEW, BODY, NOW - 5 * MINUTE)),
    ("github", signed_as_a_hub(HUB_SIGNATURE_256, OLD, BODY)),
    ("jira", signed_as_a_hub(HUB_SIGNATURE, NEW, BODY)),
    ("freshdesk", {SHARED_SECRET: NEW.decode()}),
    ("cloudevents", {"authorization": f"Bearer {OLD.decode()}"}),
]
FORGERIES = [
    ("zendesk", {}),
    ("zendesk", signed_by_zendesk(b"another", BODY)),
    ("zendesk", signed_by_zendesk(NEW, BODY + b" ")),
    ("zendesk", signed_by_zendesk(NEW, BODY, NOW - 5 * MINUTE - 1)),
    ("zendesk", signed_by_zendesk(NEW, BODY, NOW + 5 * MINUTE + 1)),
    ("zendesk", signed_by_zendesk(NEW, BODY) | {ZENDESK_TIMESTAMP: "yesterday"}),
    ("github", signed_as_a_hub(HUB_SIGNATURE_256, OLD, BODY + b"\n")),
    ("github", {HUB_SIGNATURE: "sha1=" + hmac.digest(NEW, BODY, "sha1").hex()}),
    ("github", {HUB_SIGNATURE_256: "sha256="}),
    ("jira", {}),
    ("freshdesk", {SHARED_SECRET: ""}),
    ("freshdesk", {SHARED_SECRET: "ñ\udcff"}),
    ("cloudevents", {"authorization": NEW.decode()}),
    ("cloudevents", {"authorization": "Bearer "}),
    ("github", signed_as_a_hub(HUB_SIGNATURE_256, b"", BODY)),
]


@pytest.mark.parametrize(("kind", "headers"), PROOFS)
def test_either_live_secret_proves_a_delivery(kind: Any, headers: dict[str, str]) -> None:
    verify(kind, [OLD, NEW], headers, BODY, NOW)


@pytest.mark.parametrize(("kind", "headers"), FORGERIES)
def test_nothing_else_does(kind: Any, headers: dict[str, str]) -> None:
    with pytest.raises(ForgedError):
        verify(kind, [OLD, NEW, b""], headers, BODY, NOW)


def test_the_step_from_any_state_to_any_other_is_known() -> None:
    states = (*STATES, "waiting:supplier", "waiting:licensor")
    for before in (None, *states):
        for now in states:
            # On hold what was waited for is, and what was not is not.
            nothing = before in {now, "cancelled"} or (
                now == "on_hold" and before not in {None, "resolved"}
            )
            assert (steps(before, now) == ()) == nothing, f"from {before} to {now}"


WAITS = ("waiting_on_client", "waiting:supplier", "waiting:licensor")


@pytest.mark.parametrize("now", WAITS)
@pytest.mark.parametrize("before", WAITS)
def test_waiting_for_somebody_else_is_one_event_that_no_client_answered(
    before: str, now: str
) -> None:
    party = "client" if now == "waiting_on_client" else now.removeprefix("waiting:")
    expected = () if before == now else (("waiting", {"party": party}),)
    assert steps(before, now) == expected


def test_the_client_has_one_name_and_the_third_party_its_old_event() -> None:
    """Policies pause on these two as they did before a source could name parties."""
    own = source("zendesk", mapping={"states": {"hold": "waiting:client"}})
    assert own.mapping.states["hold"] == "waiting_on_client"
    assert steps("open", "waiting_on_client") == (("waiting_on_client", {}),)
    third = ("waiting_on_client", {"party": "client_third_party"})
    assert steps("open", "waiting_on_third_party") == (third,)
    answered = ("client_responded", {})
    for before in WAITS:
        assert steps(before, "waiting_on_third_party") == (answered, third)


@pytest.mark.parametrize("vendor", ["zendesk", "jira", "freshdesk", "github"])
def test_every_vendor_has_a_mapping_of_each_state_and_severity(vendor: Any) -> None:
    mapping = default_mapping(vendor)
    assert {"open", "waiting_on_client", "resolved"} <= set(mapping.states.values())
    assert set(mapping.severities.values()) == {"blocker", "high", "medium", "low"}


def test_a_sources_own_words_come_before_the_defaults() -> None:
    own = source("zendesk", mapping={"states": {"Hold ": "waiting_on_client"}})
    assert own.mapping.states["hold"] == "waiting_on_client", "great or small letters"
    assert own.mapping.states["pending"] == "waiting_on_client"


FRESHDESK = "[[sources]]\nname='a'\nkind='freshdesk'\nsecret_envs=['S']\nclient_id='a'"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "sources"),
        ("[[sources]]\nname='a'\nkind='zendesk'\nsecret_envs=['S']", "client_id or client_field"),
        ("[[sources]]\nname='A b'\nkind='jira'\nsecret_envs=['S']", "name"),
        ("[[sources]]\nname='a'\nkind='cloudevents'\nsecret_envs=['NOT_SET']", "NOT_SET"),
        ("[[sources]]\nname='a'\nkind='telex'\nsecret_envs=['S']", "kind"),
        ("not toml", "not TOML"),
        (
            f"{FRESHDESK}\nzone = 'America/Bogta'",
            "is not a time zone; did you mean 'America/Bogota'",
        ),
        (f"{FRESHDESK}\nticket_field = 'key'", "ticket_field is only for jira"),
        ("[[sources]]\nname='a'\nkind='cloudevents'\nsecret_envs=['S']\nzone='UTC'", "offset"),
        (
            "[[sources]]\nname='a'\nkind='cloudevents'\nsecret_envs=['S']\nclient_field='c'",
            "client_field has no effect",
        ),
        (
            f"{FRESHDESK}\n[sources.mapping.states]\n6 = 'waiting_on_suplier'",
            r"sources\.0\.mapping\.states\.6: is not one of open, .*, nor 'waiting:' and a party, ",
        ),
        (
            f"{FRESHDESK}\n[sources.mapping.states]\n6 = 'waiting:The Supplier'",
            r"sources\.0\.mapping\.states\.6: names no party after 'waiting:'; write it as the pol",
        ),
        (f"{FRESHDESK}\n[sources.mapping.states]\n6 = 'waiting:'", "names no party"),
        (f"{FRESHDESK}\n[sources.mapping.states]\n6 = 'waiting:{'x' * 65}'", "names no party"),
        (f"{FRESHDESK}\n[sources.mapping.states]\n6 = 7", "6: is not a string in quotes"),
    ],
)
def test_a_wrong_sources_file_is_told_in_a_sentence(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "secret")
    file = tmp_path / "sources.toml"
    file.write_text(text)
    with pytest.raises(SourcesError, match=told):
        read_sources(file)


def test_the_settings_of_a_source_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S", "secret")
    file = tmp_path / "sources.toml"
    file.write_text(f"{FRESHDESK}\nclient_field = 'company'\nzone = 'America/Bogota'")
    (found,) = read_sources(file)
    assert (found.client_id, found.client_field, found.zone) == ("a", "company", "America/Bogota")
    monkeypatch.delenv("S")
    with pytest.raises(SourcesError, match="set S"):
        read_sources(file)
    assert read_sources(file, secrets=False) == [found], "to read letters again takes no secret"


async def test_an_answer_of_2xx_means_that_kafka_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(monkeypatch)
    assert (await client.post(GOOD, chunks=3))[0] == 202
    assert [event["id"] for event in client.published[0][0]] == ["1"]
    client.fails = True
    status, headers, told = await client.post(GOOD)
    assert (status, headers["retry-after"]) == (503, "5")
    assert told["detail"] == "Kafka did not acknowledge the events; send the delivery again"


async def test_what_is_not_understood_is_kept_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(monkeypatch)
    for body, reason in (
        (b"{", "not_json"),
        (b"[]", "not_cloudevents"),
        (GOOD.replace(b"acme", b""), "invalid_data"),
        (GOOD.replace(b"created", b"exploded"), "unknown_type"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 5000, "not_json"),
    ):
        status, _, told = await client.post(body)
        assert status == 202
        assert told["reasons"][0].startswith(reason)
        letter = client.published[-1][1][0]
        assert letter.reason == reason


@pytest.mark.parametrize(
    ("settings", "request_", "status"),
    [
        ({}, {"authorization": "Bearer no"}, 401),
        ({}, {"method": "GET"}, 405),
        ({"max_body_bytes": 10}, {}, 413),
        ({"max_body_bytes": 10}, {"content_length": "5", "chunks": 4}, 413),
        ({"body_seconds": 0.05}, {"chunks": 5, "pause": 0.03}, 408),
        ({}, {"content_encoding": "gzip"}, 415),
    ],
)
async def test_refusals_publish_nothing(
    settings: dict[str, Any],
    request_: dict[str, Any],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client(monkeypatch, **settings)
    found, headers, told = await client.post(GOOD, **request_)
    assert found == status == told["status"]
    assert headers["content-type"] == "application/problem+json"
    assert client.published == []


async def test_too_much_is_answered_with_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client(monkeypatch, requests_per_second=1.0)
    answers = [await client.post(GOOD) for _ in range(4)]
    assert [status for status, _, _ in answers] == [202, 202, 429, 429]
    assert int(answers[-1][1]["retry-after"]) >= 1
    crowded = Client(monkeypatch, in_flight=2)
    crowded.kafka.clear()
    waiting = [asyncio.create_task(crowded.post(GOOD)) for _ in range(3)]
    refused, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result()[0] for task in refused] == [503]
    crowded.kafka.set()
    assert sorted([(await each)[0] for each in waiting]) == [202, 202, 503]


def test_no_two_deliveries_of_a_process_arrive_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: NOW * 1_000_000)
    arrivals = Arrivals()
    told = [arrivals.next() for _ in range(2000)]
    assert told == sorted(set(told))


def opened() -> tuple[dict[str, str], dict[str, Any]]:
    """A delivery of GitHub: an issue was opened."""
    headers = {
        "content-type": "application/json",
        "x-github-event": "issues",
        "x-github-delivery": "9c1f",
        "x-hub-signature-256": "sha256=00",
    }
    told = {"number": 7, "created_at": "2026-11-23T12:00:00Z", "updated_at": "2026-11-23T12:00:00Z"}
    return headers, {"action": "opened", "repository": {"full_name": "o/r"}, "issue": told}


def test_a_letter_goes_through_the_mapping_again_as_it_was_delivered() -> None:
    before = source("github", client_field="issue.client")
    headers, body = opened()
    events, (letter,), _ = read(before, headers, body)
    assert not events
    kept = letter.headers()
    assert is_delivery(kept)
    assert not is_delivery([("sla-topic", b"support.tickets.v1")])
    assert not any(b"sha256" in value for _, value in kept), "no proof is kept"
    with pytest.raises(RedeliveryError, match="nothing at client_field"):
        redelivered(kept, letter.body, READ, [before])
    with pytest.raises(RedeliveryError, match="'/hooks/s'"):
        redelivered(kept, letter.body, READ, [])
    after = source("github")
    (record,) = redelivered(kept, letter.body, READ, [after])
    assert record.key == b"o/r#7"
    assert [json.loads(record.value)] == read(after, headers, body).events


def test_a_letter_that_is_no_concern_any_more_comes_to_nothing() -> None:
    headers, body = opened()
    body["action"] = "closed"
    body["issue"]["state_reason"] = "sold"
    own = source("github", mapping={"states": {"sold": "open"}})
    (letter,) = read(source("github"), headers, body).letters
    assert redelivered(letter.headers(), letter.body, READ, [own])
    body["action"] = "pinned"
    assert redelivered(letter.headers(), json.dumps(body).encode(), READ, [own]) == []


def test_json_is_read_whatever_it_is_called() -> None:
    headers, body = opened()
    for called in ("application/x-www-form-urlencoded", "text/plain", ""):
        assert read(source("github"), headers | {"content-type": called}, body).events


def test_what_was_wrong_in_a_batch_goes_again_by_itself() -> None:
    headers = {"content-type": "application/cloudevents-batch+json"}
    good = json.loads(GOOD)
    events, (letter,), _ = read(source(), headers, [good, good | {"data": {"client_id": ""}}])
    assert len(events) == 1
    mended = letter.body.replace(b'""', b'"acme"')
    (record,) = redelivered(letter.headers(), mended, READ, [source()])
    assert json.loads(record.value) == good | {
        "source": "/cloudevents/s/x",
        "time": "2026-11-23T20:42:10.000Z",
    }


def test_the_severity_that_was_not_understood_is_told_as_a_change() -> None:
    """What was published stands, so a second ``created`` with a severity would say nothing."""
    path = WEBHOOKS / "zendesk" / "created-unknown-priority.json"
    _, (events, (letter,), _) = delivered(path)
    assert [event["type"] for event in events] == ["ticket.created", "ticket.assigned"]
    with pytest.raises(RedeliveryError, match="'BURNING' is not in the mapping"):
        redelivered(letter.headers(), letter.body, READ, [source("zendesk")])
    own = source("zendesk", mapping={"severities": {"burning": "blocker"}})
    severity, copy = [
        json.loads(record.value)
        for record in redelivered(letter.headers(), letter.body, READ, [own])
    ]
    assert (severity["type"], severity["data"]) == (
        "ticket.severity_changed",
        {"severity": "blocker"},
    )
    assert severity["time"] == events[0]["time"]
    assert severity["id"] not in {event["id"] for event in events}
    assert copy == events[1]


def test_what_was_not_published_lacks_nothing() -> None:
    """Neither client nor severity was understood, so ``created`` itself is told afterwards."""
    told = json.loads((WEBHOOKS / "zendesk" / "created-unknown-priority.json").read_text())
    told["body"]["detail"]["organization_id"] = None
    before = source("zendesk", client_field="organization_id")
    (letter,) = read(before, told["headers"], told["body"]).letters
    own = source("zendesk", mapping={"severities": {"burning": "blocker"}})
    created, _ = redelivered(letter.headers(), letter.body, READ, [own])
    assert json.loads(created.value)["type"] == "ticket.created"
    assert json.loads(created.value)["data"]["severity"] == "blocker"


def test_a_record_that_the_tracker_would_not_take_is_a_letter() -> None:
    headers = {"content-type": "application/cloudevents+json"}
    large = json.loads(GOOD)
    large["data"]["more"] = "x" * MAX_RECORD_BYTES
    (letter,) = read(source(), headers, large).letters
    assert letter.reason == "too_large"
    assert f"at most {MAX_RECORD_BYTES}" in letter.detail


def test_a_letter_without_its_arrival_arrived_when_it_was_appended() -> None:
    headers, body = opened()
    (letter,) = read(source("github", client_field="issue.client"), headers, body).letters
    old = [pair for pair in letter.headers() if pair[0] != "sla-arrived"]
    (record,) = redelivered(old, letter.body, NOW, [source("github")])
    assert json.loads(record.value)["sequence"].startswith(format_instant(NOW)[:-1])


def test_what_is_from_the_future_goes_again_once_its_time_has_come() -> None:
    headers = {"content-type": "application/cloudevents+json"}
    ahead = json.loads(GOOD) | {"time": format_instant(READ + 6 * MINUTE)}
    (letter,) = read(source(), headers, ahead).letters
    assert letter.reason == "from_the_future"
    late = understood(source(), headers, letter.body, ARRIVED, READ + 2 * MINUTE)
    assert [event["id"] for event in late.events] == ["1"]


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2026-11-23 09:00:00", "2026-11-23T14:00:00.000Z"),
        ("2026-07-01T09:00:00", "2026-07-01T13:00:00.000Z"),
        ("2026-11-01 01:30:00", "2026-11-01T05:30:00.000Z"),
        ("2026-03-08 02:30:00", "2026-03-08T07:30:00.000Z"),
        ("2026-11-23T09:00:00+01:00", "2026-11-23T08:00:00.000Z"),
    ],
    ids=["winter", "summer", "twice: the first", "never: by the offset before", "has an offset"],
)
def test_a_time_without_an_offset_is_of_the_sources_zone(local: str, instant: str) -> None:
    body = {"ticket_id": "1", "event": "customer_replied", "updated_at": local}
    found = read(
        source("freshdesk", zone="America/New_York"), {}, {"freshdesk_webhook": body}
    ).events
    assert [event["time"] for event in found] == [instant]


@pytest.mark.parametrize("wrong", ["2026-11-23", "23/11/2026 09:00", "9999-12-31 23:59:59", "x"])
def test_what_is_no_time_is_said_so(wrong: str) -> None:
    body = {"ticket_id": "1", "event": "customer_replied", "updated_at": wrong}
    (letter,) = read(
        source("freshdesk", zone="America/New_York"), {}, {"freshdesk_webhook": body}
    ).letters
    assert letter.detail == "updated_at is no time"


async def test_a_fault_of_ours_keeps_the_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(TRANSLATE, "cloudevents", fails)
    status, _, told = await (client := Client(monkeypatch)).post(GOOD)
    assert (status, told["dead_letters"]) == (202, 1)
    assert client.published[0][1][0].body == GOOD
