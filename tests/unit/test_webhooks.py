"""The intake's proofs, translations and answers, without a network."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from support import ROOT

from sla_domain.instant import MINUTE, format_instant
from sla_intake.app import Intake
from sla_intake.arrival import Arrivals, arrival_text
from sla_intake.draft import steps
from sla_intake.metrics import IntakeMetrics
from sla_intake.publisher import NotAcknowledgedError
from sla_intake.reading import Letter, understood
from sla_intake.redelivery import RedeliveryError, is_delivery, redelivered
from sla_intake.settings import IntakeSettings
from sla_intake.signature import (
    HUB_SIGNATURE,
    HUB_SIGNATURE_256,
    SHARED_SECRET,
    ZENDESK_SIGNATURE,
    ZENDESK_TIMESTAMP,
    ForgedError,
    verify,
)
from sla_intake.sources import Source, SourcesError, default_mapping, read_sources

WEBHOOKS = ROOT / "tests" / "fixtures" / "webhooks"
DELIVERIES = sorted(WEBHOOKS.glob("*/*.json"))
NOW = 1_795_446_727_000
ARRIVED = arrival_text(NOW * 1000)
OLD, NEW = b"the old secret", b"the new secret"


def source(kind: str = "cloudevents", **given: Any) -> Source:
    """A source with the vendor's default mapping."""
    given = {"client_id": "acme"} | given
    return Source(name="s", kind=kind, secret_envs=["S"], **given).complete()  # type: ignore[arg-type]


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_documented_delivery_becomes_the_events_it_means(path: Path) -> None:
    told = json.loads(path.read_text())
    kind = path.parent.name
    given = (
        {"client_id": None, "client_field": told["client_field"]} if "client_field" in told else {}
    )
    body = json.dumps(told["body"]).encode()
    events, letters = understood(source(kind, **given), told["headers"], body, ARRIVED)
    shown = [{name: each[name] for name in ("type", "subject", "time", "data")} for each in events]
    for each in shown:
        each["data"] = each["data"] or {}
    assert shown == told["events"]
    assert [letter.reason for letter in letters] == [
        each for each in [told.get("dead_letter")] if each
    ]


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_repeated_delivery_gives_the_same_ids_and_no_free_text(path: Path) -> None:
    told = json.loads(path.read_text())
    kind = path.parent.name
    given = (
        {"client_id": None, "client_field": told["client_field"]} if "client_field" in told else {}
    )
    body = json.dumps(told["body"]).encode()
    first, _ = understood(source(kind, **given), told["headers"], body, ARRIVED)
    second, _ = understood(source(kind, **given), told["headers"], body, ARRIVED)
    assert first == second
    assert len({event["id"] for event in first}) == len(first)
    for text in ("No puedo entrar", "Hola", "Sigue igual", "It breaks", "No anda", "Ana"):
        assert text not in json.dumps(first, ensure_ascii=False)


def zendesk(secret: bytes, body: bytes, at: int = NOW) -> dict[str, str]:
    stamp = format_instant(at)
    signature = b64encode(hmac.digest(secret, stamp.encode() + body, "sha256")).decode()
    return {ZENDESK_TIMESTAMP: stamp, ZENDESK_SIGNATURE: signature}


def hub(name: str, secret: bytes, body: bytes) -> dict[str, str]:
    return {name: "sha256=" + hmac.digest(secret, body, "sha256").hex()}


BODY = '{"a": "ñ"}'.encode()
PROOFS = [
    ("zendesk", zendesk(NEW, BODY)),
    ("zendesk", zendesk(OLD, BODY)),
    ("zendesk", zendesk(NEW, BODY, NOW - 5 * MINUTE)),
    ("github", hub(HUB_SIGNATURE_256, OLD, BODY)),
    ("jira", hub(HUB_SIGNATURE, NEW, BODY)),
    ("freshdesk", {SHARED_SECRET: NEW.decode()}),
    ("cloudevents", {"authorization": f"Bearer {OLD.decode()}"}),
]
FORGERIES = [
    ("zendesk", {}),
    ("zendesk", zendesk(b"another", BODY)),
    ("zendesk", zendesk(NEW, BODY + b" ")),
    ("zendesk", zendesk(NEW, BODY, NOW - 5 * MINUTE - 1)),
    ("zendesk", zendesk(NEW, BODY, NOW + 5 * MINUTE + 1)),
    ("zendesk", zendesk(NEW, BODY) | {ZENDESK_TIMESTAMP: "yesterday"}),
    ("github", hub(HUB_SIGNATURE_256, OLD, BODY + b"\n")),
    ("github", {HUB_SIGNATURE: "sha1=" + hmac.digest(NEW, BODY, "sha1").hex()}),
    ("github", {HUB_SIGNATURE_256: "sha256="}),
    ("jira", {}),
    ("freshdesk", {SHARED_SECRET: ""}),
    ("freshdesk", {SHARED_SECRET: "ñ\udcff"}),
    ("cloudevents", {"authorization": NEW.decode()}),
    ("cloudevents", {"authorization": "Bearer "}),
]


@pytest.mark.parametrize(("kind", "headers"), PROOFS)
def test_either_live_secret_proves_a_delivery(kind: Any, headers: dict[str, str]) -> None:
    verify(kind, [OLD, NEW], headers, BODY, NOW)


@pytest.mark.parametrize(("kind", "headers"), FORGERIES)
def test_nothing_else_does(kind: Any, headers: dict[str, str]) -> None:
    with pytest.raises(ForgedError):
        verify(kind, [OLD, NEW], headers, BODY, NOW)


