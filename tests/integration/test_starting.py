"""Programs started before their broker or its topics exist."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.live import until

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka, free_port
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program

pytestmark = pytest.mark.kafka

ROUTES = """
allowed_hosts = ["127.0.0.1:9"]
[[destinations]]
name = "nobody"
kind = "slack"
url = "http://127.0.0.1:9/"
[[routes]]
to = ["nobody"]
"""
PROGRAMS = ("tracker", "notifier")

Start = Callable[[str, str], Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program on a broker, by the name of the one and the address of the other."""
    started: list[Program] = []
    (tmp_path / "routes.toml").write_text(ROUTES)
    options = {"notifier": ["--routes", str(tmp_path / "routes.toml")]}

    def go(name: str, bootstrap: str) -> Program:
        program = Program(
            name,
            bootstrap,
            tmp_path / f"{name}-{len(started)}.log",
            options.get(name, []),
            port_option="--http-port" if name == "tracker" else "--port",
        )
        started.append(program)
        return program

    yield go
    for program in started:
        program.stop()


async def told(program: Program, message: str) -> None:
    """Return when ``program`` has logged ``message``."""

    async def look() -> bool | None:
        program.check()
        return message in program.log.read_text() or None

    await until(look)


async def ended(program: Program) -> int:
    """The exit status of ``program``, once it has ended by itself."""

    async def look() -> int | None:
        return program.exit_status

    return await until(look)


async def test_without_topics_a_program_says_what_to_do(kafka: EmbeddedKafka, start: Start) -> None:
    for program in [start(name, kafka.bootstrap) for name in PROGRAMS]:
        assert await ended(program) == 1
        assert "sla topics create" in program.last_words()
        assert "waiting for a topic" in program.log.read_text()


async def test_topics_created_just_after_a_program_started_are_waited_for(
    start: Start,
) -> None:
    with EmbeddedKafka() as broker:
        programs = [start(name, broker.bootstrap) for name in PROGRAMS]
        for program in programs:
            await told(program, "waiting for a topic")
        await create_topics(KafkaSettings(bootstrap=broker.bootstrap), 4)
        for program in programs:
            await asyncio.to_thread(program.wait_until_ready)
            assert program.stop() == 0


async def test_a_broker_that_is_started_after_a_program_is_waited_for(start: Start) -> None:
    port = free_port()
    programs = [start(name, f"127.0.0.1:{port}") for name in PROGRAMS]
    for program in programs:
        await told(program, "no broker yet")
    with EmbeddedKafka(port=port) as broker:
        await create_topics(KafkaSettings(bootstrap=broker.bootstrap), 4)
        for program in programs:
            await asyncio.to_thread(program.wait_until_ready)
            assert program.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_that_waits_ends_when_it_is_asked_to(
    kafka: EmbeddedKafka, start: Start, name: str, number: signal.Signals
) -> None:
    without_topics = start(name, kafka.bootstrap)
    without_broker = start(name, f"127.0.0.1:{free_port()}")
    for program, message in (
        (without_topics, "waiting for a topic"),
        (without_broker, "no broker yet"),
    ):
        await told(program, message)
        os.kill(program.pid, number)
        assert await ended(program) == 0, program.log.read_text()
        assert "Traceback" not in program.log.read_text()
