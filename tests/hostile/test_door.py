"""Unverified requests have limited capacity at the intake, separate for each kind, so that they do
not keep out requests from other addresses or to other sources.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from support.intake import SECRET, source

from sla_intake.app import Intake
from sla_intake.door import COST, Door, guarded_protocol, network_of
from sla_intake.metrics import IntakeMetrics
from sla_intake.settings import IntakeSettings
from sla_intake.shares import Shares
from sla_runtime.address import listen
from sla_runtime.metrics_access import MetricsAccess
from sla_runtime.probes import probe_app

KIB = 1024
ROOM = 2048 * KIB
SEATS = 32
BODY = b'{"specversion": "1.0"}'


class Guest:
    """Somebody inside, for the door alone."""

    def __init__(self) -> None:
        self.out = False

    def turn_out(self) -> None:
        self.out = True


def test_whoever_holds_most_together_goes_first() -> None:
    door = Door(10 * COST, 100)
    crowd = [Guest() for _ in range(8)]
    for guest in crowd:
        door.come(guest, ("10.0.0.1", "/hooks/a"))
    alone = Guest()
    door.come(alone, ("10.0.0.2", "/hooks/a"))
    other = Guest()
    door.come(other, ("10.0.0.1", "/hooks/b"))
    door.bring(other, COST)
    assert [guest.out for guest in crowd] == [True] + [False] * 7
    assert not alone.out
    assert not other.out
    assert door.held <= 10 * COST


def test_a_guest_that_is_gone_takes_no_room() -> None:
    door = Door(4 * COST, 2)
    first, second, third = Guest(), Guest(), Guest()
    door.come(first, ("a", ""))
    door.go(first)
    door.go(first)
    door.come(second, ("a", ""))
    door.come(third, ("a", ""))
    assert not second.out
    door.go(second)
    door.go(third)
    assert door.held == 0


steps = st.lists(
    st.tuples(
        st.sampled_from(["come", "bring", "move", "go"]),
        st.integers(0, 5),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 3 * COST),
    )
)


@given(steps)
def test_the_room_is_never_overfull_whatever_they_do(
    steps: list[tuple[str, int, str, int]],
) -> None:
    door = Door(8 * COST, 4)
    guests = [Guest() for _ in range(6)]
    for step, number, group, size in steps:
        guest = guests[number]
        match step:
            case "come":
                door.come(guest, (group, ""))
            case "bring":
                door.bring(guest, size)
            case "move":
                door.move(guest, (group, ""))
            case _:
                door.go(guest)
        assert door.held <= 8 * COST
        assert len(door._group_of) <= 4
    for guest in guests:
        door.go(guest)
    assert door.held == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40)), max_size=40))
@example([("a", 1), ("a", 19), ("a", 40), ("b", 40)])
def test_who_shares_a_room_finds_some_of_it(taken: list[tuple[str, int]]) -> None:
    shares = Shares(100, 4)
    held = [(who, size) for who, size in taken if shares.take(who, size)]
    assert sum(size for _, size in held) <= 100
    # Whoever holds nothing yet gets a little, however much three others have tried to take.
    assert shares.take("d", 1)
    for who, size in [*held, ("d", 1)]:
        shares.give_back(who, size)
    assert shares.take("a", 50)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
    ],
)
def test_one_holder_of_addresses_is_one(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    assert (network_of(one) == network_of(other)) is same


# --- over sockets ---


class Served:
    """An intake of two sources on a port, with little room; ``published`` are its deliveries."""

    def __init__(self) -> None:
        self.published = 0
        self.door = Door(ROOM, SEATS)
        self.listener = listen("127.0.0.1", 0, "SLA_INTAKE_PORT")
        self.port = self.listener.getsockname()[1]
        sources = [source(name=name, ticket_prefix=f"{name}-") for name in ("a", "b")]
        registry = CollectorRegistry()
        self.app = Intake(
            sources,
            self._publish,
            IntakeSettings(),
            IntakeMetrics(registry, ["a", "b"]),
            probe_app(registry, lambda: None, MetricsAccess()),
        )
        self.protocol = guarded_protocol(
            self.door, frozenset(each.path for each in sources), 2 * SEATS, 5.0, 5.0
        )

    async def _publish(self, _events: Any, _letters: Any) -> None:
        self.published += 1

    async def connect(self, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))

    async def deliver(self, name: str, address: str) -> bytes:
        """The status line of the answer to a delivery of ``name`` with a proof."""
        reader, writer = await self.connect(address)
        head = (
            f"POST /hooks/{name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
            f"Content-Type: application/cloudevents+json\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        try:
            writer.write(head.encode())
            # A body comes in two parts, as over a network.
            writer.write(BODY[:5])
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(BODY[5:])
            return await asyncio.wait_for(reader.readline(), 10)
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def intake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("S", SECRET)
    served = Served()
    config = uvicorn.Config(
        served.app,
        http=served.protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([served.listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield served
    finally:
        server.should_exit = True
        await serving


UNFINISHED = b"POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n%s\r\n"
#: Of CloudEvents the proof is in the head; without one nobody listens to the body.
FORGED = UNFINISHED % b"Authorization: Bearer no\r\n"


async def flood(served: Served, address: str, first: bytes, many: int) -> list[Any]:
    """``many`` connections from ``address`` that begin with ``first`` and go on with a body."""
    held = []
    for _ in range(many):
        reader, writer = await served.connect(address)
        with contextlib.suppress(ConnectionError):
            writer.write(first + b"x" * 200 * KIB)
            await writer.drain()
        held.append((reader, writer))
    return held


@pytest.mark.parametrize(
    "first", [UNFINISHED % b"", FORGED, b"GET / HTTP/1.1\r\n"], ids=["body", "forged", "head"]
)
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9"])
async def test_bodies_that_never_end_keep_nobody_out_and_fill_no_memory(
    monkeypatch: pytest.MonkeyPatch, first: bytes, address: str
) -> None:
    async with intake(monkeypatch) as served:
        held = await flood(served, "127.0.0.9", first, 4 * SEATS)
        try:
            assert served.door.held <= ROOM
            for name in ("b", "a"):
                answers = [await served.deliver(name, address) for _ in range(5)]
                assert [line.split()[1] for line in answers] == [b"202"] * 5
            assert served.published == 10
        finally:
            for _, writer in held:
                writer.close()
        async with asyncio.timeout(10):
            while served.door.held:
                await asyncio.sleep(0.01)


def test_as_many_connections_as_the_machine_allows() -> None:
    told = (
        "import resource; from sla_runtime.address import listen; listen('127.0.0.1', 0, 'X'); "
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = subprocess.run(
        ["/bin/sh", "-c", f'ulimit -Sn 256; exec {sys.executable} -c "{told}"'],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert int(found[0]) == (min(hard, 65536) if hard > 0 else 65536)
