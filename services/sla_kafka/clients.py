"""Where clients of a broker come from: the one place that makes them, which a test may replace."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from sla_kafka.admin import TopicState, topic_states
from sla_kafka.settings import KafkaSettings
from sla_kafka.unreadable import read_past_what_is_unreadable

read_past_what_is_unreadable()


async def let_go(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """Stop ``consumer``, for ``seconds`` at most, and whatever it says about it.

    With the broker gone it may end in a ``CancelledError`` of its own, which is not that of whoever
    waits for it.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=seconds)
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled():
        stopping.exception()


async def abandon(producer: AIOKafkaProducer) -> None:
    """End a producer that does not stop by itself, by its private parts.

    Its sender waits for a broker that does not answer, and ``stop`` waits for the sender.
    """
    with contextlib.suppress(Exception):
        batches = producer._message_accumulator  # noqa: SLF001  see above
        # A batch that is to be tried again is taken from the pending ones when it fails, and is not
        # among them: aiokafka would log a stack trace.
        batches._pending_batches.update(*batches._batches.values())  # noqa: SLF001  see above
        batches.fail_all(TimeoutError("abandoned"))
    task = producer._sender.sender_task  # noqa: SLF001  see above
    if task is not None:
        task.cancel()
    with contextlib.suppress(Exception):
        await asyncio.wait_for(producer.client.close(), 1.0)


def hold_fetches(consumer: AIOKafkaConsumer, milliseconds: int) -> None:
    """For how long the broker may hold a fetch of a started ``consumer`` that finds nothing, from
    the next fetch on. aiokafka takes it from the options only, and reads it at each fetch.
    """
    fetcher = getattr(consumer, "_fetcher", None)
    if fetcher is not None:
        fetcher._fetch_max_wait_ms = milliseconds  # noqa: SLF001  see above


def date_fetches(consumer: AIOKafkaConsumer, uptime_ms: Callable[[], int]) -> None:
    """Have ``last_poll_timestamp`` of a started ``consumer`` say when the fetch was asked for, by
    ``uptime_ms``, and not the time of day at which its answer was read.

    A process may stand still in between, or the network: what the broker got meanwhile the answer
    does not tell of. And the time of day may be set.
    """
    fetcher = consumer._fetcher  # noqa: SLF001  aiokafka has no public way
    fetch = fetcher._proc_fetch_request  # noqa: SLF001  see above

    async def dated(assignment: Any, node: int, request: Any) -> Any:
        asked = uptime_ms()
        places = [
            TopicPartition(topic, each[0]) for topic, found in request.topics for each in found
        ]
        states = {place: assignment.state_value(place) for place in places}
        before = {place: state and state.timestamp for place, state in states.items()}
        answer = await fetch(assignment, node, request)
        for place, state in states.items():
            # An answer that was not used leaves the date of an earlier one.
            if state is not None and state.timestamp != before[place]:
                state.timestamp = asked
        return answer

    fetcher._proc_fetch_request = dated  # noqa: SLF001  see above


class Clients(Protocol):
    """Makes producers and consumers of one broker; options are those of ``aiokafka``."""

    @property
    def bootstrap(self) -> str:
        """The broker's name in messages."""

    def producer(self, **options: Any) -> AIOKafkaProducer:
        """A producer that was not started yet."""

    def consumer(self, **options: Any) -> AIOKafkaConsumer:
        """A consumer that was not started yet."""

    async def topic_states(self) -> Sequence[TopicState]:
        """Every topic as the broker has it. Raises ``BrokerError``."""


class KafkaClients:
    """Clients of the broker that the settings name."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self._settings.bootstrap

    def producer(self, **options: Any) -> AIOKafkaProducer:
        """A producer that was not started yet."""
        return AIOKafkaProducer(**self._settings.client_options(), **options)

    def consumer(self, **options: Any) -> AIOKafkaConsumer:
        """A consumer that was not started yet."""
        return AIOKafkaConsumer(**self._settings.client_options(), **options)

    async def topic_states(self) -> Sequence[TopicState]:
        """Every topic as the broker has it. Raises ``BrokerError``."""
        return await topic_states(self._settings)
