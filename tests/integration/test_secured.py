"""All programs on a broker with TLS, users and permissions, with only the permissions they need."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError
from support import event
from support.cli import SLA, environment, sla
from support.live import PARTITIONS, ago, publish, until
from support.receiver import Receiver
from support.secure_kafka import ADMIN, STRANGER, Grant, SecureKafka, deployed_grants

from sla_kafka.access import BOARD, INTAKE, NOTIFIER, OPERATOR, SCALER, TRACKER
from sla_kafka.admin import admin_client, create_topics
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program
from sla_schemas.topics import (
    ALERT_DEAD_LETTERS,
    APPROVALS,
    BREACHES,
    DEAD_LETTERS,
    EVENTS,
    PROGRESS,
    TICKETS,
    WARNINGS,
)

pytestmark = pytest.mark.kafka

GRANTS = deployed_grants()
METRICS_TOKEN = "metrics-t0ken"
HOOK_SECRET = "whsec_bm90IGEgcmVhbCBzZWNyZXQgYXQgYWxs"
OWN_TOKEN = "own-t0ken"
#: Nobody listens there.
DEAF = "127.0.0.1:9"

SOURCES = '[[sources]]\nname = "own"\nkind = "cloudevents"\nsecret_envs = ["OWN_TOKEN"]\n'
ROUTES = """
allowed_hosts = ["{host}", "{deaf}"]
[[destinations]]
name = "hook"
kind = "webhook"
url = "{url}"
secret_env = "HOOK_SECRET"
[[destinations]]
name = "deaf"
kind = "webhook"
url = "http://{deaf}/"
secret_env = "HOOK_SECRET"
retry_for = 0.5
[[routes]]
to = ["hook", "deaf"]
"""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """A broker on which every user may do what is deployed."""
    with SecureKafka(tmp_path_factory.mktemp("secure"), GRANTS) as running:
        asyncio.run(create_topics(running.settings(ADMIN), PARTITIONS))
        for user, grants in GRANTS.items():
            asyncio.run(running.grant(user, grants))
        yield running


Start = Callable[[str], Program]


@pytest.fixture
def start(kafka: SecureKafka, tmp_path: Path) -> Iterator[Start]:
    """Starts programs, each as the user it is deployed as; their secrets come from files."""
    started: list[Program] = []
    files = {"token": METRICS_TOKEN, "hook": HOOK_SECRET, "own": OWN_TOKEN, "sources": SOURCES}
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    common = {
        "SLA_HTTP_METRICS_TOKEN_FILE": str(tmp_path / "token"),
        "HOOK_SECRET_FILE": str(tmp_path / "hook"),
        "OWN_TOKEN_FILE": str(tmp_path / "own"),
        "SLA_TRACKER_CALL_SECONDS": "5",
    }
    options = {
        "intake": ["--sources", str(tmp_path / "sources")],
        "notifier": ["--routes", str(tmp_path / "routes")],
    }

    def go(name: str) -> Program:
        program = Program(
            name,
            kafka.bootstrap,
            tmp_path / f"{name}.log",
            options.get(name, []),
            port_option="--http-port" if name == "tracker" else "--port",
            environment={**common, **kafka.environment(f"sla-{name}")},
        )
        started.append(program)
        return program

    yield go
    for program in started:
        program.stop()


def ask(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> int:
    """The status of an answer."""
    request = urllib.request.Request(url, body, dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def send(intake: Program, *events: dict[str, Any]) -> int:
    """Events by HTTP to the intake."""
    headers = {
        "Authorization": f"Bearer {OWN_TOKEN}",
        "Content-Type": "application/cloudevents-batch+json",
    }
    return ask(f"{intake.url}/hooks/own", json.dumps(events).encode(), headers)


def story(ticket: str) -> list[dict[str, Any]]:
    """A ticket that is noticed, breached, resolved, and approved as a feature."""
    told = (datetime.now(UTC) - timedelta(minutes=70)).isoformat()
    return [
        # A channel that the contract does not know is worth a notice, which goes with the warnings.
        event("created", told, ticket, severity="blocker", requester_id="lucia", channel="fax"),
        event("resolved", ago(seconds=20), ticket),
        event("feature_approved", ago(seconds=19), ticket),
    ]


def granted(user: str) -> set[tuple[str, str, str]]:
    """What a user may do, in the words of the broker's log."""
    words = {"DescribeConfigs": "DESCRIBE_CONFIGS"}
    return {
        (kind, name, words.get(operation, operation.upper()))
        for kind, name, _, operation in GRANTS[user]
    }


