"""A broker and trackers in processes of their own, fed with a recording and read to the end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiokafka import ConsumerRecord, TopicPartition

from sla_cli.console import downloading, working
from sla_cli.errors import CommandError
from sla_cli.feed import Feed
from sla_cli.recording import Line, Recorded
from sla_cli.simulation import Outputs, dead_letter_line, is_valid, within
from sla_domain.alert import AlertKind
from sla_domain.policy import PolicyBook
from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka, free_port
from sla_kafka.reading import end_offsets, follower, read_topic
from sla_kafka.settings import KafkaSettings
from sla_kafka.topics import (
    APPROVALS,
    BREACHES,
    DEAD_LETTERS,
    EVENTS,
    PROGRESS,
    TICKETS,
    WARNINGS,
)
from sla_tracker.wire.alerts import read_alert_kind
from sla_tracker.wire.progress import read_progress

READY_SECONDS: Final = 30.0
#: Seconds without any progress after which a replay gives up.
STALLED_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
APP: Final = "sla-tracker"


class Program:
    """A program started as a user would start it, ``sla NAME --bootstrap ...``. Its log is a file.

    ``environment`` is added to ours; ``options`` end with the port, where it has one.
    """

    def __init__(
        self,
        name: str,
        bootstrap: str,
        log: Path,
        options: Sequence[str] = (),
        *,
        port_option: str = "--port",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.port = free_port()
        self.log = log
        command = [sys.executable, "-m", "sla_cli", name, "--bootstrap", bootstrap, *options]
        command += [port_option, str(self.port)]
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                stdout=sink,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
                # Ctrl-C is for the one who started us; we are stopped in order.
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """``None`` while it runs."""
        return self._process.poll()

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of its HTTP side; status 0 where nothing answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_until_ready(self, path: str = "/readyz") -> None:
        """Until ``path`` answers 200. Raises ``CommandError`` when it ends or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.check()
            if self.get(path)[0] == 200:
                return
            time.sleep(0.05)
        raise CommandError(
            f"the {self.name} is not ready after {READY_SECONDS:.0f} s: {self.last_words()}"
        )

    def check(self) -> None:
        """Raise ``CommandError`` if it has ended by itself."""
        if self.exit_status is not None:
            raise CommandError(f"the {self.name} ended: {self.last_words()}")

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> int:
        """End it in order; answers its exit status."""
        if self._process.poll() is None:
            self.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._process.returncode

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else f"it wrote nothing to {self.log}"


