"""The notifier with a real Kafka, a real Alertmanager and a real HTTP receiver."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import urllib.request
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import event, monitoring
from support.alerts import example, write
from support.cli import sla, sla_json
from support.live import PARTITIONS, ago, keyed, publish, until
from support.receiver import Receiver

from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program, TrackerProcess
from sla_schemas.topics import ALERT_DEAD_LETTERS, APPROVALS, BREACHES, TICKETS, WARNINGS

pytestmark = pytest.mark.kafka

SECRET = "whsec_" + b64encode(b"a key of twenty-four b..").decode()
#: In a TOML basic string, so that ``{{`` stands as it is.
CHAT = "{{ sentence }} <{{ url }}|{{ ticket }}>"


Start = Callable[..., Program]


@pytest.fixture
def start(settings: KafkaSettings, tmp_path: Path) -> Iterator[Start]:
    """Starts notifiers of one group with the routes given, and ends them."""
    started: list[Program] = []
    group = f"notifier-{time.monotonic_ns()}"
    routes = tmp_path / "routes.toml"

    def go(text: str = "") -> Program:
        if text:
            routes.write_text(text)
        number = len(started)
        notifier = Program(
            "notifier",
            settings.bootstrap,
            tmp_path / f"notifier-{number}.log",
            ["--routes", str(routes)],
            environment={
                "HOOK_SECRET": SECRET,
                "SLA_NOTIFIER_APP": group,
                "SLA_NOTIFIER_SESSION_SECONDS": "6",
                "SLA_NOTIFIER_DRAIN_SECONDS": "2",
            },
        )
        started.append(notifier)
        notifier.wait_until_ready()
        return notifier

    yield go
    for notifier in started:
        notifier.stop()


def routes_to(receiver: Receiver, destination: str = "", route: str = "") -> str:
    """A routes file with one signed webhook that gets everything."""
    return f"""
