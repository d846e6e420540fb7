"""A tracker on the wall clock: alerts on time, bad input, metrics, health, a clean stop."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.request
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from prometheus_client.parser import text_string_to_metric_families
from support import event
from support.cli import SLA, environment, sla, sla_json
from support.live import ERASE_KEY, PARTITIONS, ago, keyed, publish, records_of, table_row, until

from sla_cli.erasing import erase
from sla_engine.partition import EVENT_WEIGHT, MAX_TICKET_WEIGHT
from sla_engine.wire.progress import read_progress
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.partitioning import partition_for
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import TrackerProcess
from sla_schemas.headers import REASON_HEADER
from sla_schemas.topics import (
    APPROVALS,
    BREACHES,
    DEAD_LETTERS,
    EVENTS,
    PROGRESS,
    TICKETS,
    WARNINGS,
)
from sla_schemas.words import NoticeKind

pytestmark = pytest.mark.kafka


async def test_a_deadline_fires_by_itself_with_the_true_instant(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    communicated = datetime.now(UTC) - timedelta(minutes=59, seconds=57)
    created = event(
        "created",
        ago(seconds=1),
        "LIVE-1",
        severity="blocker",
        communicated_at=communicated.isoformat(),
    )
    await publish(settings, keyed(created))

    async def breach() -> dict[str, Any] | None:
        found = await records_of(settings, BREACHES.name, "LIVE-1")
        return json.loads(found[0].value) if found else None

    told = await until(breach)
    assert told["type"] == "sla.breach"
    assert told["causationid"] == created["id"]
    due = communicated + timedelta(hours=1)
    assert datetime.fromisoformat(told["data"]["due"]) == due.replace(
        microsecond=due.microsecond // 1000 * 1000
    )
    [warning] = await records_of(settings, WARNINGS.name, "LIVE-1")
    assert json.loads(warning.value)["data"]["fraction"] == "0.9"

    async def broken() -> bool | None:
        row = await table_row(settings, "LIVE-1")
        return True if row and row["clocks"][0]["outcome"] == "breached" else None

    assert await until(broken)


async def test_bad_input_is_dead_lettered_and_its_neighbours_are_untouched(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    good = event("created", ago(seconds=5), "GOOD-1", severity="low")
    late = event("assigned", ago(seconds=4), "GOOD-1")
    bad = {
        "not_json": b"this is no JSON",
        "not_cloudevents": b"[1, 2, 3]",
        "unknown_type": json.dumps(event("teleported", ago(seconds=1), "GOOD-1")).encode(),
        "naive_time": json.dumps(event("assigned", "2026-11-20T10:00:00", "GOOD-1")).encode(),
        "from_the_future": json.dumps(event("assigned", ago(hours=-2), "GOOD-1")).encode(),
        "invalid_data": json.dumps(
            event("assigned", ago(seconds=1), "GOOD-1", analyst_id=["x"])
        ).encode(),
        "too_large": json.dumps(
            event("assigned", ago(seconds=1), "GOOD-1", group="x" * 1_000_000)
        ).encode(),
    }
    others = [b"\xff\xfe\x00", b"[" * 50_000]
    await publish(settings, keyed(good))
    await publish(settings, [(b"GOOD-1", value) for value in [*bad.values(), *others]])
    await publish(settings, keyed(late))

    async def all_letters() -> list[ConsumerRecord] | None:
        found = await records_of(settings, DEAD_LETTERS.name, "GOOD-1")
        return found if len(found) >= len(bad) + 2 else None

    letters = await until(all_letters)
    assert len(letters) == len(bad) + 2
    inputs = {(r.partition, r.offset): r.value for r in await read_topic(settings, EVENTS.name)}
    reasons = []
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers}
        reasons.append(headers["sla-reason"])
        assert headers["sla-topic"] == EVENTS.name
        origin = int(headers["sla-partition"]), int(headers["sla-offset"])
        assert letter.value == inputs[origin], "the record is kept as it came"
    assert reasons == [*bad, "not_json", "too_large"]

    async def assigned() -> dict[str, Any] | None:
        row = await table_row(settings, "GOOD-1")
        return row if row and len(row["timeline"]) > 1 else None

    row = await until(assigned)
    assert [entry[3] for entry in row["timeline"]] == [good["id"], late["id"]]
    listed = await asyncio.to_thread(sla_json, "dlq", "list", "--bootstrap", settings.bootstrap)
    own = [letter for letter in listed if letter["key"] == "GOOD-1"]
    assert [letter["reason"] for letter in own] == reasons
    shown = await asyncio.to_thread(
        sla, "dlq", "show", own[0]["id"], "--bootstrap", settings.bootstrap
    )
    assert shown.stdout == bad["not_json"]


async def test_dead_letters_go_back_through_the_front_door_once(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    created = event("created", ago(seconds=5), "BACK-1", severity="low")
    producer = AIOKafkaProducer(**settings.client_options())
    await producer.start()
    try:
        # Sent on once already, so that the tracker gives up on its key; brought back, it may be
        # sent on again.
        await producer.send_and_wait(
            EVENTS.name,
            json.dumps(created).encode(),
            key=b"BACK-0",
            headers=[("sla-rekeyed", b"x"), ("origin", b"kept")],
        )
    finally:
        await producer.stop()
    await publish(settings, [(b"BACK-2", b"never any use")])

    async def dead(key: str) -> list[dict[str, Any]]:
        listed = await asyncio.to_thread(
            sla_json, "dlq", "list", "--all", "--bootstrap", settings.bootstrap
        )
        return [letter for letter in listed if letter["key"] == key]

    async def both() -> bool | None:
        return True if await dead("BACK-0") and await dead("BACK-2") else None

    await until(both)
    broker = ("--bootstrap", settings.bootstrap)
    own = [(await dead("BACK-0"))[0]["id"], (await dead("BACK-2"))[0]["id"]]
    # Two people at once: whoever is later is shut out, or finds it done.
    racing = [
        asyncio.create_subprocess_exec(
            SLA, "dlq", "retry", *own, *broker, stdout=PIPE, stderr=PIPE, env=environment()
        )
        for _ in range(2)
    ]
    outcomes = [await process.communicate() for process in await asyncio.gather(*racing)]
    assert sum(b"2 retried" in told for told, _ in outcomes) == 1

    async def row() -> dict[str, Any] | None:
        return await table_row(settings, "BACK-1")

    assert (await until(row))["timeline"][0][3] == created["id"]

    async def dead_again() -> list[dict[str, Any]] | None:
        found = await dead("BACK-2")
        return found if len(found) > 1 else None

    first, second = await until(dead_again)
    assert (first["retried"], second["retried"]) == (True, False)
    inputs = await read_topic(settings, EVENTS.name)
    for key in (b"BACK-0", b"BACK-2"):
        again = [r for r in inputs if r.key == key and "sla-retried" in dict(r.headers)]
        assert len(again) == 1
    assert dict(again[0].headers) == {"sla-retried": own[1].encode()}

    async def say_no(*arguments: str, status: int) -> str:
        done = await asyncio.to_thread(sla, "dlq", "retry", *arguments, *broker, status=status)
        return done.stderr.decode()

    assert "was retried already" in await say_no(own[0], status=1)
    assert "there is no dead letter '99/1'" in await say_no("99/1", status=1)
    assert "select the dead letters" in await say_no(status=2)
    told = await asyncio.to_thread(sla_json, "dlq", "retry", "--reason", "no_such", *broker)
    assert told == {"retried": [], "letters": []}


async def test_a_ticket_has_room_for_so_many_events_and_the_next_one_is_told_so(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    count = MAX_TICKET_WEIGHT // EVENT_WEIGHT
    moves = [
        event("waiting_on_client" if number % 2 else "client_responded", ago(seconds=4), "FULL-1")
        for number in range(count)
    ]
    created = event("created", ago(seconds=5), "FULL-1", severity="low")
    partition = partition_for(b"FULL-1", PARTITIONS)
    names = (f"NEAR-{number}" for number in range(100))
    near = next(name for name in names if partition_for(name.encode(), PARTITIONS) == partition)
    good = event("created", ago(seconds=5), near, severity="low")
    producer = AIOKafkaProducer(**settings.client_options())
    await producer.start()
    try:
        for item in [created, *moves, good]:
            key, value = item["subject"].encode(), json.dumps(item).encode()
            await producer.send(EVENTS.name, value, key=key, partition=partition)
    finally:
        await producer.stop()

    async def neighbour() -> dict[str, Any] | None:
        return await table_row(settings, near)

    await until(neighbour, 60)
    row = await table_row(settings, "FULL-1")
    assert row is not None
    letters = await records_of(settings, DEAD_LETTERS.name, "FULL-1")
    assert len(row["timeline"]) + len(letters) == count + 1
    assert len(row["timeline"]) > 800
    headers = dict(letters[0].headers)
    assert headers["sla-reason"] == b"too_large"
    assert headers["sla-detail"].endswith(b"events, and no room for this one")


async def test_a_wrong_key_is_put_right_once_and_a_second_time_is_a_dead_letter(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    created = event("created", ago(seconds=5), "KEY-1", severity="low")
    await publish(settings, [(b"some other key", json.dumps(created).encode())])

    async def row() -> dict[str, Any] | None:
        return await table_row(settings, "KEY-1")

    assert (await until(row))["timeline"][0][3] == created["id"]
    again = [r for r in await read_topic(settings, EVENTS.name) if r.key == b"KEY-1"]
    assert [name for name, _ in again[0].headers] == ["sla-rekeyed"]
    assert again[0].partition == partition_for(b"KEY-1", PARTITIONS)

    producer = AIOKafkaProducer(**settings.client_options())
    await producer.start()
    try:
        await producer.send_and_wait(
            EVENTS.name,
            json.dumps(event("assigned", ago(seconds=1), "KEY-1")).encode(),
            key=b"still wrong",
            headers=[("sla-rekeyed", b"x")],
        )
    finally:
        await producer.stop()

    async def letter() -> str | None:
        found = await records_of(settings, DEAD_LETTERS.name, "still wrong")
        return dict(found[0].headers)["sla-reason"].decode() if found else None

    assert await until(letter) == "wrong_key"


def metrics(tracker: TrackerProcess) -> dict[str, Any]:
    status, text = tracker.get("/metrics")
    assert status == 200
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Any], name: str, **labels: str) -> float:
    family = families[re.sub("_(total|sum|count)$", "", name)]
    return sum(
        sample.value
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def test_metrics_count_everything_that_was_read(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    # One event twice: told a millisecond apart they would be two under one id, a conflict.
    created = event("created", ago(seconds=5), "METRIC-1", id="m1", severity="high")
    await publish(settings, keyed(created, created))

    async def counted() -> dict[str, Any] | None:
        families = metrics(tracker)
        progress = await read_topic(settings, PROGRESS.name)
        read = {r.partition: read_progress(r.value).counts for r in progress}
        events = sum(counts.events for counts in read.values())
        total = value(families, "sla_events_total")
        duplicates = value(families, "sla_events_total", type="created", result="duplicate")
        return families if total == events and duplicates >= 1 else None

    families = await until(counted)
    for counts in {
        r.partition: read_progress(r.value).counts
        for r in await read_topic(settings, PROGRESS.name)
    }.values():
        assert counts.events == (
            counts.applied
            + counts.duplicates
            + counts.conflicts
            + counts.rekeyed
            + counts.dead_letters
        )
    rows = {}
    for record in await read_topic(settings, TICKETS.name):
        rows[record.key] = json.loads(record.value)
    states = [(row["state"], row["severity"] or "none") for row in rows.values()]
    for state, severity in set(states):
        assert value(families, "sla_tickets", state=state, severity=severity) == states.count(
            (state, severity)
        )
    assert value(families, "sla_partitions", state="running") == PARTITIONS
    assert value(families, "sla_next_deadline_timestamp_seconds") > time.time()
    # Series are there before their first event.
    assert "sla_retractions" in families
    assert value(families, "sla_retractions_total", kind="breach", reason="cancelled") == 0


async def test_notices_approvals_and_the_clients_delay_reach_topics_and_metrics(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    ticket, unclassified = "CLAUSES-1", "CLAUSES-2"
    now = datetime.now(UTC)

    def before(minutes: int) -> str:
        return (now - timedelta(minutes=minutes)).isoformat()

    await publish(
        settings,
        keyed(
            event(
                "created",
                before(50),
                ticket,
                severity="blocker",
                channel="fax",
                affects=["myaivo"],
                requester_id="lucia",
            ),
            event("assigned", before(45), ticket),
            event("waiting_on_client", before(40), ticket, party="client_third_party"),
            event("client_responded", before(30), ticket),
            event("guard_contacted", before(20), ticket),
            event("contact_logged", before(15), ticket, contact_id="c", medium="phone"),
            # The packaged policy lets nobody grant exceptions.
            event(
                "exception_granted",
                before(12),
                ticket,
                exception_id="x",
                reason="agreed",
                approved_by="max",
            ),
            event("resolved", before(10), ticket, origin="client"),
            event("feature_approved", before(5), ticket),
            event("created", before(5), unclassified, severity=None),
        ),
    )

    async def approval() -> dict[str, Any] | None:
        found = await records_of(settings, APPROVALS.name, ticket)
        return json.loads(found[0].value) if found else None

    told = await until(approval)
    assert told["data"]["subscriber_id"] == "lucia"

    async def noticed() -> dict[str, Any] | None:
        found = await records_of(settings, WARNINGS.name, unclassified)
        return json.loads(found[0].value) if found else None

    notice = await until(noticed)
    assert notice["data"]["kind"] == "unclassified"
    assert notice["data"]["late_ms"] >= 5 * 60_000
    sent = [json.loads(r.value) for r in await records_of(settings, WARNINGS.name, ticket)]
    notices = [record["data"]["kind"] for record in sent if record["type"] == "sla.notice"]
    # Of the packaged policy every ticket has an agreement.
    elsewhere = ["unclassified", "no_agreement"]
    assert sorted([*notices, *elsewhere]) == sorted(get_args(NoticeKind))

    async def counted() -> dict[str, Any] | None:
        families = metrics(tracker)
        # The two tickets are of two partitions, each counts at its own commit.
        approvals = value(families, "sla_feature_approvals_total")
        notices = {
            kind: value(families, "sla_notices_total", kind=kind)
            for kind in get_args(NoticeKind)
            if kind != "no_agreement"
        }
        return families if approvals == 1 and set(notices.values()) == {1} else None

    families = await until(counted)
    party = {"party": "client_third_party"}
    assert value(families, "sla_client_wait_elapsed_seconds_count", **party) == 1
    assert value(families, "sla_client_wait_elapsed_seconds_sum", **party) == pytest.approx(600)
    stopped = {"clock": "resolution", "outcome": "met", "origin": "client"}
    assert value(families, "sla_stopped_clocks_total", **stopped) == 1
    row = await table_row(settings, ticket)
    assert row is not None
    assert row["client_delay"]["client_third_party"]["clock_ms"] == 600_000
    assert row["obligations"][0]["record"] is None
    assert row["subscribers"] == ["lucia"]


async def test_exemplars_name_the_ticket_in_openmetrics(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{tracker.port}/metrics",
        headers={"Accept": "application/openmetrics-text; version=1.0.0"},
    )

    async def exemplar() -> bool | None:
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(request).read().decode())
        lines = [line for line in text.splitlines() if line.startswith("sla_breaches_total")]
        return True if any('ticket_id="LIVE-1"' in line for line in lines) else None

    assert await until(exemplar)


async def test_a_client_is_erased_from_the_table_and_stays_so(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    there = keyed(
        event("created", ago(seconds=5), "ERASE-1", severity="low", client_id="gone"),
        event("created", ago(seconds=5), "ERASE-2", severity="low", client_id="gone"),
        event("created", ago(seconds=5), "ERASE-3", severity="low", client_id="stays"),
    )
    await publish(settings, there)
    await until(lambda: table_row(settings, "ERASE-3"))
    await until(lambda: table_row(settings, "ERASE-2"))
    broker = ("--bootstrap", settings.bootstrap)
    counted = await asyncio.to_thread(sla_json, "erase", "gone", *broker, status=1)
    assert sorted(counted["tickets"]) == ["ERASE-1", "ERASE-2"]
    assert await table_row(settings, "ERASE-1"), "nothing is erased without --yes"
    key = ("--key", str(tracker.log.with_name(ERASE_KEY)))
    told = await asyncio.to_thread(sla_json, "erase", "gone", "--yes", *key, *broker)
    assert sorted(told["tickets"]) == ["ERASE-1", "ERASE-2"]
    assert told["days_left"][BREACHES.name] == 90
    for ticket in ("ERASE-1", "ERASE-2"):
        last = (await records_of(settings, TICKETS.name, ticket))[-1]
        assert last.value is None, "a tombstone, which compaction takes as an order"
    assert await table_row(settings, "ERASE-3")
    again = await asyncio.to_thread(sla_json, "erase", "gone", "--yes", *key, *broker)
    assert again["tickets"] == []

    async def erased() -> bool | None:
        return "sla_erased_tickets_total 2.0" in tracker.get("/metrics")[1] or None

    await until(erased)
    assert '"tickets erased"' in tracker.log.read_text()


async def test_nobody_is_erased_by_who_has_not_the_key(
    settings: KafkaSettings, tracker: TrackerProcess, tmp_path: Path
) -> None:
    await publish(
        settings,
        keyed(event("created", ago(seconds=5), "KEPT-1", severity="low", client_id="kept")),
    )
    await until(lambda: table_row(settings, "KEPT-1"))
    broker = ("--bootstrap", settings.bootstrap)
    without = await asyncio.to_thread(sla, "erase", "kept", "--yes", *broker, status=1)
    assert b"SLA_TRACKER_ERASE_KEY_FILE" in without.stderr
    other = tmp_path / "other.key"
    other.write_text("o" * 32)
    erasing = asyncio.create_task(erase(settings, "kept", other.read_bytes()))

    async def refused() -> bool | None:
        letters = await read_topic(settings, DEAD_LETTERS.name)
        return (
            True
            if any(dict(each.headers).get(REASON_HEADER) == b"not_allowed" for each in letters)
            else None
        )

    await until(refused)
    erasing.cancel()
    assert await table_row(settings, "KEPT-1")


def test_health_says_which_partitions_run(tracker: TrackerProcess) -> None:
    status, body = tracker.get("/readyz")
    assert status == 200
    assert json.loads(body)["partitions"] == {"0": "running", "1": "running", "2": "running"}
    assert tracker.get("/healthz")[0] == 200
    assert tracker.get("/nothing")[0] == 404


async def test_explain_reads_the_table_of_the_running_tracker(
    settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    told = await asyncio.to_thread(sla_json, "explain", "LIVE-1", "--bootstrap", settings.bootstrap)
    assert told["state"] == "open"
    assert [alert["what"] for alert in told["alerts"]] == ["0.9", "breach"]
    given = ("explain", "--client", told["client_id"], "--bootstrap", settings.bootstrap)
    of_client = await asyncio.to_thread(sla_json, *given)
    assert "LIVE-1" in {ticket["ticket_id"] for ticket in of_client["tickets"]}


def test_doctor_is_content_with_this_broker(settings: KafkaSettings) -> None:
    checks = sla_json("doctor", "--bootstrap", settings.bootstrap)
    assert all(check["ok"] for check in checks)


def test_it_ends_in_order_and_its_log_holds_no_payload(
    kafka: EmbeddedKafka, settings: KafkaSettings, tracker: TrackerProcess
) -> None:
    assert tracker.stop() == 0
    lines = tracker.log.read_text().splitlines()
    assert lines
    assert json.loads(lines[-1])["message"] == "tracker stopped"
    text = tracker.log.read_text()
    assert "analyst_id" not in text
    assert "acme" not in text


def test_the_next_tracker_goes_on_where_that_one_ended(
    kafka: EmbeddedKafka, settings: KafkaSettings, tracker: TrackerProcess, tmp_path: Path
) -> None:
    before = len(asyncio.run(read_topic(settings, BREACHES.name)))
    successor = TrackerProcess(kafka.bootstrap, tmp_path / "log", replay=False)
    try:
        successor.wait_until_ready()
        asyncio.run(publish(settings, keyed(event("assigned", ago(seconds=1), "KEY-1"))))

        async def applied() -> bool | None:
            row = await table_row(settings, "KEY-1")
            return True if row and len(row["timeline"]) > 1 else None

        asyncio.run(until(applied))
        assert len(asyncio.run(read_topic(settings, BREACHES.name))) == before
    finally:
        successor.stop()
