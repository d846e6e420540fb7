"""What a stranger, a client's token and another site's page can do to a board, served like the
program does, over a table without a broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from support.board import World, record
from support.serving import Served, served

from sla_board.access import Access, Token
from sla_domain.policy import PolicyBook

MIB = 1024 * 1024
SECRET, OTHER = "client's secret", "lead's secret"


@pytest.fixture
def world(book: PolicyBook) -> World:
    world = World(book)
    world.put(*(record(f"T-{number:04}") for number in range(2000)))
    return world


def access() -> Access:
    def token(name: str, secret: str, **given: Any) -> Token:
        return Token(name=name, sha256=sha256(secret.encode()).hexdigest(), **given)

    return Access(
        [token("acme", SECRET, role="client", client="acme"), token("lead", OTHER, role="lead")]
    )


def head(method: str, path: str, **headers: str) -> bytes:
    told = {"Host": "board.test"} | {
        name.replace("_", "-").title(): value for name, value in headers.items()
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


@contextlib.asynccontextmanager
async def board(world: World, **settings: Any) -> Any:
    server = world.server(access(), **settings)
    async with served(server, 20) as where:
        yield where
        server.state.pages.stop()


async def test_a_form_that_is_none_is_not_read(world: World) -> None:
    async with board(world) as server:
        started = head("POST", "/login", content_length=str(50 * MIB)) + b"token="
        reader, writer = await server.connect()
        writer.write(started + b"x" * 8192)
        assert b"413" in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        reader, writer = await server.connect()
        writer.write(started)
        assert b"408" in await asyncio.wait_for(reader.readline(), 15)
        writer.close()


async def test_signing_in_has_a_rate(world: World) -> None:
    async with board(world, requests_per_second=2) as server:
        ask = head("POST", "/login", content_length="0")
        lines = await asyncio.gather(*(server.ask(ask) for _ in range(10)))
        assert sum(b"429" in line for line in lines) >= 4
        # Who has a token is another asker.
        assert b"200" in await server.ask(head("GET", "/api/v1/summary", **bearer(OTHER)))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "cross-site"}, b"403"),
        ({"sec_fetch_site": "same-site"}, b"403"),
        ({"origin": "https://elsewhere.test"}, b"403"),
        ({"origin": "null"}, b"403"),
        ({"origin": "http://board.test"}, b"401"),
        ({"sec_fetch_site": "same-origin", "origin": "null"}, b"401"),
        ({}, b"401"),
    ],
)
async def test_no_other_site_can_sign_a_visitor_in(
    world: World, headers: dict[str, str], status: bytes
) -> None:
    async with board(world) as server:
        ask = head("POST", "/login", content_length="0", **headers)
        assert status in await server.ask(ask)


async def test_no_redirect_goes_to_a_host_that_the_asker_names(world: World) -> None:
    async with board(world) as server:
        for path in ("/login/", "/live/", "/tickets", "/api/v1/tickets/", "/static"):
            ask = head("GET", path, host="elsewhere.test", **bearer(OTHER), connection="close")
            reader, writer = await server.connect()
            writer.write(ask)
            answer = await asyncio.wait_for(reader.read(), 5)
            assert b"elsewhere.test" not in answer.split(b"\r\n\r\n")[0]
            writer.close()


async def follow(server: Served, secret: str, path: str = "/live") -> tuple[bytes, Any]:
    """The first line of a live page's answer, and what it came by."""
    reader, writer = await server.connect()
    writer.write(head("GET", path, **bearer(secret)))
    return await asyncio.wait_for(reader.readline(), 10), writer


async def test_one_token_can_not_take_all_live_pages(world: World) -> None:
    async with board(world, live_pages=10, live_pages_of_one=3) as server:
        pages = [await follow(server, SECRET) for _ in range(6)]
        lines = [line for line, _ in pages]
        assert [b"200" in line for line in lines] == [True] * 3 + [False] * 3
        assert all(b"429" in line for line in lines[3:])
        neighbour = await follow(server, OTHER)
        assert b"200" in neighbour[0]
        # One that was closed makes room for the next.
        pages[0][1].close()
        async with asyncio.timeout(10):
            while True:
                line, writer = await follow(server, SECRET)
                pages.append((line, writer))
                if b"200" in line:
                    break
        for _, writer in [*pages, neighbour]:
            writer.close()


async def test_a_wrong_cursor_of_a_live_page_is_told_before_it_begins(world: World) -> None:
    async with board(world) as server:
        line, writer = await follow(server, OTHER, "/live?show=next&cursor=rubbish")
        writer.close()
        assert b"422" in line


async def test_the_export_is_the_table_at_one_moment(world: World) -> None:
    """Rows that come, go and change while it is written are not half in it."""

    async def change() -> None:
        number = 0
        while True:
            number += 1
            moved = f"2026-11-25T17:00:00.{number % 1000:03}Z"
            world.put(record("T-0000", due=moved), record(f"T-9{number:04}"))
            await asyncio.sleep(0)

    async with board(world) as server:
        reader, writer = await server.connect()
        changing = asyncio.create_task(change())
        writer.write(head("GET", "/api/v1/tickets.csv", **bearer(OTHER), connection="close"))
        answer = await asyncio.wait_for(reader.read(), 30)
        changing.cancel()
        writer.close()
    told = Counter(re.findall(rb"^T-[0-9]+(?=,)", answer, re.MULTILINE))
    assert set(told.values()) == {2}
    assert {f"T-{number:04}".encode() for number in range(2000)} <= set(told)
    # Those that came meanwhile are there up to a moment, and none after it.
    came = sorted(int(ticket[3:]) for ticket in told if len(ticket) == len("T-90000"))
    assert came == list(range(1, len(came) + 1))
    assert int(max(world.table._known)[3:]) > len(came)


@pytest.mark.parametrize(("host", "secure"), [("board.example.com", True), ("localhost", False)])
def test_the_cookie_goes_over_tls_alone_but_on_this_machine(
    world: World,
    host: str,
    secure: bool,  # noqa: FBT001
) -> None:
    client = world.client(access())
    answer = client.post("/login", data={"token": OTHER}, headers={"Host": host})
    assert answer.status_code == 303
    assert ("Secure" in answer.headers["set-cookie"]) == secure
