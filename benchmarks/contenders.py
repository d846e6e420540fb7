"""The programs that are compared, each started like its users start it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sla_engine.frontier import DEFAULT_GRACE
from sla_lab.processes import APP

ROOT: Final = Path(__file__).parents[1]
PEERS: Final = ROOT / "benchmarks" / "peers"
STREAMS: Final = PEERS / "kafka-streams"
QUIX_PYTHON: Final = ROOT / ".peers" / "bin" / "python"
#: The consumer group of every peer.
PEER_GROUP: Final = "peer"
STOP_SECONDS: Final = 15.0


class Contender:
    """A program to measure; ``why_not`` is why it can't run here, if so. ``grace`` is how many
    milliseconds it holds an alert back.
    """

    def __init__(
        self,
        name: str,
        group: str,
        command: Sequence[str],
        why_not: str | None = None,
        processes: int = 1,
        grace: int = 0,
    ) -> None:
        self.name = name
        self.group = group
        self.why_not = why_not
        self.processes = processes
        self.grace = grace
        self._command = command

    def start(self, bootstrap: str, directory: Path) -> subprocess.Popen[bytes]:
        """Start it; its state and log are written to ``directory``."""
        directory.mkdir()
        told = {"bootstrap": bootstrap, "directory": str(directory)}
        command = [part.format_map(told) for part in self._command]
        with (directory / "log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603  ours, and the peers of this folder
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "SLA_TRACKER_APP": APP, "PYTHONWARNINGS": "ignore"},
            )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process: SIGTERM, then SIGKILL."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ours(*options: str, processes: int = 1) -> Contender:
    """One or more trackers, with everything enabled."""
    command = [sys.executable, "-m", "sla_cli", "tracker", "--bootstrap", "{bootstrap}"]
    name = "SLA tracker" if processes == 1 else f"SLA tracker, {processes} processes"
    options = ("--http-port", "0", *options)
    return Contender(name, APP, [*command, *options], processes=processes, grace=DEFAULT_GRACE)


def kafka_streams(threads: int) -> Contender:
    """Kafka Streams with exactly_once_v2, RocksDB and a commit every 100 ms."""
    why_not = None
    if shutil.which("java") is None or not (STREAMS / "target" / "ticket-table.jar").exists():
        why_not = "needs a JDK 17 or later and Maven: make peers"
    classes = f"{STREAMS}/target/ticket-table.jar:{STREAMS}/target/dependency/*"
    command = ["java", "-XX:+UseParallelGC", "-Xmx1g", "-cp", classes]
    command += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "peer.TicketTable"]
    return Contender(
        f"Kafka Streams, {threads} threads" if threads > 1 else "Kafka Streams, 1 thread",
        PEER_GROUP,
        [*command, "{bootstrap}", str(threads), "{directory}/state"],
        why_not,
    )


def quix() -> Contender:
    """Quix Streams, exactly once."""
    why_not = None if QUIX_PYTHON.exists() else "needs an environment of its own: make peers"
    command = [str(QUIX_PYTHON), str(PEERS / "quix_table.py"), "{bootstrap}", "{directory}/state"]
    return Contender("Quix Streams", PEER_GROUP, command, why_not)


def faust() -> Contender:
    """A plain Faust agent with a table, at least once, on uvloop."""
    command = [sys.executable, str(PEERS / "faust_table.py"), "{bootstrap}", "{directory}/state"]
    return Contender("Faust", PEER_GROUP, command)