class TrackerProcess(Program):
    """A tracker; on a replay clock unless told otherwise."""

    def __init__(
        self,
        bootstrap: str,
        log: Path,
        *,
        policies: Sequence[Path] = (),
        replay: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        options = ["--replay"] if replay else []
        for policy in policies:
            options += ["--policy", str(policy)]
        super().__init__(
            "tracker",
            bootstrap,
            log,
            options,
            port_option="--http-port",
            environment={"SLA_TRACKER_APP": APP, **(environment or {})},
        )


class Rig:
    """An embedded broker with its topics and trackers on a replay clock; gone when left."""

    def __init__(
        self, *, partitions: int, trackers: int = 1, policies: Sequence[Path] = ()
    ) -> None:
        self._partitions = partitions
        self._count = trackers
        self._policies = policies
        self._stack = ExitStack()
        self.trackers: list[TrackerProcess] = []
        self._programs: list[Program] = []

    def __enter__(self) -> Self:
        try:
            made = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="sla-"))
            self.directory = Path(made)
            with downloading() as progress:
                self.broker = EmbeddedKafka(self.directory / "kafka", progress=progress)
                self._stack.enter_context(self.broker)
            self.settings = KafkaSettings(bootstrap=self.broker.bootstrap)
            with working("starting tracker"):
                asyncio.run(create_topics(self.settings, self._partitions))
                for number in range(self._count):
                    self.add_tracker(self.directory / f"tracker-{number}.log")
                for tracker in self.trackers:
                    tracker.wait_until_ready("/healthz")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for program in self._programs:
            program.terminate()
        self._stack.close()

    def add_tracker(self, log: Path) -> TrackerProcess:
        """Start one more tracker."""
        tracker = TrackerProcess(self.broker.bootstrap, log, policies=self._policies)
        self.trackers.append(tracker)
        self._keep(tracker)
        return tracker

    def add(
        self, name: str, options: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Program:
        """Start another program of ours beside them."""
        log = self.directory / f"{name}.log"
        program = Program(name, self.broker.bootstrap, log, options, environment=environment)
        self._keep(program)
        return program

    def _keep(self, program: Program) -> None:
        self._stack.callback(program.stop)
        self._programs.append(program)

    def check(self) -> None:
        """Raise ``CommandError`` if one of them has ended."""
        for program in self._programs:
            program.check()


async def replay_through(
    settings: KafkaSettings,
    lines: Iterable[Line],
    book: PolicyBook,
    until: int | None,
    check: Callable[[], None] = lambda: None,
) -> Outputs:
    """Publish ``lines`` and wait until replaying trackers have processed them; what came of it.

    ``check`` is called while waiting and may raise.
    """
    ends = await end_offsets(settings, EVENTS.name)
    starts = await output_ends(settings)
    started = time.perf_counter()
    async with Feed(settings) as feed:
        last = await _publish(feed, lines, book, until)
        await feed.move_frontier(until if until is not None else last)
        sent = feed.sent
    goals = await end_offsets(settings, EVENTS.name)
    await wait_for_progress(settings, ends, goals, check)
    seconds = time.perf_counter() - started
    outputs = await collect(settings, starts)
    outputs.summary.events = sent
    outputs.summary.took(seconds)
    return outputs


async def _publish(feed: Feed, lines: Iterable[Line], book: PolicyBook, until: int | None) -> int:
    """Send ``lines``; answers when the last valid event of all occurred."""
    last = 0
    with working("publishing events") as progress:
        for line in lines:
            if not within(line, until):
                continue
            if (
                line.occurred is not None
                and line.occurred > last
                and (is_valid(Recorded(EVENTS.name, 0, 0, 0, line.key, line.value, []), book))
            ):
                last = line.occurred
            await feed.add(line)
            if feed.sent % 5000 == 0:
                progress(feed.sent)
    return last


async def wait_for_progress(
    settings: KafkaSettings,
    begun: dict[TopicPartition, int],
    goals: dict[TopicPartition, int],
    check: Callable[[], None],
) -> None:
    """Until the progress of every partition has come from ``begun`` to ``goals``.

    Raises ``CommandError`` when nothing moves for too long, and whatever ``check`` raises.
    """
    total = sum(goals.values()) - sum(begun.values())
    reached = {partition.partition: 0 for partition in goals}
    wanted = {partition.partition: end for partition, end in goals.items()}
    moved = time.monotonic()
    async with follower(settings, [PROGRESS.name]) as consumer:
        with working("processing", total) as progress:
            while any(reached[number] < end for number, end in wanted.items()):
                check()
                found = await consumer.getmany(timeout_ms=200)
                for records in found.values():
                    for record in records:
                        if record.value is not None:
                            reached[record.partition] = read_progress(record.value).offset
                    moved = time.monotonic()
                progress(sum(reached.values()) - sum(begun.values()))
                if time.monotonic() - moved > STALLED_SECONDS:
                    raise CommandError(
                        f"nothing was processed for {STALLED_SECONDS:.0f} s; is a tracker running "
                        "there with --replay?"
                    )


async def output_ends(settings: KafkaSettings) -> dict[str, dict[TopicPartition, int]]:
    """Where the topics that ``collect`` reads end now."""
    topics = (WARNINGS, BREACHES, APPROVALS, TICKETS, DEAD_LETTERS)
    return {topic.name: await end_offsets(settings, topic.name) for topic in topics}


async def collect(settings: KafkaSettings, starts: dict[str, dict[TopicPartition, int]]) -> Outputs:
    """What trackers wrote since ``starts``: the files and counts of ``sla simulate``."""
    outputs = Outputs()
    kinds: list[AlertKind] = []
    alerts = (
        (WARNINGS, outputs.warnings),
        (BREACHES, outputs.breaches),
        (APPROVALS, outputs.approvals),
    )
    for topic, lines in alerts:
        for record in await read_topic(settings, topic.name, starts[topic.name]):
            lines.append(record.value)
            kinds.append(read_alert_kind(record.value))
    outputs.summary.count_alerts(kinds)
    for record in await read_topic(settings, DEAD_LETTERS.name, starts[DEAD_LETTERS.name]):
        outputs.dead_letters.append(dead_letter_line(record.key, record.value, record.headers))
    outputs.summary.dead_letters = len(outputs.dead_letters)
    tickets: dict[bytes, bytes] = {}
    for record in await read_topic(settings, TICKETS.name, starts[TICKETS.name]):
        # A tombstone ends a ticket's life in the table; its last line stays.
        tickets[record.key] = record.value or tickets.get(record.key, b"")
    outputs.tickets = [line for line in tickets.values() if line]
    outputs.summary.tickets = len(outputs.tickets)
    for record in _last_by_partition(await read_topic(settings, PROGRESS.name)):
        counts = read_progress(record.value).counts
        outputs.summary.duplicates += counts.duplicates + counts.conflicts
    return outputs


def _last_by_partition(records: Iterable[ConsumerRecord]) -> Iterable[ConsumerRecord]:
    return {record.partition: record for record in records}.values()
