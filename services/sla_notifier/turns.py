"""Fair turns: a ticket with a thousand alerts or a client with a thousand tickets must not keep
anyone else waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

Lane = TypeVar("Lane")


class Turns(Generic[Lane]):
    """Lanes waiting for their turn: clients take turns, and so do the lanes of each client."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Lane]] = {}
        self._count = asyncio.Semaphore(0)

    def put(self, client: str, lane: Lane) -> None:
        """Queue ``lane`` behind those of its client."""
        self._waiting.setdefault(client, deque()).append(lane)
        self._count.release()

    async def get(self) -> Lane:
        """The next lane, as soon as there is one."""
        await self._count.acquire()
        client, lanes = next(iter(self._waiting.items()))
        lane = lanes.popleft()
        del self._waiting[client]
        if lanes:
            self._waiting[client] = lanes
        return lane