board = "https://board.example"
allowed_hosts = ["{receiver.host}"]
[[destinations]]
name = "hook"
kind = "webhook"
url = "{receiver.url}"
secret_env = "HOOK_SECRET"
{destination}
[[routes]]
to = ["hook"]
{route}
"""


def tickets_of(receiver: Receiver, prefix: str) -> list[str]:
    """The tickets of the alerts it took, in order, one a delivery."""
    told = []
    for each in receiver.taken:
        body = json.loads(each.body)
        told += [event["subject"] for event in (body if isinstance(body, list) else [body])]
    return [ticket for ticket in told if ticket.startswith(prefix)]


async def delivered(receiver: Receiver, prefix: str, count: int, seconds: float = 40) -> list[str]:
    """The tickets delivered, as soon as there are ``count`` of them."""

    async def look() -> list[str] | None:
        found = tickets_of(receiver, prefix)
        return found if len(set(found)) >= count else None

    return await until(look, seconds)


async def test_a_webhook_is_signed_and_only_committed_alerts_are_told(
    settings: KafkaSettings, start: Start
) -> None:
    with Receiver() as receiver:
        start(routes_to(receiver))
        breach, lost = example("sla.breach", "sig-1"), example("sla.breach", "sig-aborted")
        await write(settings, BREACHES, [breach], PARTITIONS, abort=[lost])
        await write(settings, APPROVALS, [example("feature.approved", "sig-2")], PARTITIONS)
        assert set(await delivered(receiver, "sig-", 2)) == {"sig-1", "sig-2"}
        first = next(each for each in receiver.taken if json.loads(each.body)["subject"] == "sig-1")
        headers = first.headers
        assert json.loads(first.body) == breach
        assert headers["content-type"] == "application/cloudevents+json"
        assert headers["webhook-id"] == breach["id"]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + first.body
        key = b64decode(SECRET.removeprefix("whsec_"))
        expected = b64encode(hmac.digest(key, signed, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"


async def test_kill_9_in_the_middle_loses_nothing_and_keeps_each_tickets_order(
    settings: KafkaSettings, start: Start
) -> None:
    tickets = [f"kill-{number}" for number in range(40)]
    rounds = 5

    def slowly(_headers: dict[str, str], _body: bytes) -> int:
        time.sleep(0.02)
        return 200

    with Receiver(slowly) as receiver:
        notifier = start(routes_to(receiver))
        for occurrence in range(1, rounds + 1):
            alerts = [example("sla.breach", each, occurrence=occurrence) for each in tickets]
            await write(settings, BREACHES, alerts, PARTITIONS, abort=alerts[:3])
        for goal in (30, 90):

            async def enough(goal: int = goal) -> bool | None:
                return len(receiver.received) >= goal or None

            await until(enough)
            notifier.kill()
            notifier = start()

        def told() -> dict[str, list[int]]:
            found: dict[str, list[int]] = defaultdict(list)
            for each in receiver.taken:
                data = json.loads(each.body)["data"]
                if data["ticket_id"].startswith("kill-"):
                    found[data["ticket_id"]].append(data["occurrence"])
            return found

        async def all_told() -> dict[str, list[int]] | None:
            found = told()
            return found if all(set(found[each]) == {1, 2, 3, 4, 5} for each in tickets) else None

        found = await until(all_told, 60)
        # An alert may come again after a crash, under the same id; the first time it is in order.
        for ticket in tickets:
            assert list(dict.fromkeys(found[ticket])) == [1, 2, 3, 4, 5]
        ids = Counter(each.headers["webhook-id"] for each in receiver.taken)
        again = sum(count - 1 for count in ids.values())
        assert again < len(tickets) * rounds, "it began anew instead of going on"


async def test_a_receiver_that_fails_stalls_and_comes_back_gets_everything(
    settings: KafkaSettings, start: Start
) -> None:
    state = {"mode": "fail"}

    def moody(_headers: dict[str, str], _body: bytes) -> int:
        if state["mode"] == "stall":
            time.sleep(2)
        return 503 if state["mode"] == "fail" else 200

    with Receiver(moody) as receiver:
        notifier = start(routes_to(receiver, 'timeout = "1s"\nbreaker_rest = "1s"'))
        alerts = [example("sla.breach", f"mood-{number}") for number in range(12)]
        await write(settings, BREACHES, alerts, PARTITIONS)

        async def failed() -> bool | None:
            return len(receiver.received) >= 5 or None

        await until(failed)

        async def held_back() -> bool | None:
            shown = notifier.get("/metrics")[1]
            return 'sla_notification_breaker_open{destination="hook"} 1.0' in shown or None

        await until(held_back)
        state["mode"] = "stall"
        await asyncio.sleep(2)
        state["mode"] = "take"
        assert set(await delivered(receiver, "mood-", 12)) == {f"mood-{n}" for n in range(12)}


async def test_what_is_refused_or_no_alert_is_parked_with_its_reason(
    settings: KafkaSettings, start: Start
) -> None:
    def choosy(_headers: dict[str, str], body: bytes) -> int:
        return 422 if b"park-bad" in body else 200

    with Receiver(choosy) as receiver:
        start(routes_to(receiver))
        alerts = [example("sla.breach", each) for each in ("park-bad", "park-good")]
        await write(settings, BREACHES, alerts, PARTITIONS)
        await write(settings, WARNINGS, [{"subject": "park-odd", "no": "alert"}], PARTITIONS)
        # One that no route can be found for.
        lame = example("sla.breach", "park-lame")
        del lame["data"]["policy"]
        await write(settings, BREACHES, [lame], PARTITIONS)
        await delivered(receiver, "park-good", 1)

        async def dead_lettered() -> dict[bytes, tuple[str, str]] | None:
            found = {
                record.key: tuple(value.decode() for _, value in record.headers)
                for record in await read_topic(settings, ALERT_DEAD_LETTERS.name)
                if record.key.startswith(b"park-")
            }
            return found if len(found) == 3 else None

        found = await until(dead_lettered)
        assert found[b"park-bad"] == ("http_422:", "hook") or found[b"park-bad"][0].startswith(
            "http_422"
        )
        assert found[b"park-odd"][0].startswith("not an alert")
        assert found[b"park-lame"] == ("no route can be found for it: KeyError('policy')", "-")


async def test_alerts_of_a_group_come_as_one_batch(settings: KafkaSettings, start: Start) -> None:
    with Receiver() as receiver:
        start(routes_to(receiver, route='group_by = ["client"]\ngroup_wait = "2s"'))
        alerts = [
            example("sla.breach", f"group-{number}", client_id=f"client-{number % 2}")
            for number in range(8)
        ]
        await write(settings, BREACHES, alerts, PARTITIONS)
        await delivered(receiver, "group-", 8)
        batches = [json.loads(each.body) for each in receiver.taken]
        assert all(len({event["data"]["client_id"] for event in batch}) == 1 for batch in batches)
        assert len(batches) < 8
        kinds = {each.headers["content-type"] for each in receiver.taken}
        assert "application/cloudevents-batch+json" in kinds


async def test_routes_go_by_severity_and_a_chat_is_told_in_its_language(
    settings: KafkaSettings, start: Start
) -> None:
    with Receiver() as chat, Receiver() as hook:
        start(
            f"""
