"""A broker and the four programs as in production, configured for neighbours and attackers."""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from support.receiver import Receiver

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program, TrackerProcess

PARTITIONS: Final = 3
#: What the intake calls the two that send to it, and the prefixes of their tickets.
NEIGHBOUR: Final = "neighbour"
ATTACKER: Final = "attacker"

_SOURCE: Final = """[[sources]]
name = "{name}"
kind = "cloudevents"
secret_envs = ["SECRET_OF_{name}"]
client_id = "{name}"
ticket_prefix = "{name}-"
"""
_TOKEN: Final = """[[tokens]]
name = "{name}"
sha256 = "{digest}"
role = "client"
client = "{name}"
"""
_DESTINATION: Final = """[[destinations]]
name = "{name}"
kind = "webhook"
url = "{receiver.url}"
secret_env = "HOOK_SECRET"
"""


class Programs:
    """All of them; gone when left. ``secrets`` are what each of the two proves itself by."""

    def __init__(self, directory: Path, receivers: dict[str, Receiver]) -> None:
        self.secrets = {name: secrets.token_urlsafe(16) for name in (NEIGHBOUR, ATTACKER)}
        self._directory = directory
        self._receivers = receivers
        self._stack = ExitStack()

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._start)
        except BaseException:
            self._stack.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._stack.close)

    def _start(self) -> None:
        broker = EmbeddedKafka(self._directory / "kafka")
        self._stack.enter_context(broker)
        self.settings = KafkaSettings(bootstrap=broker.bootstrap)
        asyncio.run(create_topics(self.settings, PARTITIONS))
        self.tracker = TrackerProcess(broker.bootstrap, self._log("tracker"), replay=False)
        self._stack.callback(self.tracker.stop)
        self.intake = self._program("intake", "--sources", self._sources())
        self.board = self._program("board", "--tokens", self._tokens())
        self.notifier = self._program("notifier", "--routes", self._routes())
        for program in self.all.values():
            program.wait_until_ready()

    @property
    def all(self) -> dict[str, Program]:
        """Each by its name."""
        programs = (self.tracker, self.intake, self.board, self.notifier)
        return {program.name: program for program in programs}

    def _program(self, name: str, option: str, path: Path) -> Program:
        environment = {f"SECRET_OF_{who}": secret for who, secret in self.secrets.items()}
        environment["HOOK_SECRET"] = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
        options = [option, str(path)]
        bootstrap = self.settings.bootstrap
        program = Program(name, bootstrap, self._log(name), options, environment=environment)
        self._stack.callback(program.stop)
        return program

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _sources(self) -> Path:
        return self._written("sources", "".join(_SOURCE.format(name=name) for name in self.secrets))

    def _tokens(self) -> Path:
        digests = {
            name: sha256(secret.encode()).hexdigest() for name, secret in self.secrets.items()
        }
        told = [_TOKEN.format(name=name, digest=digest) for name, digest in digests.items()]
        return self._written("tokens", "".join(told))

    def _routes(self) -> Path:
        told = [
            _DESTINATION.format(name=name, receiver=receiver)
            for name, receiver in self._receivers.items()
        ]
        hosts = ", ".join(f'"{receiver.host}"' for receiver in self._receivers.values())
        to = ", ".join(f'"{name}"' for name in self._receivers)
        text = (
            f'board = "http://127.0.0.1"\nallowed_hosts = [{hosts}]\n{"".join(told)}'
            f"[[routes]]\nto = [{to}]\n"
        )
        return self._written("routes", text)

    def _written(self, name: str, text: str) -> Path:
        path = self._directory / f"{name}.toml"
        path.write_text(text)
        return path
