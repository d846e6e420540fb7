"""One attacker of each kind, each running until its process is stopped: ``python -m
attacked.attackers FILE``, in its own process so that it does not slow down the measurement.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from support.poison import poison

from attacked.programs import ATTACKER, NEIGHBOUR, PARTITIONS
from sla_domain.instant import DAY, HOUR, MINUTE, format_instant
from sla_kafka.partitioning import partition_for
from sla_schemas.topics import EVENTS

#: Connections that a stranger holds to each program, and unfinished bodies to the intake.
HELD: Final = 64
BODIES: Final = 400
#: Bytes of a body that never ends.
BODY: Final = 512 * 1024
#: Events of the attacker's old ticket, and late ones of it a second.
OLD: Final = 700
LATE: Final = 100
_ids = count()


class Target(NamedTuple):
    """Where everything is, and what the attacker knows."""

    bootstrap: str
    ports: dict[str, int]
    secret: str


def event(ticket: str, word: str, at: int, source: str = "/attack", **data: Any) -> dict[str, Any]:
    """An event; ``at`` is in UTC milliseconds."""
    return {
        "specversion": "1.0",
        "id": f"a{next(_ids)}",
        "source": source,
        "type": f"ticket.{word}",
        "subject": ticket,
        "time": format_instant(at),
        "data": data,
    }


def now() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


async def _held(port: int, first: bytes, drop: bytes) -> None:
    """One connection that is held by a few bytes now and then, and opened anew when it is gone."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(first)
                while True:
                    await writer.drain()
                    await asyncio.sleep(0.5)
                    if writer.transport.is_closing():
                        break
                    writer.write(drop)
            finally:
                writer.close()
        await asyncio.sleep(0.2)


async def slow_stranger(target: Target) -> None:
    """Connections to each program whose heads never end, some after an answered request."""
    asked = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    begun = b"GET / HTTP/1.1\r\n"
    await asyncio.gather(
        *(
            _held(port, asked + begun if number % 2 else begun, b"x: y\r\n")
            for port in target.ports.values()
            for number in range(HELD)
        )
    )


async def large_stranger(target: Target) -> None:
    """Bodies that are never finished, for the intake and for the board's way in."""
    head = b"POST /%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"
    paths = [(target.ports["intake"], b"hooks/neighbour")] * BODIES
    paths += [(target.ports["board"], b"login")] * HELD
    await asyncio.gather(*(_held(port, head % path + b"x" * BODY, b"") for port, path in paths))


async def babbling_stranger(target: Target) -> None:
    """Bytes at random, and heads that are too large, for each program."""
    draw = random.Random(1)  # noqa: S311  no secret
    while True:
        for port in target.ports.values():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                noise = draw.randbytes(draw.randint(1, 4000))
                large = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: " + b"x" * 200_000
                writer.write(draw.choice((noise, large)))
                await asyncio.sleep(0.01)
                writer.close()
        await asyncio.sleep(0.05)


def _batches() -> Iterator[list[dict[str, Any]]]:
    """What a source with a secret sends a second: first an old ticket with many events, then its
    late events, events dated next year, rubbish, and events of other people's tickets.
    """
    began = now() - 3 * DAY
    known = [event("OLD", "created", began, client_id=ATTACKER, severity="low")]
    for number in range(1, OLD):
        word = "resolved" if number % 2 else "reopened"
        known.append(event("OLD", word, began + number * MINUTE))
    yield known
    for number in count():
        late = began + 1000 + number
        batch = [event("OLD", "assigned", late, analyst_id="x") for _ in range(LATE)]
        ahead = now() + 365 * DAY
        batch += [event(f"Y{number}", "created", ahead, client_id="x") for _ in range(100)]
        batch += [{"specversion": "1.0", "id": f"r{number}.{n}", "data": [n]} for n in range(100)]
        foreign = f"{NEIGHBOUR}-n{number}"
        batch += [
            event(foreign, word, now() - HOUR, f"/cloudevents/{NEIGHBOUR}", client_id=NEIGHBOUR)
            for word in ("created", "cancelled")
        ]
        yield batch


async def source(target: Target) -> None:
    """A source of the intake with a secret of its own."""
    url = f"http://127.0.0.1:{target.ports['intake']}/hooks/{ATTACKER}"
    headers = {
        "Authorization": f"Bearer {target.secret}",
        "Content-Type": "application/cloudevents-batch+json",
    }
    async with aiohttp.ClientSession(headers=headers) as session:
        for batch in _batches():
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(url, data=json.dumps(batch)) as answer:
                    await answer.read()
            await asyncio.sleep(1)


async def _followed(session: aiohttp.ClientSession, url: str) -> None:
    """One live page, opened again and again."""
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"{url}/live") as answer:
                async for _ in answer.content:
                    pass
        await asyncio.sleep(0.5)


async def _asking(session: aiohttp.ClientSession, url: str) -> None:
    """All tickets, and the way in, again and again."""
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"{url}/api/v1/tickets?limit=500") as answer:
                await answer.read()
            async with session.post(f"{url}/login", data={"token": "x" * 100_000}) as answer:
                await answer.read()
        await asyncio.sleep(0.05)


async def client(target: Target) -> None:
    """A client's token: live pages, and a lot of questions."""
    url = f"http://127.0.0.1:{target.ports['board']}"
    headers = {"Authorization": f"Bearer {target.secret}"}
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        headers=headers, connector=connector, timeout=timeout
    ) as session:
        pages = [_followed(session, url) for _ in range(HELD)]
        await asyncio.gather(*pages, *(_asking(session, url) for _ in range(4)))


async def producer(target: Target) -> None:
    """Who may write to the topic of events: records that were made to stop a tracker."""
    draw = random.Random(2)  # noqa: S311  no secret
    sending = AIOKafkaProducer(
        bootstrap_servers=target.bootstrap,
        compression_type="gzip",
        max_request_size=64 * 1024 * 1024,
    )
    await sending.start()
    try:
        while True:
            for record in poison(draw, now()):
                place = partition_for(record.key, PARTITIONS)
                headers = list(record.headers)
                # The client sends nothing without both.
                value = b"" if record.key is None else record.value
                with contextlib.suppress(MessageSizeTooLargeError):
                    await sending.send_and_wait(
                        EVENTS.name, value, record.key, partition=place, headers=headers
                    )
            await asyncio.sleep(1)
    finally:
        await sending.stop()


ATTACKERS: Final[tuple[Callable[[Target], Awaitable[None]], ...]] = (
    slow_stranger,
    large_stranger,
    babbling_stranger,
    source,
    client,
    producer,
)


async def attack(target: Target) -> None:
    """All of them at once. One that fails ends the process: an attack that does not take place
    proves nothing.
    """
    await asyncio.gather(*(attacker(target) for attacker in ATTACKERS))


if __name__ == "__main__":
    asyncio.run(attack(Target(**json.loads(Path(sys.argv[1]).read_text()))))