board = "https://board.example"
allowed_hosts = ["{chat.host}", "{hook.host}"]
[[destinations]]
name = "chat"
kind = "slack"
url = "{chat.url}"
language = "es"
template = "{CHAT}"
[[destinations]]
name = "hook"
kind = "webhook"
url = "{hook.url}"
secret_env = "HOOK_SECRET"
[[routes]]
to = ["chat"]
kinds = ["breach"]
severities = ["blocker"]
[[routes]]
to = ["hook"]
kinds = ["breach"]
"""
        )
        alerts = [
            example("sla.breach", "route-blocker", severity="blocker"),
            example("sla.breach", "route-low", severity="low"),
            # What takes an alert back goes wherever the alert may have gone.
            example("sla.breach_retracted", "route-blocker", severity="low"),
        ]
        await write(settings, BREACHES, alerts, PARTITIONS)
        assert await delivered(hook, "route-", 2) == ["route-low", "route-blocker"]

        async def chatted() -> list[str] | None:
            texts = [json.loads(each.body)["text"] for each in chat.taken]
            return texts if len(texts) == 2 else None

        first, second = await until(chatted)
        assert chat.taken[0].headers["webhook-id"] == alerts[0]["id"]
        assert first.startswith("route-blocker (Blocker) incumplió el tiempo de resolución el ")
        assert first.endswith("<https://board.example/tickets/route-blocker?lang=es|route-blocker>")
        assert second.startswith("route-blocker: se anula el incumplimiento")


async def test_two_share_the_work_and_one_that_is_stopped_hands_over(
    settings: KafkaSettings, start: Start
) -> None:
    with Receiver() as receiver:
        first = start(routes_to(receiver))
        start()
        alerts = [example("sla.breach", f"two-{number}") for number in range(30)]
        await write(settings, BREACHES, alerts[:15], PARTITIONS)
        await delivered(receiver, "two-", 15)
        assert first.stop() == 0
        await write(settings, BREACHES, alerts[15:], PARTITIONS)
        await delivered(receiver, "two-", 30)
        # Nobody died, so nothing was told twice.
        assert Counter(tickets_of(receiver, "two-")).most_common(1)[0][1] == 1


def skipped(settings: KafkaSettings, routes: Path, prefix: str) -> list[dict[str, Any]]:
    """What ``sla notifier --skipped`` lists, without the destinations' secrets."""
    command = ("notifier", "--routes", routes, "--bootstrap", settings.bootstrap, "--skipped")
    found = [row for row in sla_json(*command) if row["ticket"].startswith(prefix)]
    shown = sla(*command).stdout.decode()
    assert all(row["ticket"] in shown for row in found)
    return found


