"""What a program that starts waits for: a broker that answers, and its topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from aiokafka.errors import KafkaError

from sla_kafka.admin import NoBrokerError, TopicMissingError

#: How often a broker that does not answer is tried, a second apart.
CONNECT_ATTEMPTS: Final = 30
#: Seconds that topics are waited for: whoever starts the broker beside the program creates them a
#: moment after the broker answers.
CREATED_SECONDS: Final = 10.0

Found = TypeVar("Found")

log = structlog.get_logger(__name__)


async def wait_for_broker(connect: Callable[[], Awaitable[Found]], bootstrap: str) -> Found:
    """What ``connect`` comes to, which is tried again while no broker answers at ``bootstrap``.

    Raises ``NoBrokerError`` when none has answered for long, and what else ``connect`` raises.
    """
    for attempt in range(1, CONNECT_ATTEMPTS + 1):
        try:
            return await connect()
        except (NoBrokerError, KafkaError, OSError) as error:
            # Ours says it in many words, and why in the error that it was made of.
            name = type(error.__cause__ or error).__name__
            log.warning("no broker yet", attempt=attempt, error=name)
            await asyncio.sleep(1)
    raise NoBrokerError(bootstrap)


async def wait_for_topics(look: Callable[[], Awaitable[object]]) -> None:
    """Return when ``look`` finds the topics.

    Raises ``TopicMissingError`` for one that is still missing after a while, and what else ``look``
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