def used(kafka: SecureKafka, user: str) -> set[tuple[str, str, str]]:
    """What it did, without the ``Describe`` that reading and writing bring along."""
    found = {
        (kind, re.sub(r"^(sla-tracker)-\d+$", r"\1", name), operation)
        for kind, name, operation in kafka.used(user)
    }
    return {each for each in found if each[2] != "DESCRIBE" or each in granted(user)}


async def test_each_program_needs_exactly_what_it_may_do(
    kafka: SecureKafka, start: Start, tmp_path: Path
) -> None:
    operator = kafka.settings(OPERATOR.name)
    with Receiver() as receiver:
        routes = ROUTES.format(host=receiver.host, url=receiver.url, deaf=DEAF)
        (tmp_path / "routes").write_text(routes)
        programs = {name: start(name) for name in ("tracker", "board", "notifier", "intake")}
        for program in programs.values():
            program.wait_until_ready()
        intake = programs["intake"]
        assert send(intake, *story("SAFE-1")) == 202
        # What the intake can't use, and what the tracker can't.
        assert send(intake, {"specversion": "1.0", "id": "odd", "type": "odd"}) == 202
        await publish(operator, [(b"SAFE-2", b"no event")])
        # Under a wrong key: the tracker sends it on.
        astray = json.dumps(event("created", ago(seconds=5), "SAFE-3", severity="low"))
        await publish(operator, [(b"astray", astray.encode())])

        async def arrived() -> bool | None:
            counts = {
                topic.name: len(await read_topic(operator, topic.name))
                for topic in (WARNINGS, BREACHES, APPROVALS, DEAD_LETTERS, ALERT_DEAD_LETTERS)
            }
            rows = {record.key for record in await read_topic(operator, TICKETS.name)}
            complete = all(counts.values()) and counts[DEAD_LETTERS.name] >= 2
            return True if complete and b"SAFE-3" in rows and receiver.taken else None

        assert await until(arrived)
        status, body = programs["board"].get("/api/v1/tickets/SAFE-1")
        assert status == 200, body
        doctor = kafka.environment(OPERATOR.name)
        # All is well but for the destination that nobody listens at, once it was given up on.
        await until(lambda: asyncio.to_thread(_only_deaf_is_wrong, doctor))
        # The commits of the notifier come a second after its deliveries.
        await until(lambda: _committed(kafka))

        await _look_at_the_lag(kafka.settings(SCALER.name))

    for user in (TRACKER, BOARD, NOTIFIER, INTAKE, SCALER):
        assert kafka.denied(user.name) == set(), user.name
        assert used(kafka, user.name) == granted(user.name), user.name
    _secrets_stay_secret(kafka, programs)
    assert not list(Path.cwd().glob("*-data")), "nothing is written to disk"


async def _look_at_the_lag(settings: KafkaSettings) -> None:
    """As a scaler does: how far the topic goes, and how far the group is."""
    places = [TopicPartition(EVENTS.name, number) for number in range(PARTITIONS)]
    async with admin_client(settings) as client:
        done = await client.list_consumer_group_offsets(TRACKER.name, partitions=places)
    consumer = AIOKafkaConsumer(**settings.client_options())
    await consumer.start()
    try:
        ends = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    assert done.keys() == ends.keys() == set(places)
    assert sum(ends.values()) > 0


