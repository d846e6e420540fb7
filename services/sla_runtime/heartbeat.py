"""A program's heartbeat: a record every few seconds that shows that the program is running, and
what keeps it from its work.

It is sent by its own producer, outside every transaction and with a time limit, so it can't slow
down or stop the program's work. Since a broker must accept it, it is also how a program notices
that the broker does not answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from sla_kafka.admin import NOT_SEEN
from sla_kafka.clients import Clients, abandon
from sla_runtime.background import Background
from sla_schemas.heartbeat import Heartbeat, PartitionStanding, Program
from sla_schemas.topics import HEARTBEATS

#: Seconds between two heartbeats.
EVERY_SECONDS: Final = 2.0
#: Seconds that sending one may take.
SEND_SECONDS: Final = 4.0
#: Seconds that the last one may take, since somebody is waiting for the program to end.
LAST_SECONDS: Final = 1.5
#: The broker's code for a timestamp that is the time of the append.
_LOG_APPEND_TIME: Final = 1

log = structlog.get_logger("sla_runtime")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a program reports about itself."""

    progressing: bool = True
    lacks: Sequence[str] = ()
    partitions: Sequence[PartitionStanding] = ()


def instance_name() -> str:
    """The name of this process among the instances of its program."""
    return f"{socket.gethostname()}-{os.getpid()}"


class Heart:
    """Sends heartbeats from ``start`` to ``stop``; calls ``tell`` for each, in the event loop.

    ``silence`` is why the broker does not answer, ``None`` while it does; ``unheard`` is why
    heartbeats can't be written although it answers.
    """

    def __init__(
        self,
        program: Program,
        clients: Clients,
        tell: Callable[[], Condition],
        *,
        group: str | None = None,
        instance: str | None = None,
    ) -> None:
        self.silence: str | None = None
        self.unheard: str | None = None
        self._program = program
        self._clients = clients
        self._tell = tell
        self._group = group
        self._instance = instance or instance_name()
        #: Heartbeats that failed in a row.
        self._missed = 0
        self._last = Condition(progressing=False)
        self._started_at = int(time.time() * 1000)
        self._producer: AIOKafkaProducer | None = None
        self._beating: Background | None = None
        #: The broker's time and our own at its last answer.
        self._heard: tuple[int, float] | None = None

    def start(self) -> None:
        """Start sending."""
        self._beating = Background("heartbeat", self._live(), self._note)

    async def stop(self) -> None:
        """Send a last heartbeat, which reports a clean shutdown, and disconnect."""
        if self._beating is not None:
            await self._beating.stop()
        if self.silence is None and self.unheard is None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self._send(stopped=True)
        if self._producer is not None:
            await _let_go(self._producer)

    def broker_time(self) -> int | None:
        """The broker's time in UTC milliseconds; ``None`` before its first answer."""
        if self._heard is None:
            return None
        told, at = self._heard
        return told + int((time.monotonic() - at) * 1000)

    async def _live(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self._send(stopped=False)
            except (KafkaError, OSError, TimeoutError) as error:
                await self._failed(type(error).__name__)
            except Exception as error:  # noqa: BLE001  nothing here may end the program
                log.warning("heartbeat failed", error=type(error).__name__, detail=str(error))
            else:
                self._missed = 0
                self._note(None)
            await asyncio.sleep(max(0.0, EVERY_SECONDS - (time.monotonic() - begun)))

    async def _failed(self, error: str) -> None:
        """Find out whether the broker does not answer, or only the topic is missing."""
        self._missed += 1
        if not await self._answers():
            self._note(f"no broker answers at {self._clients.bootstrap} ({error})")
        elif self._missed > 1:
            self._note(None, f"topic {HEARTBEATS.name} {NOT_SEEN} ({error})")

    def _note(self, silence: str | None, unheard: str | None = None) -> None:
        if silence and not self.silence:
            log.warning("broker does not answer", reason=silence)
        if not silence and self.silence:
            log.info("broker answers again")
        if unheard and not self.unheard:
            log.warning("heartbeats can't be written", reason=unheard)
        self.silence, self.unheard = silence, unheard

    async def _answers(self) -> bool:
        if self._producer is None:
            return False
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return bool(await self._producer.client.force_metadata_update())
        except (KafkaError, OSError, TimeoutError):
            return False

    async def _send(self, *, stopped: bool) -> None:
        if self._producer is None:
            self._producer = await self._connected()
        found = await self._producer.send_and_wait(
            HEARTBEATS.name,
            self._heartbeat(stopped=stopped).model_dump_json().encode(),
            key=f"{self._program}/{self._instance}".encode(),
        )
        if found.timestamp_type == _LOG_APPEND_TIME:
            self._heard = found.timestamp, time.monotonic()

    async def _connected(self) -> AIOKafkaProducer:
        # One copy is enough, so that it also gets through when there are too few for other records.
        producer = self._clients.producer(
            acks=1, request_timeout_ms=int(SEND_SECONDS * 1000), metadata_max_age_ms=5_000
        )
        try:
            await producer.start()
        except BaseException:
            await _let_go(producer)
            raise
        return producer

    def _asked(self) -> Condition:
        try:
            return self._tell()
        except Exception as error:  # noqa: BLE001  it is running, and this must be known
            return Condition(False, [f"its own state could not be determined ({error!r})"])

    def _heartbeat(self, *, stopped: bool) -> Heartbeat:
        # At the end it owns nothing any more, but how far it got is still worth reporting.
        told = self._last = self._last if stopped else self._asked()
        return Heartbeat.model_construct(
            program=self._program,
            instance=self._instance,
            version=version("sla-tracker"),
            started_at=self._started_at,
            broker_time=self.broker_time(),
            every_ms=int(EVERY_SECONDS * 1000),
            stopped=stopped,
            group=self._group,
            progressing=told.progressing,
            lacks=list(told.lacks),
            partitions=list(told.partitions),
        )


async def _let_go(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), LAST_SECONDS)
    except Exception:  # noqa: BLE001  whatever it is, the producer must not linger
        await abandon(producer)
