"""A check that the topics are usable, made before they are used and after each failure."""

from __future__ import annotations

import asyncio

from aiokafka.errors import KafkaError

from sla_kafka.admin import BrokerError
from sla_kafka.clients import Clients
from sla_tracker.errors import FatalError, TopicGoneError


async def check_topics(clients: Clients, seconds: float) -> bool:
    """Whether a broker answers within ``seconds``; if none does, nothing else is checked.

    Raises ``FatalError`` for a topic that is missing, or configured so that data would be lost.
    """
    try:
        states = await asyncio.wait_for(clients.topic_states(), seconds)
    except (BrokerError, KafkaError, OSError, TimeoutError):
        return False
    for state in states:
        topic = state.topic
        if state.harmful and topic.concerns("sla_tracker") and not topic.spare:
            wrong = FatalError if state.partitions is not None else TopicGoneError
            raise wrong(f"topic {topic.name} at {clients.bootstrap} {state.harmful[0]}")
    return True
