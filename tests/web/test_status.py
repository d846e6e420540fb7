"""The status is correct: each state is produced with real programs and read from the page."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from playwright.sync_api import Browser, Page, expect
from support import event
from support.alerts import example, write
from support.browser import chromium
from support.cli import SLA, environment
from support.live import PARTITIONS, ago, keyed, publish
from support.receiver import Receiver
from textual.widgets import Static

from sla_cli.top import Top
from sla_kafka.admin import admin_client, create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program
from sla_schemas.topics import BREACHES, EVENTS, HEARTBEATS, PROGRESS, Topic
from sla_text.language import Texts

pytestmark = pytest.mark.kafka

#: How long a state may take to show, in milliseconds: that of a tracker's session is in it.
SOON = 60_000
RED = "rgb(179, 38, 30)"
T = TypeVar("T")


def run(what: Coroutine[Any, Any, T]) -> T:
    """Playwright keeps a loop running in this thread, so another one needs a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, what).result()


class Stage:
    """A broker and a board, and trackers that come and go."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.broker = EmbeddedKafka(directory / "kafka").start()
        self.settings = KafkaSettings(bootstrap=self.broker.bootstrap)
        self.started: list[Program] = []
        run(create_topics(self.settings, PARTITIONS))
        self.board = self.start("board", SLA_BOARD_STALE_SECONDS="5")

    def start(self, name: str, *options: str, **settings: str) -> Program:
        """Start a program and wait until it is ready."""
        log = self.directory / f"{name}-{len(self.started)}.log"
        port_option = "--http-port" if name == "tracker" else "--port"
        program = Program(
            name,
            self.broker.bootstrap,
            log,
            options,
            port_option=port_option,
            environment=settings,
        )
        self.started.append(program)
        program.wait_until_ready()
        return program

    def publish(self, *events: dict[str, Any]) -> None:
        """Events to Kafka, as an upstream system would."""
        run(publish(self.settings, keyed(*events)))

    def administer(self, call: Callable[[AIOKafkaAdminClient], Coroutine[Any, Any, Any]]) -> None:
        """Do something to the broker."""

        async def done() -> None:
            async with admin_client(self.settings) as client:
                await call(client)

        run(done())

    def configure(self, topic: Topic, **config: str) -> None:
        """Change a topic's settings beside those it has by definition."""
        given = {**topic.config, **{name.replace("_", "."): it for name, it in config.items()}}
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, given)
        self.administer(lambda client: client.alter_configs([resource]))

    def doctor(self, *options: str) -> dict[str, dict[str, Any]]:
        """What ``sla doctor`` says, by its checks; its exit status must agree."""
        command = [SLA, "doctor", "--json", "--bootstrap", self.broker.bootstrap, *options]
        done = subprocess.run(command, env=environment(), capture_output=True, check=False)
        checks = {check["check"]: check for check in json.loads(done.stdout)}
        assert done.returncode == (0 if all(each["ok"] for each in checks.values()) else 1)
        return checks

    def summary(self) -> dict[str, Any]:
        """What the board's API says."""
        _, body = self.board.get("/api/v1/summary")
        found: dict[str, Any] = json.loads(body)
        return found

    def close(self) -> None:
        """End everything."""
        for program in self.started:
            program.terminate()
        for program in self.started:
            program.stop()
        self.broker.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser."""
    with chromium() as running:
        yield running


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A broker of its own for each test, since some of them end it."""
    made = Stage(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    """The board's page, followed live: it is never loaded again."""
    context = browser.new_context(base_url=stage.board.url, locale="en-GB")
    context.set_default_timeout(SOON)
    found = context.new_page()
    found.goto("/")
    yield found
    context.close()


def says(page: Page, text: str, freshness: str) -> None:
    """The page comes to say ``text``, and it is of the class of ``freshness``."""
    notice = page.locator("#notice")
    expect(notice).to_contain_text(text, timeout=SOON)
    expect(notice).to_have_class(f"notice {freshness}")
    expect(page.locator("#watched")).to_have_count(0)


def says_all_is_well(page: Page, trackers: str = "1 tracker running", within: int = SOON) -> None:
    """The page comes to say that the tickets are watched."""
    expect(page.locator("#watched")).to_have_text(trackers, timeout=within)
    expect(page.locator("#notice")).to_have_count(0)


def test_nobody_works_and_nothing_due_are_told_apart(page: Page, stage: Stage) -> None:
    says(page, "No tracker is running: no alerts are sent.", "no_tracker")
    expect(page.locator("#notice")).to_have_css("color", RED)
    assert "start one with 'sla tracker'" in stage.doctor()["tracker"]["detail"]
    tracker = stage.start("tracker")
    says_all_is_well(page)
    expect(page.locator(".list.next .empty")).to_have_text("Nothing is due.")
    told = stage.doctor()
    assert told["tracker"]["detail"] == f"1 running on {PARTITIONS} partitions, nothing unread"
    assert told["group sla-tracker"]["detail"] == "members: 1, Stable"
    assert told["board"]["ok"]
    tracker.kill()
    says(page, "no alerts are sent. Last heard from one on", "no_tracker")
    assert stage.summary()["watch"]["stopped"] is False
    assert "none is running, so no alerts" in stage.doctor()["tracker"]["detail"]
    said = run(_top(stage.board.url))
    assert "No tracker is running: no alerts are sent." in said
    tracker = stage.start("tracker")
    says_all_is_well(page)
    assert "1 tracker running" in run(_top(stage.board.url))
    assert tracker.stop() == 0
    says(page, "The last one stopped on", "no_tracker")
    assert stage.board.get("/readyz")[0] == 200, "what it shows is as it was left"


async def _top(board: str) -> str:
    top = Top(board, {}, Texts("en"))
    async with top.run_test(size=(120, 45)) as pilot:
        await pilot.pause(1)
        return str(top.query_one("#figures", Static).content)


def test_a_record_sent_on_under_its_right_key_leaves_nothing_unread(
    page: Page, stage: Stage
) -> None:
    tracker = stage.start("tracker")

    async def without_a_key() -> None:
        producer = AIOKafkaProducer(**stage.settings.client_options())
        await producer.start()
        told = json.dumps(event("created", ago(seconds=1), "keyless", severity="low"))
        await producer.send_and_wait(EVENTS.name, told.encode())
        await producer.stop()

    run(without_a_key())
    expect(page.locator("#next-keyless")).to_be_visible(timeout=SOON)
    # The input ends with the end of a transaction now, which is no event.
    _until_figure(page, stage, "unread_events", 0)
    says_all_is_well(page)
    assert stage.doctor()["tracker"]["detail"].endswith("nothing unread")
    assert tracker.stop() == 0
    says(page, "No tracker is running", "no_tracker")
    assert stage.summary()["unread_events"] == 0


def test_behind_is_told_while_it_lasts(page: Page, stage: Stage) -> None:
    # One event a transaction: a backlog takes it a while.
    stage.publish(*(event("created", ago(seconds=1), f"T-{number}") for number in range(1_500)))
    page.wait_for_timeout(6_000)
    stage.start("tracker", SLA_TRACKER_BATCH_RECORDS="1")
    says(page, " behind: alerts and figures are delayed.", "behind")
    assert stage.summary()["unread_events"] > 0
    # A slow machine commits some twenty transactions a second.
    says_all_is_well(page, within=3 * SOON)


def test_a_tracker_that_does_not_come_on_is_told(page: Page, stage: Stage) -> None:
    stage.start("tracker", SLA_TRACKER_CALL_SECONDS="2", SLA_TRACKER_MAX_FAILURES="1000")
    says_all_is_well(page)
    # No record is small enough any more: no transaction can be written.
    stage.configure(PROGRESS, max_message_bytes="1")
    stage.publish(event("created", ago(seconds=1), "stuck", severity="low"))
    says(page, "The tracker has made no progress for", "stalled")
    expect(page.locator("#notice")).to_have_css("color", RED)
    assert not stage.doctor()["tracker"]["ok"]


def test_partitions_that_nobody_has_are_told(page: Page, stage: Stage) -> None:
    # A member that keeps its place for long: after it died nobody gets what it had.
    one, _ = (
        stage.start(
            "tracker",
            SLA_TRACKER_INSTANCE_ID=name,
            SLA_TRACKER_SESSION_TIMEOUT_MS="45000",
        )
        for name in ("one", "two")
    )
    says_all_is_well(page, "2 trackers running")
    one.kill()
    says(page, f"of {PARTITIONS} partitions ha", "unowned")
    expect(page.locator("#notice")).to_contain_text("no alerts are sent for")
    assert "no tracker owns partition" in stage.doctor()["tracker"]["detail"]
    says_all_is_well(page)


def test_heartbeats_that_cannot_be_read_are_told_and_nothing_else_suffers(
    page: Page, stage: Stage
) -> None:
    stage.start("tracker")
    says_all_is_well(page)
    stage.administer(lambda client: client.delete_topics([HEARTBEATS.name]))
    says(page, f"a tracker is running: topic {HEARTBEATS.name} is missing", "unknown")
    stage.publish(event("created", ago(seconds=1), "all-the-same", severity="low"))
    expect(page.locator("#next-all-the-same")).to_be_visible(timeout=SOON)
    told = stage.doctor()
    assert "sla topics create" in told[HEARTBEATS.name]["detail"]
    assert "not known" in told["tracker"]["detail"]
    run(create_topics(stage.settings, PARTITIONS))
    says_all_is_well(page)


SOURCES = """[[sources]]
name = "own"
kind = "cloudevents"
secret_envs = ["OWN"]
"""
ROUTES = """allowed_hosts = ["127.0.0.1:9"]
[[destinations]]
name = "hook"
kind = "webhook"
url = "http://127.0.0.1:9/"
secret_env = "OWN"
[[routes]]
to = ["hook"]
"""


SECRET = f"whsec_{b64encode(bytes(32)).decode()}"


def test_while_the_broker_is_away_no_program_is_ready(page: Page, stage: Stage) -> None:
    (stage.directory / "sources.toml").write_text(SOURCES)
    (stage.directory / "routes.toml").write_text(ROUTES)
    tracker = stage.start("tracker")
    intake = stage.start("intake", "--sources", str(stage.directory / "sources.toml"), OWN="s3cret")
    notifier = stage.start("notifier", "--routes", str(stage.directory / "routes.toml"), OWN=SECRET)
    programs = (tracker, intake, notifier, stage.board)
    says_all_is_well(page)
    stage.broker.kill()
    says(page, "The broker is not responding", "unreachable")
    for program in programs:
        _until(page, program, 503)
        assert stage.broker.bootstrap in json.loads(program.get("/readyz")[1])["reason"]
        assert program.get("/healthz")[0] == 200
    stage.broker.start()
    for program in programs:
        _until(page, program, 200)
    says_all_is_well(page)
    # Of each it is known that it was there, and so that it is not there any more.
    intake.kill()
    assert notifier.stop() == 0
    told = stage.doctor()
    assert "start one with 'sla intake'" in told["intake"]["detail"]
    assert [name for name, check in told.items() if not check["ok"]] == ["intake"]
    assert "stopped at" in told["notifier"]["detail"]
    told = stage.doctor("--expect", "notifier")
    assert [name for name, check in told.items() if not check["ok"]] == ["notifier", "intake"]


def test_alerts_that_wait_for_a_destination_are_told_until_it_takes_them(
    page: Page, stage: Stage
) -> None:
    stage.start("tracker")
    says_all_is_well(page)
    taking = {"now": False}
    with Receiver(lambda *_: 200 if taking["now"] else 503) as receiver:
        routes = ROUTES.replace("http://127.0.0.1:9/", receiver.url)
        routes = routes.replace("127.0.0.1:9", receiver.host)
        routes = routes.replace('name = "hook"', 'name = "hook"\nbreaker_rest = "1s"')
        (stage.directory / "routes.toml").write_text(routes)
        options = ("--routes", str(stage.directory / "routes.toml"))
        notifier = stage.start("notifier", *options, OWN=SECRET)
        waiting = page.locator("#undelivered")
        _until_figure(page, stage, "undelivered_alerts", 0)
        expect(waiting).to_have_count(0)
        for number in range(3):
            # Each is followed by the end of its transaction, which is no alert.
            alert = example("sla.breach", f"late-{number}")
            run(write(stage.settings, BREACHES, [alert], PARTITIONS))
        expect(waiting).to_have_text("3 alerts waiting to be delivered", timeout=SOON)
        assert "3 alerts waiting to be delivered" in run(_top(stage.board.url))
        assert "3 alerts waiting to be delivered" in stage.doctor()["notifier"]["detail"]
        assert notifier.stop() == 0
        expect(waiting).to_have_count(0, timeout=SOON)
        assert stage.summary()["undelivered_alerts"] is None, "nobody is there to know"
        # One that has no room for more than one of them knows of those that it has not taken.
        stage.start("notifier", *options, OWN=SECRET, SLA_NOTIFIER_IN_FLIGHT="1")
        expect(waiting).to_have_text(re.compile(r"^[3-6] alerts waiting"), timeout=SOON)
        taking["now"] = True
        expect(waiting).to_have_count(0, timeout=SOON)
        _until_figure(page, stage, "undelivered_alerts", 0)
        assert {json.loads(each.body)["subject"] for each in receiver.taken} == {
            f"late-{number}" for number in range(3)
        }


def _until_figure(page: Page, stage: Stage, name: str, figure: int) -> None:
    for _ in range(SOON // 200):
        if stage.summary()[name] == figure:
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{name} does not come to {figure}: {stage.summary()[name]}")


def _until(page: Page, program: Program, status: int) -> None:
    for _ in range(SOON // 200):
        if program.get("/readyz")[0] == status:
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{program.name} does not come to {status}: {program.get('/readyz')}")
