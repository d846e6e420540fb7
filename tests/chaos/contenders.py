"""The programs under test: our trackers, and the agent that a Faust user would write."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from support import ROOT
from support.contracts import escalating_book

from chaos import naive_agent
from chaos.crew import Worker
from chaos.oracle import Verdict, judge, read, simulate
from chaos.story import story
from sla_kafka.admin import admin_client
from sla_kafka.embedded import free_port
from sla_kafka.reading import end_offsets
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import TrackerProcess
from sla_lab.recording import Line
from sla_lab.replaying import wait_for_progress
from sla_schemas.topics import EVENTS

Offsets = dict[TopicPartition, int]


class Contender(Protocol):
    """A kind of worker, and how its results are judged. ``replay`` says that the events' own times
    are the clock, so that who writes them tells how far it has come.
    """

    replay: bool

    def story(self, seed: int, events: int) -> Iterator[Line]:
        """The events that it is given."""

    async def prepare(self, settings: KafkaSettings, partitions: int, replicas: int) -> None:
        """Make what it needs beside the topics."""

    def launcher(self, bootstrap: str, directory: Path) -> Callable[[int], Worker]:
        """What starts a worker in a place."""

    async def finished(self, settings: KafkaSettings, begun: Offsets, goals: Offsets) -> None:
        """Wait until all input is processed."""

    async def verdict(self, settings: KafkaSettings, directory: Path) -> Verdict:
        """Hold what is there against what must be, given the input in ``events.jsonl``."""


class _Tracker(TrackerProcess):
    def partitions(self) -> tuple[int, ...]:
        status, body = self.get("/readyz")
        states = json.loads(body)["partitions"] if status else {}
        return tuple(int(number) for number, state in states.items() if state == "running")


def start_tracker(
    bootstrap: str, directory: Path, place: int, *, replay: bool, policies: Sequence[Path] = ()
) -> Worker:
    """A tracker as a user starts it."""
    log = directory / f"tracker-{place}.log"
    return _Tracker(bootstrap, log, replay=replay, policies=policies)


def contract(directory: Path) -> Path:
    """The policy file of the story: with escalations, updates that repeat, promises of teams and
    exceptions.
    """
    file = directory / "policy.toml"
    file.write_text(escalating_book().latest.source)
    return file


class _Replaying:
    """A contender for the story of a year and a half."""

    replay = True

    def story(self, seed: int, events: int) -> Iterator[Line]:
        """In which some events come twice, some late, and some are no use."""
        return story(seed, events)


class Trackers(_Replaying):
    """Our own."""

    async def prepare(self, settings: KafkaSettings, partitions: int, replicas: int) -> None:
        """Nothing beside the topics."""

    def launcher(self, bootstrap: str, directory: Path) -> Callable[[int], Worker]:
        """Trackers on a replay clock."""
        policies = [contract(directory)]
        return lambda place: start_tracker(
            bootstrap, directory, place, replay=True, policies=policies
        )

    async def finished(self, settings: KafkaSettings, begun: Offsets, goals: Offsets) -> None:
        """Their progress says so."""
        await wait_for_progress(settings, begun, goals, lambda: None)

    async def verdict(self, settings: KafkaSettings, directory: Path) -> Verdict:
        """By ``sla simulate``."""
        events, simulated = directory / "events.jsonl", directory / "simulated"
        await asyncio.to_thread(simulate, events, simulated, contract(directory))
        return await judge(settings, directory / "simulated")


class _Agent:
    """A Faust worker in a process of its own."""

    def __init__(self, guarantee: str, bootstrap: str, directory: Path, log: Path) -> None:
        command = [sys.executable, "-m", "chaos.naive_agent", guarantee, bootstrap]
        self._log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [*command, str(directory), str(free_port())],
                cwd=ROOT / "tests",
                stdout=sink,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        return self._process.poll()

    def partitions(self) -> tuple[int, ...]:
        return ()

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        self._process.terminate()
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return -1

    def last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else ""


#: Seconds without anything written after which agents count as done, and how long to wait at most.
QUIET_SECONDS: Final = 90
PATIENCE_SECONDS: Final = 300


class NaiveAgents(_Replaying):
    """The Faust agent, under one of Faust's processing guarantees."""

    def __init__(self, guarantee: str) -> None:
        self._guarantee = guarantee

    async def prepare(self, settings: KafkaSettings, partitions: int, replicas: int) -> None:
        """Create its topic of breaches; the table's changelog it makes by itself."""
        async with admin_client(settings) as client:
            await client.create_topics([NewTopic(naive_agent.BREACHES, partitions, replicas)])

    def launcher(self, bootstrap: str, directory: Path) -> Callable[[int], Worker]:
        """Workers that share a consumer group, each with a directory of its own."""
        return lambda place: _Agent(
            self._guarantee,
            bootstrap,
            directory / f"data-{place}",
            directory / f"agent-{place}.log",
        )

    async def finished(self, settings: KafkaSettings, begun: Offsets, goals: Offsets) -> None:
        """They don't say how far they are: until they have been quiet for a while."""
        written, since = -1, time.monotonic()
        give_up = since + PATIENCE_SECONDS
        while time.monotonic() < min(since + QUIET_SECONDS, give_up):
            await asyncio.sleep(2)
            now = 0
            for topic in (naive_agent.BREACHES, naive_agent.CHANGELOG):
                now += sum((await end_offsets(settings, topic)).values())
            if now != written:
                written, since = now, time.monotonic()

    async def verdict(self, settings: KafkaSettings, directory: Path) -> Verdict:
        """By the same steps, taken once in the order of the log."""
        states: dict[str, dict[str, Any]] = defaultdict(naive_agent.fresh)
        expected: dict[str, list[bytes]] = defaultdict(list)
        async for record in read(settings, EVENTS.name):
            ticket = (record.key or b"").decode()
            try:
                breaks = naive_agent.step(states[ticket], record.value)
            except (ValueError, KeyError, TypeError):
                continue
            if breaks:
                expected[ticket].append(ticket.encode())
        found: dict[str, list[bytes]] = defaultdict(list)
        async for record in read(settings, naive_agent.BREACHES):
            found[record.key.decode()].append(record.value)
        verdict = Verdict()
        for ticket in sorted(expected.keys() | found.keys()):
            verdict.hold(ticket, expected[ticket], found[ticket])
        rows: dict[str, Any] = {}
        async for record in read(settings, naive_agent.CHANGELOG):
            rows[json.loads(record.key)] = json.loads(record.value)
        wanted = {ticket: state for ticket, state in states.items() if state["events"]}
        verdict.table_differences = sum(
            rows.get(ticket) != wanted.get(ticket) for ticket in rows.keys() | wanted.keys()
        )
        return verdict
