"""The intake with a real Kafka, over HTTP."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from sla_intake.redelivery import RedeliveryError, redelivered
from sla_intake.sources import Source
from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program
from sla_schemas.topics import DEAD_LETTERS, EVENTS

pytestmark = pytest.mark.kafka

SOURCES = """
[[sources]]
name = "acme-zendesk"
kind = "zendesk"
secret_envs = ["ZENDESK_SECRET"]
client_id = "acme"
ticket_prefix = "ZD-"
[[sources]]
name = "own"
kind = "cloudevents"
secret_envs = ["OWN_TOKEN"]
client_id = "own"
ticket_prefix = "OWN-"
"""
OWN = Source(name="own", kind="cloudevents", secret_envs=["OWN_TOKEN"])


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    """A broker of these tests' own: one of them freezes it."""
    with EmbeddedKafka() as running:
        asyncio.run(create_topics(KafkaSettings(bootstrap=running.bootstrap), 3))
        yield running


@pytest.fixture(scope="module")
def intake(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """An intake with two sources."""
    directory = tmp_path_factory.mktemp("intake")
    sources = directory / "sources.toml"
    sources.write_text(SOURCES)
    running = Program(
        "intake",
        broker.bootstrap,
        directory / "intake.log",
        ["--sources", str(sources)],
        environment={
            "ZENDESK_SECRET": "zendesk",
            "OWN_TOKEN": "own",
            "SLA_INTAKE_HEADER_SECONDS": "1",
            "SLA_INTAKE_KAFKA_SECONDS": "3",
        },
    )
    running.wait_until_ready()
    yield running
    assert running.stop() == 0


def post(
    intake: Program, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and JSON of the answer."""
    request = urllib.request.Request(f"{intake.url}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), json.load(error)


def own(
    body: Any, media_type: str = "application/cloudevents+json"
) -> tuple[bytes, dict[str, str]]:
    """A request of the source ``own``."""
    headers = {"Authorization": "Bearer own", "Content-Type": media_type}
    return json.dumps(body).encode(), headers


def created(ticket: str) -> dict[str, Any]:
    """A ticket's first event."""
    return {
        "specversion": "1.0",
        "id": f"{ticket}-1",
        "source": "/own",
        "type": "ticket.created",
        "subject": ticket,
        "time": datetime.now(UTC).isoformat(),
        "data": {"client_id": "own", "severity": "high"},
    }


async def test_a_zendesk_delivery_is_on_the_topic_when_it_is_answered(
    intake: Program, broker: EmbeddedKafka
) -> None:
    settings = KafkaSettings(bootstrap=broker.bootstrap)
    told = json.loads((ROOT / "tests/fixtures/webhooks/zendesk/created.json").read_text())
    stamp = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    told["body"]["time"] = told["body"]["detail"]["created_at"] = stamp
    body = json.dumps(told["body"]).encode()
    signature = b64encode(hmac.digest(b"zendesk", stamp.encode() + body, "sha256")).decode()
    headers = {
        "X-Zendesk-Webhook-Signature": signature,
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
    }
    status, _, answer = post(intake, "/hooks/acme-zendesk", body, headers)
    assert (status, answer) == (202, {"events": 2, "ignored": 0, "dead_letters": 0})
    found = [r for r in await read_topic(settings, EVENTS.name) if r.key == b"ZD-5158"]
    assert [json.loads(record.value)["type"] for record in found] == [
        "ticket.created",
        "ticket.assigned",
    ]
    forged = post(intake, "/hooks/acme-zendesk", body + b" ", headers)
    assert forged[0] == 401
    assert b"zendesk" not in json.dumps(forged[2]).encode().replace(b"x-zendesk", b"")


async def test_what_is_not_understood_is_a_dead_letter_as_it_came(
    intake: Program, broker: EmbeddedKafka
) -> None:
    settings = KafkaSettings(bootstrap=broker.bootstrap)
    body, headers = b'{"no": "event"}', own({})[1]
    status, _, answer = post(intake, "/hooks/own", body, headers)
    assert (status, answer["dead_letters"]) == (202, 1)
    (letter,) = [r for r in await read_topic(settings, DEAD_LETTERS.name) if r.value == body]
    assert dict(letter.headers)["sla-topic"] == b"http:/hooks/own"
    assert dict(letter.headers)["sla-reason"]
    with pytest.raises(RedeliveryError, match="unknown_type"):
        redelivered(letter.headers, letter.value, letter.timestamp, [OWN])
    with pytest.raises(RedeliveryError, match="'/hooks/own'"):
        redelivered(letter.headers, letter.value, letter.timestamp, [])


async def test_a_source_speaks_for_itself_alone(intake: Program, broker: EmbeddedKafka) -> None:
    settings = KafkaSettings(bootstrap=broker.bootstrap)
    cancelled = created("ZD-5158") | {
        "source": "/zendesk/acme-zendesk",
        "type": "ticket.cancelled",
        "data": {"reason": "spam", "note": "free text"},
    }
    theirs = created("mine") | {"data": {"client_id": "acme"}}
    body, headers = own([cancelled, theirs], "application/cloudevents-batch+json")
    assert post(intake, "/hooks/own", body, headers)[2]["dead_letters"] == 1
    found = [r for r in await read_topic(settings, EVENTS.name) if b"5158-1" in (r.value or b"")]
    assert [record.key for record in found] == [b"OWN-ZD-5158"]
    told = json.loads(found[0].value or b"")
    assert told["source"] == "/cloudevents/own/zendesk/acme-zendesk"
    assert told["data"] == {"reason": "spam"}


async def test_a_batch_is_acknowledged_as_a_whole(intake: Program, broker: EmbeddedKafka) -> None:
    settings = KafkaSettings(bootstrap=broker.bootstrap)
    batch = [created(f"batch-{number}") for number in range(200)]
    body, headers = own(batch, "application/cloudevents-batch+json")
    assert post(intake, "/hooks/own", body, headers)[2] == {
        "events": 200,
        "ignored": 0,
        "dead_letters": 0,
    }
    found = [r for r in await read_topic(settings, EVENTS.name) if r.key.startswith(b"OWN-batch-")]
    assert len(found) == 200


def test_the_answer_is_503_while_kafka_does_not_acknowledge(
    intake: Program, broker: EmbeddedKafka
) -> None:
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        status, headers, _ = post(intake, "/hooks/own", *own(created("frozen")))
        assert (status, headers["retry-after"]) == (503, "5")
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    deadline = time.monotonic() + 30
    while post(intake, "/hooks/own", *own(created("frozen")))[0] != 202:
        assert time.monotonic() < deadline, "it does not take anything since the broker is back"


def test_limits_on_size_and_on_slow_clients(intake: Program) -> None:
    head = f"POST /hooks/own HTTP/1.1\r\nHost: x\r\nContent-Length: {1024 * 1024 + 1}\r\n"
    for proof, status in (("", 401), ("Authorization: Bearer own\r\n", 413)):
        with socket.create_connection(("127.0.0.1", intake.port), timeout=10) as large:
            # Refused by its head, before anything of its body was sent.
            large.sendall(f"{head}{proof}\r\n".encode())
            assert large.recv(100).startswith(f"HTTP/1.1 {status}".encode())
    assert intake.get("/hooks/nobody")[0] == 404
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", intake.port), timeout=10) as slow:
        slow.sendall(b"POST /hooks/own HTTP/1.1\r\nHost: x\r\n")
        assert slow.recv(1000) == b"", "a head that takes too long must close the connection"
    assert time.monotonic() - started < 5


def test_metrics_tell_what_came(intake: Program) -> None:
    shown = intake.get("/metrics")[1]
    assert 'sla_intake_requests_total{source="acme-zendesk",status="202"} 1.0' in shown
    assert 'sla_intake_requests_total{source="acme-zendesk",status="401"} 1.0' in shown


@pytest.mark.parametrize("sources", ["", "missing.toml"])
def test_without_sources_it_says_what_to_do(sources: str, tmp_path: Path) -> None:
    options = ["--sources", sources] if sources else []
    program = Program("intake", "127.0.0.1:1", tmp_path / "log", options)
    deadline = time.monotonic() + 20
    while program.exit_status is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert program.exit_status == 1
    (line,) = program.log.read_text().splitlines()
    assert "sources file" in json.loads(line)["reason"]
