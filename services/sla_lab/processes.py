"""Programs in processes of their own, and a broker for them."""

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
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka, free_port
from sla_kafka.settings import KafkaSettings
from sla_lab.errors import CommandError
from sla_lab.progress import downloading, working

READY_SECONDS: Final = 30.0
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
            f"the {self.name} is not ready after {READY_SECONDS:.0f} s; the last line of its log: "
            f"{self.last_words()}"
        )

    def check(self) -> None:
        """Raise ``CommandError`` if it has ended by itself."""
        if self.exit_status is not None:
            raise CommandError(
                f"the {self.name} stopped; the last line of its log: {self.last_words()}"
            )

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


class Harness:
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
