"""Returning dead letters with real programs: those of the tracker, the intake, the notifier."""

from __future__ import annotations

import asyncio
import hmac
import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from support import ROOT, event
from support.alerts import example, write
from support.cli import sla, sla_json
from support.live import PARTITIONS, keyed, publish, records_of, table_row, until
from support.receiver import Receiver

from sla_kafka.admin import admin_client, create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.partitioning import partition_for
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program, TrackerProcess
from sla_schemas.topics import ALERT_DEAD_LETTERS, BREACHES, DEAD_LETTERS, EVENTS, MAX_INPUT_BYTES

pytestmark = pytest.mark.kafka

HUB_SECRET = "what the hub and we know"
SECRET = "whsec_bm90IGEgcmVhbCBzZWNyZXQgYXQgYWxs"


def sources(path: Path, client: str) -> Path:
    """A sources file whose GitHub says like that whose tickets it sends."""
    path.write_text(f'[[sources]]\nname = "hub"\nkind = "github"\nsecret_envs = ["S"]\n{client}\n')
    return path


@pytest.fixture
def intake(settings: KafkaSettings, tmp_path: Path) -> Iterator[Program]:
    """An intake that looks for the client where GitHub has none."""
    file = sources(tmp_path / "sources.toml", 'client_field = "issue.nowhere"')
    running = Program(
        "intake",
        settings.bootstrap,
        tmp_path / "intake.log",
        ["--sources", str(file)],
        environment={"S": HUB_SECRET},
    )
    running.wait_until_ready()
    yield running
    running.stop()