async def test_history_is_nobodys_page_and_neither_is_what_takes_it_back(
    settings: KafkaSettings, start: Start, tmp_path: Path
) -> None:
    hour = 3_600_000

    def retraction(of: dict[str, Any], **data: Any) -> dict[str, Any]:
        ticket = of["subject"]
        return example("sla.breach_retracted", ticket, retracts=of["id"], **data)

    fresh = example("sla.breach", "late-fresh", late_ms=hour)
    stale = example("sla.breach", "late-stale", late_ms=25 * hour)
    other = example("sla.breach", "late-other", late_ms=25 * hour)
    warned = example("sla.warning", "late-warned", late_ms=48 * hour)
    with Receiver() as receiver:
        notifier = start(routes_to(receiver))
        await write(settings, BREACHES, [fresh, stale, other], PARTITIONS)
        await write(settings, WARNINGS, [warned], PARTITIONS)
        # Long after it, but people saw what it takes back. And soon after it, but nobody did.
        await write(settings, BREACHES, [retraction(fresh, late_ms=90 * hour)], PARTITIONS)
        await write(settings, BREACHES, [retraction(stale, late_ms=0)], PARTITIONS)
        await write(settings, BREACHES, [example("sla.breach", "late-end-1")], PARTITIONS)
        await delivered(receiver, "late-end-1", 1)

        async def counted(expected: str, notifier: Program = notifier) -> bool | None:
            return expected in notifier.get("/metrics")[1] or None

        name = 'sla_notifications_skipped_total{destination="hook"}'
        await until(lambda: counted(f"{name} 4.0"))
        # One that has seen nothing of it knows it from the topic.
        assert notifier.stop() == 0
        notifier = start()
        await write(settings, BREACHES, [retraction(other, late_ms=0)], PARTITIONS)
        await write(settings, BREACHES, [example("sla.breach", "late-end-2")], PARTITIONS)
        await delivered(receiver, "late-end-2", 1)
        await until(lambda: counted(f"{name} 1.0", notifier))
        assert sorted(tickets_of(receiver, "late-")) == [
            "late-end-1",
            "late-end-2",
            "late-fresh",
            "late-fresh",
        ]
        rows = await asyncio.to_thread(skipped, settings, tmp_path / "routes.toml", "late-")
        assert {(row["ticket"], row["kind"], row["late_ms"] // hour) for row in rows} == {
            ("late-stale", "breach", 25),
            ("late-stale", "breach_retracted", 25),
            ("late-other", "breach", 25),
            ("late-other", "breach_retracted", 25),
            ("late-warned", "warning", 48),
        }
        assert all(row["not_sent_to"] == ["hook"] for row in rows)
        # A route that takes history is told of all of it.
        routes = tmp_path / "history.toml"
        routes.write_text(routes_to(receiver, route='max_late = "3650d"'))
        assert await asyncio.to_thread(skipped, settings, routes, "late-") == []


async def test_a_backfill_through_a_real_tracker_pages_nobody(
    settings: KafkaSettings, start: Start, tmp_path: Path
) -> None:
    tracker = TrackerProcess(settings.bootstrap, tmp_path / "tracker.log", replay=False)
    try:
        tracker.wait_until_ready()
        with Receiver() as receiver:
            start(routes_to(receiver))
            old = event("created", ago(hours=40), "fill-old", severity="blocker")
            new = event("created", ago(hours=2), "fill-new", severity="blocker")
            await publish(settings, keyed(old, new))
            assert set(await delivered(receiver, "fill-", 1)) == {"fill-new"}

            async def listed() -> list[dict[str, Any]] | None:
                file = tmp_path / "routes.toml"
                found = await asyncio.to_thread(skipped, settings, file, "fill-")
                return found if len(found) >= 2 else None

            rows = await until(listed)
            breached = {row["clock"]: row["late_ms"] // 3_600_000 for row in rows}
            # One hour for the first response and six for the resolution.
            assert breached == {"first_response": 39, "resolution": 34}
            assert set(tickets_of(receiver, "fill-")) == {"fill-new"}
            # It had been resolved in time: both are taken back, and nobody hears of that either.
            done = event("resolved", ago(hours=39.9), "fill-old")
            last = event("created", ago(hours=3), "fill-last", severity="blocker")
            await publish(settings, keyed(done))

            async def taken_back() -> bool | None:
                found = await listed() or []
                return sum(row["kind"] == "breach_retracted" for row in found) == 2 or None

            await until(taken_back)
            await publish(settings, keyed(last))
            await delivered(receiver, "fill-", 2)
            assert set(tickets_of(receiver, "fill-")) == {"fill-new", "fill-last"}
    finally:
        tracker.stop()


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """A real Alertmanager that tells nobody; answers its host:port."""
    config = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    with monitoring.alertmanager(tmp_path / "alertmanager", config) as host:
        yield host


def firing(host: str, ticket: str) -> list[dict[str, Any]]:
    """The alerts of a ticket that Alertmanager holds to be active."""
    asked = f'http://{host}/api/v2/alerts?filter=ticket_id%3D"{ticket}"'
    with urllib.request.urlopen(asked, timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


async def test_alertmanager_fires_until_a_retraction_or_the_clock_stops(
    settings: KafkaSettings, start: Start, alertmanager: str
) -> None:
    start(
        f"""
board = "https://board.example"
allowed_hosts = ["{alertmanager}"]
[[destinations]]
name = "alertmanager"
kind = "alertmanager"
url = "http://{alertmanager}"
[[routes]]
to = ["alertmanager"]
"""
    )
    breach = example("sla.breach", "am-1")
    warning = example("sla.warning", "am-2", clock="resolution", fraction="0.5")
    await write(settings, BREACHES, [breach], PARTITIONS)
    await write(settings, WARNINGS, [warning], PARTITIONS)

    async def fires(ticket: str) -> dict[str, Any] | None:
        found = firing(alertmanager, ticket)
        return found[0] if found else None

    async def quiet(ticket: str) -> bool | None:
        return not firing(alertmanager, ticket) or None

    told = await until(lambda: fires("am-1"))
    assert told["labels"] == {
        "alertname": "SlaBreach",
        "ticket_id": "am-1",
        "client_id": "acme",
        "severity": "high",
        "clock": "resolution",
        "cycle": "1",
        "limit": "severity",
    }
    assert told["generatorURL"] == "https://board.example/tickets/am-1?lang=en"
    assert told["annotations"]["summary"].startswith("am-1 (High) breached its resolution SLA on")
    await until(lambda: fires("am-2"))
    # Taken back at another severity: the alert that fires has the old one.
    retraction = example("sla.breach_retracted", "am-1", clock="resolution", severity="low")
    await write(settings, BREACHES, [retraction], PARTITIONS)
    await until(lambda: quiet("am-1"))
    assert firing(alertmanager, "am-2"), "the other ticket's warning must still fire"
    row = json.loads(
        (Path(__file__).parents[2] / "schemas/examples/ticket-record.json").read_text()
    )
    await write(settings, TICKETS, [row | {"ticket_id": "am-2"}], PARTITIONS)
    await until(lambda: quiet("am-2"))