def _only_deaf_is_wrong(doctor: Mapping[str, str]) -> bool | None:
    done = subprocess.run(
        [SLA, "doctor", "--json"], env=environment(**doctor), capture_output=True, check=False
    )
    bad = [check for check in json.loads(done.stdout) if not check["ok"]]
    assert {check["check"] for check in bad} <= {"notifier"}, bad
    return True if bad and "deaf does not take alerts" in bad[0]["detail"] else None


async def _committed(kafka: SecureKafka) -> bool | None:
    used = kafka.used(NOTIFIER.name)
    return True if ("group", NOTIFIER.name, "READ") in used else None


def _secrets_stay_secret(kafka: SecureKafka, programs: Mapping[str, Program]) -> None:
    """Neither in logs nor in process titles nor in what the broker was told."""
    secrets = [METRICS_TOKEN, HOOK_SECRET, OWN_TOKEN, *map(kafka.secret, GRANTS)]
    for name, program in programs.items():
        title = Path(f"/proc/{program.pid}/cmdline").read_text()
        log = program.log.read_text()
        assert log, "there is something to look at"
        for secret in secrets:
            assert secret not in title, name
            assert secret not in log, name
    for name, program in programs.items():
        assert ask(f"{program.url}/metrics") == 401, name
        allowed = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        assert ask(f"{program.url}/metrics", headers=allowed) == 200, name


TOPIC_READ = ("topic", TICKETS.name, "literal", "Read")


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("tracker", ("transactionalId", "sla-tracker", "prefix", "Write")),
        ("tracker", ("topic", PROGRESS.name, "literal", "Write")),
        ("board", TOPIC_READ),
        ("notifier", ("group", "sla-notifier", "prefix", "Read")),
        ("notifier", TOPIC_READ),
        ("intake", ("topic", EVENTS.name, "literal", "Write")),
    ],
)
async def test_with_one_permission_fewer_it_does_not_work_and_says_so(
    kafka: SecureKafka, start: Start, tmp_path: Path, name: str, lost: Grant
) -> None:
    user = f"sla-{name}"
    assert lost in GRANTS[user]
    (tmp_path / "routes").write_text(ROUTES.format(host=DEAF, url=f"http://{DEAF}/", deaf=DEAF))
    await kafka.revoke(user, [lost])
    try:
        program = start(name)

        async def told() -> bool | None:
            log = program.log.read_text()
            return True if "AuthorizationFailed" in log or "docs/security.md" in log else None

        assert await until(told), program.log.read_text()
        assert program.get("/readyz")[0] != 200
    finally:
        await kafka.grant(user, [lost])


async def test_a_stranger_can_neither_read_nor_write(kafka: SecureKafka) -> None:
    settings = kafka.settings(STRANGER)
    with pytest.raises(TopicAuthorizationFailedError):
        await asyncio.wait_for(publish(settings, [(b"X", b"{}")]), 20)
    consumer = AIOKafkaConsumer(EVENTS.name, **settings.client_options(), group_id=None)
    with pytest.raises(KafkaError):
        await asyncio.wait_for(consumer.start(), 20)
    await consumer.stop()
    assert all(operation == "DESCRIBE" for _, _, operation in kafka.denied(STRANGER))
    assert kafka.used(STRANGER) == set()


async def test_nobody_gets_in_without_tls_or_with_a_wrong_password(
    kafka: SecureKafka, tmp_path: Path
) -> None:
    environment = dict(kafka.environment(TRACKER.name))
    wrong = tmp_path / "password"
    wrong.write_text("not-the-passw0rd")
    environment["SLA_KAFKA_SASL_PASSWORD_FILE"] = str(wrong)
    ended = sla("doctor", status=1, **environment)
    assert b"not-the-passw0rd" not in ended.stdout + ended.stderr
    plain = KafkaSettings(bootstrap=kafka.bootstrap)
    producer = AIOKafkaProducer(**plain.client_options(), request_timeout_ms=2000)
    with pytest.raises((KafkaConnectionError, KafkaError)):
        await asyncio.wait_for(producer.start(), 20)
    await producer.stop()
