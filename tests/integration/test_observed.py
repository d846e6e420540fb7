"""A real Prometheus with a real tracker, and an alert from event to receiver."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from support import event, monitoring
from support.live import PARTITIONS, ago, keyed, publish, until
from support.monitoring import DEPLOY, Prometheus, promtool
from support.receiver import Receiver

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_lab.feed import Feed
from sla_lab.processes import Program, TrackerProcess
from sla_lab.recording import read_lines

pytestmark = pytest.mark.kafka

TOKEN = "metrics-t0ken"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
#: Parts in which the recording is fed, so that Prometheus sees it come.
CHAPTERS = 8


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """The file of the token that Prometheus shows and the programs ask for."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture
def settings() -> Iterator[KafkaSettings]:
    """A broker of a test's own: one tracker replays, the other lives."""
    with EmbeddedKafka() as kafka:
        reached = KafkaSettings(bootstrap=kafka.bootstrap)
        asyncio.run(create_topics(reached, PARTITIONS))
        yield reached


def without_data(found: Prometheus) -> list[str]:
    """The dashboards' queries that have no number to show."""
    empty = []
    for path in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                asked = target["expr"].replace("$__rate_interval", "8s").replace("$severity", ".*")
                values = [
                    float(value) for series in found.series(asked) for _, value in series["values"]
                ]
                if not any(math.isfinite(value) for value in values):
                    empty.append(f"{path.stem}, {panel['title']}: {asked}")
    return empty


async def test_every_panel_has_data_while_a_tracker_replays(
    settings: KafkaSettings, token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLA_HTTP_METRICS_TOKEN_FILE", str(token))
    tracker = TrackerProcess(settings.bootstrap, tmp_path / "tracker.log", replay=True)
    programs = {"sla-tracker": f"127.0.0.1:{tracker.port}"}
    try:
        tracker.wait_until_ready()
        with monitoring.prometheus(tmp_path / "prometheus", programs, TOKEN) as found:
            lines = [line for line in read_lines([Path("sample")]) if line.occurred is not None]
            size = len(lines) // CHAPTERS
            async with Feed(settings) as feed:
                # The last chapter is not told, so that tickets are still open.
                for start in range(0, size * (CHAPTERS - 1), size):
                    chapter = lines[start : start + size]
                    for line in chapter:
                        await feed.add(line)
                    await feed.move_frontier(chapter[-1].occurred)
                    await asyncio.sleep(1.5)
            missing: list[str] = []

            async def complete() -> bool | None:
                nonlocal missing
                missing = without_data(found)
                return None if missing else True

            try:
                await until(complete)
            except AssertionError:
                raise AssertionError(f"no data: {missing}") from None
            health = {
                rule["name"]: rule["health"]
                for group in found.get("rules")["groups"]
                for rule in group["rules"]
            }
            assert set(health.values()) == {"ok"}, health
        served = metrics_of(tracker)
        checked = promtool("check", "metrics", stdin=served)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    finally:
        tracker.stop()


def metrics_of(program: Program) -> str:
    """What its metrics are for who has the token."""
    request = urllib.request.Request(
        f"{program.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.read().decode())


def hooks(receiver: Receiver) -> dict[str, Any]:
    """Each of Alertmanager's receivers at an address of its own, as a webhook and no chat."""
    return {
        name: {"slack_configs": [], "webhook_configs": [{"url": f"{receiver.url}/{name}"}]}
        for name in ("operators", "leads", "on-call")
    }


ROUTES = """
board = "http://board.example"
allowed_hosts = ["{host}"]
[[destinations]]
name = "alertmanager"
kind = "alertmanager"
url = "http://{host}"
[[routes]]
to = ["alertmanager"]
"""


async def test_a_broken_promise_reaches_on_call_by_its_ticket_and_by_the_count(
    settings: KafkaSettings, token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLA_HTTP_METRICS_TOKEN_FILE", str(token))
    routes = tmp_path / "routes.toml"
    with Receiver() as receiver, Receiver() as collector, ExitStack() as stack:
        monkeypatch.setenv("SLA_TRACING_ENDPOINT", f"{collector.url}/v1/traces")
        config = monitoring.hurried_alertmanager(hooks(receiver))
        alertmanager = stack.enter_context(
            monitoring.alertmanager(tmp_path / "alertmanager", config)
        )
        routes.write_text(ROUTES.format(host=alertmanager))
        tracker = TrackerProcess(settings.bootstrap, tmp_path / "tracker.log", replay=False)
        stack.callback(tracker.stop)
        notifier = Program(
            "notifier", settings.bootstrap, tmp_path / "notifier.log", ["--routes", str(routes)]
        )
        stack.callback(notifier.stop)
        programs = {
            "sla-tracker": f"127.0.0.1:{tracker.port}",
            "sla-notifier": f"127.0.0.1:{notifier.port}",
        }
        for program in (tracker, notifier):
            program.wait_until_ready()
        found = stack.enter_context(
            monitoring.prometheus(tmp_path / "prometheus", programs, TOKEN, alertmanager)
        )
        # The counter must have been seen before it counts.
        await until(lambda: counted(found))
        told = (datetime.now(UTC) - timedelta(minutes=61)).isoformat()
        created = event(
            "created", ago(seconds=1), "E2E-1", severity="blocker", communicated_at=told
        ) | {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        await publish(settings, keyed(created))

        def reached(name: str) -> set[str]:
            return {
                alert["labels"]["alertname"]
                for each in list(receiver.received)
                if each.path.endswith(f"/{name}")
                for alert in json.loads(each.body)["alerts"]
            }

        async def rung() -> bool | None:
            return True if reached("on-call") >= {"SlaBreach", "SlaPromisesBrokenUrgent"} else None

        await until(rung)
        assert "SlaTrackerDown" not in reached("on-call")
        [breach] = [
            alert
            for each in receiver.received
            for alert in json.loads(each.body)["alerts"]
            if alert["labels"]["alertname"] == "SlaBreach" and alert["status"] == "firing"
        ][:1]
        assert breach["labels"]["ticket_id"] == "E2E-1"
        assert breach["generatorURL"].startswith("http://board.example/tickets/E2E-1")
        [urgent] = [
            alert
            for each in receiver.received
            for alert in json.loads(each.body)["alerts"]
            if alert["labels"]["alertname"] == "SlaPromisesBrokenUrgent"
        ][:1]
        assert urgent["annotations"]["runbook_url"].endswith("/runbook/#slapromisesbrokenurgent")
        assert "runbook" not in urgent["labels"], "it is for links alone"

        async def traced() -> dict[str, Span] | None:
            found = {span.name: span for span in spans(collector) if span.trace_id.hex() == TRACE}
            return found if {"sla.breach", "deliver"} <= found.keys() else None

        told_of = await until(traced)
        assert told_of["sla.breach"].parent_span_id.hex() == "00f067aa0ba902b7"
        assert told_of["deliver"].parent_span_id == told_of["sla.breach"].span_id


def spans(collector: Receiver) -> list[Span]:
    """What was sent to a collector, as OTLP over HTTP has it."""
    found = []
    for each in list(collector.received):
        body = gzip.decompress(each.body) if each.body[:2] == b"\x1f\x8b" else each.body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


async def counted(found: Prometheus) -> bool | None:
    """Whether Prometheus has seen the counter of breaches twice."""
    series = found.series('sla_breaches_total{severity="blocker"}', 30)
    return True if any(len(each["values"]) > 1 for each in series) else None