def test_the_step_from_any_state_to_any_other_is_known() -> None:
    states = ("open", "waiting_on_client", "resolved", "cancelled")
    for before in (None, *states):
        for now in states:
            if before not in (now, "cancelled"):
                assert steps(before, now), f"nothing happens from {before} to {now}"


@pytest.mark.parametrize("vendor", ["zendesk", "jira", "freshdesk", "github"])
def test_every_vendor_has_a_mapping_of_each_state_and_severity(vendor: Any) -> None:
    mapping = default_mapping(vendor)
    assert {"open", "waiting_on_client", "resolved"} <= set(mapping.states.values())
    assert set(mapping.severities.values()) == {"blocker", "high", "medium", "low"}


def test_a_sources_own_words_come_before_the_defaults() -> None:
    own = source("zendesk", mapping={"states": {"hold": "waiting_on_client"}})
    assert own.mapping.states["hold"] == "waiting_on_client"
    assert own.mapping.states["pending"] == "waiting_on_client"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "sources"),
        ("[[sources]]\nname='a'\nkind='zendesk'\nsecret_envs=['S']", "client_id or client_field"),
        ("[[sources]]\nname='A b'\nkind='jira'\nsecret_envs=['S']", "name"),
        ("[[sources]]\nname='a'\nkind='cloudevents'\nsecret_envs=['NOT_SET']", "NOT_SET"),
        ("[[sources]]\nname='a'\nkind='telex'\nsecret_envs=['S']", "kind"),
        ("not toml", "not TOML"),
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


class Client:
    """Calls the application as a server would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        monkeypatch.setenv("S", NEW.decode())
        self.published: list[tuple[Sequence[dict[str, Any]], Sequence[Letter]]] = []
        self.fails = False
        self.app = Intake(
            [source()],
            self._publish,
            IntakeSettings(**settings),
            IntakeMetrics(CollectorRegistry(), ["s"]),
            self._others,
        )

    async def _publish(self, events: Any, letters: Any) -> None:
        if self.fails:
            raise NotAcknowledgedError("RequestTimedOutError")
        self.published.append((events, letters))

    async def _others(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody else is asked")

    async def post(
        self, body: bytes, chunks: int = 1, pause: float = 0.0, method: str = "POST", **headers: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        given = {
            "authorization": f"Bearer {NEW.decode()}",
            "content-type": "application/cloudevents+json",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        size = -(-len(body) // chunks)
        parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(pause)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: Any) -> None:
            sent.append(message)

        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        scope = {"type": "http", "path": "/hooks/s", "method": method, "headers": raw}
        await self.app(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], answered, json.loads(sent[1]["body"])


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


async def test_an_answer_of_2xx_means_that_kafka_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(monkeypatch)
    assert (await client.post(GOOD, chunks=3))[0] == 202
    assert [event["id"] for event in client.published[0][0]] == ["1"]
    client.fails = True
    status, headers, told = await client.post(GOOD)
    assert (status, headers["retry-after"]) == (503, "5")
    assert told["detail"] == "Kafka did not acknowledge; send it again"


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
    slow = [asyncio.create_task(crowded.post(GOOD, pause=0.2)) for _ in range(3)]
    statuses = sorted([(await each)[0] for each in slow])
    assert statuses == [202, 202, 503]


def test_no_two_deliveries_of_a_process_arrive_at_once() -> None:
    arrivals = Arrivals()
    told = [arrivals.next() for _ in range(2000)]
    assert told == sorted(set(told))


def opened(**issue: Any) -> tuple[dict[str, str], bytes]:
    """A delivery of GitHub: an issue was opened."""
    headers = {
        "content-type": "application/json",
        "x-github-event": "issues",
        "x-github-delivery": "9c1f",
        "x-hub-signature-256": "sha256=00",
    }
    told = {"number": 7, "created_at": "2026-11-23T12:00:00Z", "updated_at": "2026-11-23T12:00:00Z"}
    body = {"action": "opened", "repository": {"full_name": "o/r"}, "issue": told | issue}
    return headers, json.dumps(body).encode()


def test_a_letter_goes_through_the_mapping_again_as_it_was_delivered() -> None:
    before = source("github", client_id=None, client_field="issue.client")
    headers, body = opened()
    events, (letter,) = understood(before, headers, body, ARRIVED)
    assert not events
    kept = letter.headers()
    assert is_delivery(kept)
    assert not is_delivery([("sla-topic", b"support.tickets.v1")])
    assert not any(b"sha256" in value for _, value in kept), "no proof is kept"
    with pytest.raises(RedeliveryError, match="nothing at client_field"):
        redelivered(kept, letter.body, NOW, [before])
    with pytest.raises(RedeliveryError, match="'/hooks/s'"):
        redelivered(kept, letter.body, NOW, [])
    after = source("github")
    (record,) = redelivered(kept, letter.body, NOW, [after])
    assert record.key == b"o/r#7"
    assert [json.loads(record.value)] == understood(after, headers, body, ARRIVED).events


def test_what_was_wrong_in_a_batch_goes_again_by_itself() -> None:
    headers = {"content-type": "application/cloudevents-batch+json"}
    good = json.loads(GOOD)
    body = json.dumps([good, good | {"data": {"client_id": ""}}]).encode()
    events, (letter,) = understood(source(), headers, body, ARRIVED)
    assert len(events) == 1
    mended = letter.body.replace(b'""', b'"acme"')
    (record,) = redelivered(letter.headers(), mended, NOW, [source()])
    assert json.loads(record.value) == good
