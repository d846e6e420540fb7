"""What a program waits for when it starts: a broker that answers, and its topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from aiokafka.errors import KafkaError

from sla_kafka.admin import NoBrokerError, TopicMissingError

#: How many times to try a broker that does not answer, a second apart.
CONNECT_ATTEMPTS: Final = 30
#: Seconds to wait for the topics: if the broker is started together with the program, they are
#: created a moment after it answers.
CREATED_SECONDS: Final = 10.0

Found = TypeVar("Found")

log = structlog.get_logger(__name__)


async def wait_for_broker(connect: Callable[[], Awaitable[Found]], bootstrap: str) -> Found:
    """The result of ``connect``, which is retried while no broker answers at ``bootstrap``.

    Raises ``NoBrokerError`` if none answers for too long, and anything else ``connect`` raises.
    """
    for attempt in range(1, CONNECT_ATTEMPTS + 1):
        try:
            return await connect()
        except (NoBrokerError, KafkaError, OSError) as error:
            # Our own error is a sentence; the name is that of the error that caused it.
            name = type(error.__cause__ or error).__name__
            log.warning("no broker yet", attempt=attempt, error=name)
            await asyncio.sleep(1)
    raise NoBrokerError(bootstrap)


async def wait_for_topics(look: Callable[[], Awaitable[object]]) -> None:
    """Return when ``look`` finds the topics.

    Raises ``TopicMissingError`` if one is still missing after a while, and anything else ``look``
    raises.
    """
    deadline = time.monotonic() + CREATED_SECONDS
    told = False
    while True:
        try:
            await look()
        except TopicMissingError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.warning("waiting for a topic", reason=str(error))
                told = True
            await asyncio.sleep(0.2)
        else:
            return
