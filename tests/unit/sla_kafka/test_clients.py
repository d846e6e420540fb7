"""Closing clients when the broker does not respond."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from sla_kafka.clients import abandon


async def test_a_producer_with_a_batch_to_be_retried_is_abandoned_quietly() -> None:
    place = TopicPartition("topic", 0)
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: said.append(context))
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
    accumulator = producer._message_accumulator
    sent = await accumulator.add_message(place, b"key", b"value", 1)
    # As its sender does when a broker goes away between a request and its answer.
    accumulator.reenqueue(accumulator._pop_batch(place))
    await abandon(producer)
    await producer.stop()
    with pytest.raises(TimeoutError, match="abandoned"):
        await sent
    await asyncio.sleep(0)
    assert said == []
