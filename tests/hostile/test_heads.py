"""Input that is not an HTTP request is refused before it is buffered, by each server."""

from __future__ import annotations

import asyncio
import contextlib
import tracemalloc

import pytest
from prometheus_client import CollectorRegistry
from support.serving import Served, served

from sla_runtime.header_timeout import MAX_HEAD_BYTES
from sla_runtime.metrics_access import MetricsAccess
from sla_runtime.probes import probe_app

ASK = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
MEBIBYTE = 1024 * 1024
#: What is sent, and how it is answered; each would be sixteen mebibytes and more.
FLOODS = {
    "a line": (ASK + b"x: ", b"y" * MEBIBYTE, b"431"),
    "lines": (ASK, b"x: y\r\n" * (MEBIBYTE // 6), b"431"),
    "names": (ASK, b"y" * MEBIBYTE, b"431"),
    "an address": (b"GET /", b"y" * MEBIBYTE, b"431"),
    "a trailer": (POST + b"0\r\nx: ", b"y" * MEBIBYTE, b""),
    "an extension of a chunk": (POST + b"1;", b"y" * MEBIBYTE, b""),
    "requests at once": (b"", (ASK + b"\r\n") * (MEBIBYTE // 34), b"429"),
    "no request": (b"", b"\0" * MEBIBYTE, b"400"),
}


async def sent(server: Served, first: bytes, more: bytes) -> tuple[bytes, int]:
    """What is answered by the time the connection is closed, and how many bytes were taken."""
    reader, writer = await server.connect()
    answer = asyncio.ensure_future(reader.read())
    taken = 0
    with contextlib.suppress(ConnectionError):
        writer.write(first)
        for _ in range(16):
            writer.write(more)
            await writer.drain()
            taken += len(more)
            if answer.done():
                break
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(asyncio.shield(answer), 5)
    writer.close()
    return (answer.result() if not answer.exception() else b""), taken


@pytest.mark.parametrize("flood", FLOODS)
async def test_what_is_no_end_of_a_head_is_refused_and_not_kept(flood: str) -> None:
    first, more, status = FLOODS[flood]
    app = probe_app(CollectorRegistry(), lambda: None, MetricsAccess())
    async with served(app, 4, 5.0, 5.0) as server:
        tracemalloc.start()
        try:
            answer, taken = await sent(server, first, more)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert taken < 16 * MEBIBYTE, "it was taken to the end"
        if status and answer:
            # A client that goes on sending may see the connection reset before the answer.
            assert answer.split(b" ", 2)[1] == status
            assert b"content-security-policy: default-src 'none'" in answer
        assert most < 12 * MEBIBYTE
        assert b"200" in await server.ask(ASK + b"\r\n")


@pytest.mark.parametrize(
    "asked",
    [
        ASK + b"x: " + b"y" * (MAX_HEAD_BYTES - 100) + b"\r\n\r\n",
        POST + b"1\r\nx\r\n" * 20_000 + b"0\r\nx: y\r\n\r\n",
        POST + b"10000\r\n" + b"x" * 65536 + b"\r\n0\r\n\r\n",
    ],
    ids=["a large head", "a body in chunks of a byte", "a large body"],
)
async def test_what_a_client_may_send_is_taken(asked: bytes) -> None:
    app = probe_app(CollectorRegistry(), lambda: None, MetricsAccess())
    async with served(app, 4, 5.0, 5.0) as server:
        assert (await server.ask(asked)).split()[1] in (b"200", b"405")
