"""Who is next, where a ticket with a thousand alerts and a client with a thousand tickets must keep
nobody else waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

Lane = TypeVar("Lane")


class Turns(Generic[Lane]):
    """Lanes that wait for their turn: clients take turns, and so do the lanes of each."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Lane]] = {}
        self._count = asyncio.Semaphore(0)

    def put(self, client: str, lane: Lane) -> None:
        """``lane`` waits, behind those of its client."""
        self._waiting.setdefault(client, deque()).append(lane)
        self._count.release()

    async def get(self) -> Lane:
        """Who is next, as soon as somebody waits."""
        await self._count.acquire()
        client, lanes = next(iter(self._waiting.items()))
        lane = lanes.popleft()
        del self._waiting[client]
        if lanes:
            self._waiting[client] = lanes
        return lane
