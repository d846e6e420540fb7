"""The one place that makes Kafka clients, which a test may replace."""

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
    """Stop ``consumer``, for ``seconds`` at most, and ignore its errors.

    If the broker is gone, it may end with a ``CancelledError`` of its own, which must not be taken
    for a cancellation of the caller.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=seconds)
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled():
        stopping.exception()


async def abandon(producer: AIOKafkaProducer) -> None:
    """End a producer that does not stop, through its private attributes.

    Its sender waits for a broker that does not answer, and ``stop`` waits for the sender.
    """
    with contextlib.suppress(Exception):
        batches = producer._message_accumulator  # noqa: SLF001  see above
        # A batch that is to be retried is not among the pending ones, but is removed from them when
        # it fails; aiokafka would log a stack trace.
        batches._pending_batches.update(*batches._batches.values())  # noqa: SLF001  see above
        batches.fail_all(TimeoutError("abandoned"))
    task = producer._sender.sender_task  # noqa: SLF001  see above
    if task is not None:
        task.cancel()
    with contextlib.suppress(Exception):
        await asyncio.wait_for(producer.client.close(), 1.0)


def hold_fetches(consumer: AIOKafkaConsumer, milliseconds: int) -> None:
    """Set how long the broker may hold an empty fetch of a started ``consumer``, from the next
    fetch on. aiokafka only has an option for it, but reads the value at each fetch.
    """
    fetcher = getattr(consumer, "_fetcher", None)
    if fetcher is not None:
        fetcher._fetch_max_wait_ms = milliseconds  # noqa: SLF001  see above


def date_fetches(consumer: AIOKafkaConsumer, uptime_ms: Callable[[], int]) -> None:
    """Make ``last_poll_timestamp`` of a started ``consumer`` the time of the fetch request, by
    ``uptime_ms``, instead of the time of day at which the answer was read.

    The process or the network may stall in between, and the answer does not include what the broker
    received in the meantime. Also, the time of day may be set.
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
            # An answer that was not used keeps the timestamp of an earlier one.
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
        """A producer that has not been started yet."""

    def consumer(self, **options: Any) -> AIOKafkaConsumer:
        """A consumer that has not been started yet."""

    async def topic_states(self) -> Sequence[TopicState]:
        """The state of every topic on the broker. Raises ``BrokerError``."""


class KafkaClients:
    """Makes clients of the broker in the settings."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self._settings.bootstrap

    def producer(self, **options: Any) -> AIOKafkaProducer:
        """A producer that has not been started yet."""
        return AIOKafkaProducer(**self._settings.client_options(), **options)

    def consumer(self, **options: Any) -> AIOKafkaConsumer:
        """A consumer that has not been started yet."""
        return AIOKafkaConsumer(**self._settings.client_options(), **options)

    async def topic_states(self) -> Sequence[TopicState]:
        """The state of every topic on the broker. Raises ``BrokerError``."""
        return await topic_states(self._settings)
