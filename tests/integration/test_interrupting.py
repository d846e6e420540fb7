"""Every program stops cleanly when told to, even if started in the background by a shell, which
makes it ignore SIGINT.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from support.cli import SLA, environment, in_the_background

from sla_kafka.embedded import free_port
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_schemas.topics import HEARTBEATS

pytestmark = pytest.mark.kafka

#: Seconds after its first word at which a program that starts is interrupted.
MOMENT = 0.3
ROUTES = """
allowed_hosts = ["127.0.0.1:9"]
[[destinations]]
name = "nobody"
kind = "slack"
url = "http://127.0.0.1:9/"
[[routes]]
to = ["nobody"]
"""
SOURCES = """
[[sources]]
name = "own"
kind = "cloudevents"
secret_envs = ["OWN_TOKEN"]
"""


def wait_until_it_serves(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"it serves nothing: {log.read_text()}")


def options(program: str, port: int, directory: Path) -> list[str]:
    """What ``program`` is started with, its files in ``directory``."""
    routes, sources = directory / "routes.toml", directory / "sources.toml"
    routes.write_text(ROUTES)
    sources.write_text(SOURCES)
    return {
        "tracker": ["--http-port", str(port)],
        "board": ["--port", str(port)],
        "notifier": ["--port", str(port), "--routes", str(routes)],
        "intake": ["--port", str(port), "--sources", str(sources)],
    }[program]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
@pytest.mark.parametrize("program", ["tracker", "board", "notifier", "intake"])
def test_a_program_in_the_background_ends_when_it_is_interrupted(
    settings: KafkaSettings, tmp_path: Path, program: str, number: signal.Signals
) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [SLA, program, "--bootstrap", settings.bootstrap, *options(program, port, tmp_path)]
    with (
        log.open("wb") as sink,
        subprocess.Popen(
            in_the_background(*command),
            env=environment(OWN_TOKEN="a token of the test's own"),
            stdout=sink,
            stderr=sink,
        ) as process,
    ):
        try:
            wait_until_it_serves(port, process, log)
            process.send_signal(number)
            assert process.wait(timeout=30) == 0, log.read_text()
        finally:
            process.kill()
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("program", ["tracker", "board", "notifier", "intake"])
def test_a_program_that_ends_while_it_starts_says_that_it_did(
    settings: KafkaSettings, tmp_path: Path, program: str
) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [SLA, program, "--bootstrap", settings.bootstrap, *options(program, port, tmp_path)]
    with (
        log.open("wb") as sink,
        subprocess.Popen(
            command,
            env=environment(OWN_TOKEN="a token of the test's own"),
            stdout=sink,
            stderr=sink,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 60
            while f"{program} started" not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, "it does not start"
                time.sleep(0.05)
            # Any moment of its start.
            time.sleep(MOMENT)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0, log.read_text()
        finally:
            process.kill()
    assert "a task has ended" not in log.read_text()
    beats = asyncio.run(read_topic(settings, HEARTBEATS.name))
    told = [json.loads(beat.value) for beat in beats]
    ours = [beat for beat in told if beat["instance"].endswith(f"-{process.pid}")]
    assert not ours or ours[-1]["stopped"]
