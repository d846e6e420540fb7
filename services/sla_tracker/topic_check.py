"""Whether the topics are as they must be, looked at before they are used and after each failure."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from sla_kafka.admin import BrokerError
from sla_kafka.clients import Clients
from sla_tracker.errors import FatalError, TopicMissingError

#: Seconds that a tracker which starts waits for topics: whoever starts the broker beside it creates
#: them a moment after the broker answers.
CREATED_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


async def wait_for_topics(clients: Clients, seconds: float) -> None:
    """Return when the topics are there; each look takes ``seconds`` at most.

    Raises ``FatalError`` for one that is still missing after a while, or configured wrongly.
    """
    deadline = time.monotonic() + CREATED_SECONDS
    told = False
    while True:
        try:
            await check_topics(clients, seconds)
        except TopicMissingError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.warning("waiting for a topic", reason=str(error))
                told = True
            await asyncio.sleep(0.2)
        else:
            return


async def check_topics(clients: Clients, seconds: float) -> bool:
    """Whether a broker answers, within ``seconds``; where none does nothing else is known.

    Raises ``FatalError`` for a topic that is missing or configured so that something would be lost.
    """
    try:
        states = await asyncio.wait_for(clients.topic_states(), seconds)
    except (BrokerError, KafkaError, OSError, TimeoutError):
        return False
    for state in states:
        topic = state.topic
        if state.harmful and topic.concerns("sla_tracker") and not topic.spare:
            wrong = FatalError if state.partitions is not None else TopicMissingError
            raise wrong(f"topic {topic.name} at {clients.bootstrap} {state.harmful[0]}")
    return True