def deliver(intake: Program) -> str:
    """Deliver an opened issue; its id."""
    told = json.loads((ROOT / "tests/fixtures/webhooks/github/opened.json").read_text())
    body = json.dumps(told["body"]).encode()
    proof = hmac.digest(HUB_SECRET.encode(), body, "sha256").hex()
    headers = {**told["headers"], "X-Hub-Signature-256": f"sha256={proof}"}
    request = urllib.request.Request(f"{intake.url}/hooks/hub", body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["dead_letters"] == 1
    found: str = told["events"][0]["subject"]
    return found


@pytest.fixture
def notifier(settings: KafkaSettings, tmp_path: Path) -> Iterator[Any]:
    """Starts notifiers of one group, whose webhooks are the receivers given by name."""
    started: list[Program] = []

    def go(**receivers: Receiver) -> Program:
        routes = tmp_path / "routes.toml"
        hosts = ", ".join(f'"{each.host}"' for each in receivers.values())
        text = f"allowed_hosts = [{hosts}]\n"
        for name, each in receivers.items():
            text += f'[[destinations]]\nname = "{name}"\nkind = "webhook"\nurl = "{each.url}"\n'
            text += 'secret_env = "HOOK_SECRET"\n'
        routes.write_text(text + f"[[routes]]\nto = {json.dumps(list(receivers))}\n")
        program = Program(
            "notifier",
            settings.bootstrap,
            tmp_path / f"notifier-{len(started)}.log",
            ["--routes", str(routes)],
            environment={
                "HOOK_SECRET": SECRET,
                "SLA_NOTIFIER_APP": "notifier-letters",
                "SLA_NOTIFIER_SESSION_SECONDS": "6",
            },
        )
        started.append(program)
        program.wait_until_ready()
        return program

    yield go
    for each in started:
        each.stop()


class Dlq:
    """``sla dlq`` on one broker."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._broker = ("--bootstrap", settings.bootstrap)

    async def list(self, *options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await asyncio.to_thread(
            sla_json, "dlq", "list", *options, *self._broker
        )
        return found

    async def listed(self, count: int, *options: str) -> list[dict[str, Any]]:
        """The letters, as soon as there are so many."""

        async def look() -> list[dict[str, Any]] | None:
            found = await self.list(*options)
            return found if len(found) >= count else None

        return await until(look, 60)

    async def retry(self, *arguments: str | Path, status: int = 0) -> dict[str, str]:
        """What became of each letter."""
        told = await asyncio.to_thread(
            sla_json, "dlq", "retry", *arguments, *self._broker, status=status
        )
        gone = [row["id"] for row in told["letters"] if row["brought_back"]]
        assert sorted(told["retried"]) == sorted(gone)
        return {row["id"]: row["outcome"] for row in told["letters"]}

    async def retry_for_people(self, *arguments: str | Path, status: int = 0) -> str:
        done = await asyncio.to_thread(
            sla, "dlq", "retry", *arguments, *self._broker, status=status
        )
        return done.stdout.decode() + done.stderr.decode()

    async def show(self, letter: str) -> Any:
        return await asyncio.to_thread(sla_json, "dlq", "show", letter, *self._broker)


def narrowed(topic: str, size: int) -> ConfigResource:
    """``topic`` takes records of so many bytes."""
    configs = {"cleanup.policy": "delete", "max.message.bytes": str(size)}
    return ConfigResource(ConfigResourceType.TOPIC, topic, configs)


def told_of(receiver: Receiver) -> Counter[str]:
    return Counter(json.loads(each.body)["subject"] for each in receiver.taken)


async def test_each_letter_goes_its_own_way_and_one_that_cannot_keeps_no_other(
    settings: KafkaSettings, tracker: TrackerProcess, intake: Program, notifier: Any, tmp_path: Path
) -> None:
    dlq, taking = Dlq(settings), {"now": False}

    def moody(_headers: dict[str, str], _body: bytes) -> int:
        return 200 if taking["now"] else 422

    with Receiver(moody) as receiver, Receiver() as other:
        notifier(first=receiver, other=other)
        await publish(settings, [(b"MIX-1", b"never any use")])
        ticket = deliver(intake)
        await write(settings, BREACHES, [example("sla.breach", "MIX-2")], PARTITIONS)
        letters = await dlq.listed(3)
        by_maker = {letter["from"]: letter for letter in letters}
        assert {maker: each["source"] for maker, each in by_maker.items()} == {
            "tracker": None,
            "intake": "hub",
            "notifier": "first",
        }
        assert [by_maker[maker]["reason"] for maker in ("tracker", "intake", "notifier")] == [
            "not_json",
            "invalid_data",
            "http_422",
        ]
        for options, maker in (
            (("--source", "hub"), "intake"),
            (("--source", "notifier"), "notifier"),
            (("--reason", "not_json"), "tracker"),
            (("--ticket", "MIX-2"), "notifier"),
        ):
            assert await dlq.list(*options) == [by_maker[maker]]
        assert len(await dlq.list("--since", "1h")) == 3
        assert await dlq.list("--since", "2099-01-01T00:00:00Z") == []
        ids = {maker: letter["id"] for maker, letter in by_maker.items()}
        shown = await dlq.show(ids["intake"])
        assert json.loads(shown["body"])["action"] == "opened"
        assert (await dlq.show(ids["notifier"]))["reason"] == "http_422"

        taking["now"] = True
        # The intake's can't be read without its sources; the others go all the same.
        told = await dlq.retry("--all", status=1)
        assert told[ids["tracker"]] == f"published to {EVENTS.name}"
        given = (
            f"published to {ALERT_DEAD_LETTERS.name}: a notifier delivers it to 'first', or "
            "dead-letters it again"
        )
        assert told[ids["notifier"]] == given
        assert "no sources file is named" in told[ids["intake"]]

        async def arrived() -> bool | None:
            return told_of(receiver)["MIX-2"] == 1 or None

        await until(arrived)
        assert told_of(other)["MIX-2"] == 1, "who took it the first time is not told again"
        # Still not understood; and now it is, without the secret that proved it.
        wrong = sources(tmp_path / "wrong.toml", 'client_field = "issue.still_nowhere"')
        said = await dlq.retry_for_people("--source", "hub", "--sources", wrong, status=1)
        assert "source 'hub' still does not understand it" in said
        first = f"1 of 1 could not be retried, the first of them {ids['intake']}"
        assert first in said.replace("\n", " ")
        right = sources(tmp_path / "right.toml", 'client_id = "acme"')
        assert (await dlq.retry(ids["intake"], "--sources", right)) == {
            ids["intake"]: f"published to {EVENTS.name} as 2 events"
        }

        async def tracked() -> dict[str, Any] | None:
            return await table_row(settings, ticket)

        assert (await until(tracked))["client_id"] == "acme"
        published = len(await records_of(settings, EVENTS.name, ticket))
        # Nothing goes twice by accident.
        again = await dlq.retry(*ids.values(), status=1)
        assert all("was retried already" in outcome for outcome in again.values())
        assert await dlq.retry("--source", "hub", "--sources", right) == {}
        assert len(await records_of(settings, EVENTS.name, ticket)) == published
        row = await tracked()
        assert row is not None
        assert len(row["timeline"]) == 2, "what was understood at once is not applied twice"
        # What was of no use is of no use again, as a new letter.
        (second,) = await dlq.listed(1, "--ticket", "MIX-1")
        assert second["id"] != ids["tracker"]
        assert told_of(receiver)["MIX-2"] == told_of(other)["MIX-2"] == 1


async def test_a_dead_lettered_alert_goes_to_its_destination_alone(
    settings: KafkaSettings, notifier: Any
) -> None:
    dlq = Dlq(settings)
    with Receiver(lambda *_: 422) as first, Receiver() as second:
        program = notifier(first=first, second=second)
        breach = example("sla.breach", "BACK-3")
        gone = example("sla.breach", "BACK-4")
        await write(settings, BREACHES, [breach, gone], PARTITIONS)
        letters = await dlq.listed(2, "--source", "first")
        assert {letter["key"] for letter in letters} == {"BACK-3", "BACK-4"}
        # The destination has left the routes: dead-lettered again, with what to do.
        program.stop()
        notifier(renamed=second)
        ids = {letter["key"]: letter["id"] for letter in letters}
        said = (await dlq.retry(ids["BACK-3"]))[ids["BACK-3"]]
        assert said.endswith("a notifier delivers it to 'first', or dead-letters it again")

        async def dead_lettered_again() -> dict[str, Any] | None:
            found = await dlq.list("--ticket", "BACK-3")
            return found[0] if found else None

        again = await until(dead_lettered_again, 60)
        assert again["detail"] == "the routes file has no destination 'first'"
        assert again["source"] == "first"
        taken_back = example("sla.breach_retracted", "BACK-4", retracts=gone["id"])
        await write(settings, BREACHES, [taken_back], PARTITIONS)
        told = await dlq.retry(ids["BACK-4"])
        assert told == {ids["BACK-4"]: "was retracted in the meantime, so it is not delivered"}
        assert await dlq.list("--ticket", "BACK-4") == []
        assert "sla.breach" not in [
            json.loads(each.body)["type"]
            for each in second.taken[2:]
            if json.loads(each.body)["subject"] == "BACK-4"
        ]


def too_large(ticket: str, size: int) -> dict[str, Any]:
    """A breach of ``ticket`` of ``size`` bytes."""
    found = example("sla.breach", ticket, padding="")
    found["data"]["padding"] = "x" * (size - len(json.dumps(found)))
    return found


async def test_an_alert_too_large_for_a_dead_letter_is_cut_and_holds_nobody_up(
    settings: KafkaSettings, notifier: Any
) -> None:
    dlq = Dlq(settings)
    home = partition_for(b"LARGE-1", PARTITIONS)
    near = [f"LARGE-{number}" for number in range(2, 99)]
    near = [each for each in near if partition_for(each.encode(), PARTITIONS) == home]
    tickets = ["LARGE-1", *near[:2]]
    with Receiver(lambda *_: 422) as receiver:
        notifier(crm=receiver)
        # As large as a record may be, and smaller than a topic takes that was narrowed.
        largest = too_large("LARGE-1", 1_048_470)
        await write(settings, BREACHES, [largest], PARTITIONS)
        await dlq.listed(1, "--ticket", "LARGE-1")
        async with admin_client(settings) as admin:
            await admin.alter_configs([narrowed(ALERT_DEAD_LETTERS.name, 200_000)])
        try:
            alerts = [too_large(tickets[1], 300_000), example("sla.breach", tickets[2])]
            for alert in alerts:
                await write(settings, BREACHES, [alert], PARTITIONS)
                await dlq.listed(1, "--ticket", alert["subject"])
        finally:
            async with admin_client(settings) as admin:
                await admin.alter_configs([narrowed(ALERT_DEAD_LETTERS.name, 1_048_588)])
        letters = {each: (await dlq.list("--ticket", each))[0] for each in tickets}
        places = {
            record.key.decode(): f"{BREACHES.name}/{record.partition}/{record.offset}"
            for record in await read_topic(settings, BREACHES.name)
        }
        for whole in (largest, alerts[0]):
            letter, body = letters[whole["subject"]], json.dumps(whole)
            assert letter["origin"] == places[whole["subject"]]
            assert letter["reason"] == "http_422"
            shown = await dlq.show(letter["id"])
            assert shown["body"] == body[:65_536]
            headers = dict(shown["headers"])
            assert headers["sla-length"] == str(len(body))
            assert headers["sla-sha256"] == sha256(body.encode()).hexdigest()
            # It is no alert any more, so nobody is told of it.
            told = await dlq.retry(letter["id"], status=1)
            assert f"the whole record is at {letter['origin']}" in told[letter["id"]]
        assert "sla-length" not in dict((await dlq.show(letters[tickets[2]]["id"]))["headers"])
        partition = TopicPartition(BREACHES.name, home)

        async def gone_past() -> bool | None:
            async with admin_client(settings) as admin:
                found = await admin.list_consumer_group_offsets("notifier-letters")
            last = int(places[tickets[2]].rpartition("/")[2])
            return True if partition in found and found[partition].offset > last else None

        await until(gone_past)


async def test_an_orphan_is_applied_when_its_ticket_has_come(tmp_path: Path) -> None:
    with EmbeddedKafka() as kafka:
        settings = KafkaSettings(bootstrap=kafka.bootstrap)
        await create_topics(settings, PARTITIONS)
        tracker = TrackerProcess(settings.bootstrap, tmp_path / "log")
        try:
            tracker.wait_until_ready("/healthz")
            dlq, home = Dlq(settings), partition_for(b"ORPHAN", PARTITIONS)
            names = (f"NEAR-{number}" for number in range(100))
            near = next(name for name in names if partition_for(name.encode(), PARTITIONS) == home)
            early = [
                event("assigned", "2026-03-02T13:30:00Z", "ORPHAN", analyst_id="ana"),
                event("resolved", "2026-03-02T14:00:00Z", "ORPHAN"),
            ]
            later = event("created", "2026-03-20T13:00:00Z", near, severity="low")
            await publish(settings, keyed(*early, later))
            letters = await dlq.listed(2, "--reason", "orphan")
            assert [letter["key"] for letter in letters] == ["ORPHAN", "ORPHAN"]
            created = event("created", "2026-03-02T13:00:00Z", "ORPHAN", severity="high")
            await publish(settings, keyed(created))
            assert len(await dlq.retry("--ticket", "ORPHAN")) == 2

            async def whole() -> dict[str, Any] | None:
                row = await table_row(settings, "ORPHAN")
                return row if row and len(row["timeline"]) == 3 else None

            row = await until(whole)
            assert row["state"] == "resolved"
            outcomes = {clock["clock"]: clock["outcome"] for clock in row["clocks"]}
            assert outcomes == {"first_response": "met", "resolution": "met"}
            assert await dlq.list() == []
        finally:
            tracker.stop()


async def test_one_that_the_broker_refuses_keeps_no_other(settings: KafkaSettings) -> None:
    dlq = Dlq(settings)
    producer = AIOKafkaProducer(**settings.client_options(), max_request_size=8 * MAX_INPUT_BYTES)
    await producer.start()
    try:
        # Larger than the input topic takes, as the dead-letter topic does.
        for ticket, size in (("HUGE-1", 10), ("HUGE-2", MAX_INPUT_BYTES + 10_000), ("HUGE-3", 10)):
            await producer.send_and_wait(
                DEAD_LETTERS.name,
                b"x" * size,
                key=ticket.encode(),
                partition=0,
                headers=[("sla-reason", b"too_large_by_far")],
            )
    finally:
        await producer.stop()
    ids = {letter["key"]: letter["id"] for letter in await dlq.listed(3, "--since", "1h")}
    told = await dlq.retry("--reason", "too_large_by_far", status=1)
    assert told[ids["HUGE-2"]] == "the broker refuses it: MessageSizeTooLargeError"
    assert told[ids["HUGE-1"]] == told[ids["HUGE-3"]] == f"published to {EVENTS.name}"
    inputs = Counter(record.key for record in await read_topic(settings, EVENTS.name))
    assert (inputs[b"HUGE-1"], inputs[b"HUGE-2"], inputs[b"HUGE-3"]) == (1, 0, 1)
    (left,) = await dlq.list("--reason", "too_large_by_far")
    assert left["key"] == "HUGE-2"


async def test_without_anything_to_bring_back_it_says_so(settings: KafkaSettings) -> None:
    dlq = Dlq(settings)
    assert await dlq.retry("--reason", "no_such") == {}
    assert "0 retried" in await dlq.retry_for_people("--reason", "no_such")
    said = await dlq.retry_for_people("99/1", "alerts/99/1", status=1)
    assert "there is no dead letter '99/1'" in said
    for wrong in ((), ("3/1", "--all"), ("--since", "yesterday")):
        await dlq.retry_for_people(*wrong, status=2)
