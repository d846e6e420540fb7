"""The schedule of faults, drawn from one seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from chaos.cluster import Cluster
from chaos.crew import SIZE, Crew

#: A worker frozen for longer than this has been given up by its group.
SESSION_SECONDS: Final = 6.0


@dataclass(frozen=True)
class Plan:
    """How often each fault happens, over how many seconds."""

    seconds: float
    kills: int
    freezes: int
    broker_kills: int
    group_restarts: int
    scalings: int


async def bring_about(plan: Plan, seed: int, cluster: Cluster, crew: Crew) -> None:
    """Do everything the plan says; in the end all brokers and workers run."""
    draw = random.Random(seed)  # noqa: S311  no secret: a script that repeats
    script = (
        (plan.kills, _kill),
        (plan.freezes, _freeze),
        (plan.broker_kills, _kill_broker),
        (plan.group_restarts, _restart_group),
        (plan.scalings, _scale),
    )
    supervising = asyncio.create_task(crew.supervise())
    try:
        await asyncio.gather(
            *(
                _spread(plan.seconds, times, fault, draw.randrange(2**32), cluster, crew)
                for times, fault in script
            )
        )
    finally:
        supervising.cancel()
    for place in range(SIZE):
        await asyncio.to_thread(crew.start, place)


Fault = Callable[[random.Random, Cluster, Crew], Awaitable[None]]


async def _spread(
    seconds: float, times: int, fault: Fault, seed: int, cluster: Cluster, crew: Crew
) -> None:
    """Let ``fault`` happen so many times within ``seconds``; what takes longer is made up for."""
    draw = random.Random(seed)  # noqa: S311  see above
    loop = asyncio.get_running_loop()
    began = loop.time()
    for moment in sorted(draw.uniform(0, seconds) for _ in range(times)):
        await asyncio.sleep(max(began + moment - loop.time(), 0))
        await fault(draw, cluster, crew)


async def _kill(draw: random.Random, _: Cluster, crew: Crew) -> None:
    place = draw.randrange(SIZE)
    async with crew.busy[place]:
        await asyncio.to_thread(crew.start, place)
        await asyncio.to_thread(crew.kill, place)
        # At once, as a supervisor does, or only after the group has noticed.
        await asyncio.sleep(draw.choice((0, 0, SESSION_SECONDS + 1)))
        await asyncio.to_thread(crew.start, place)


async def _freeze(draw: random.Random, _: Cluster, crew: Crew) -> None:
    place = draw.randrange(SIZE)
    async with crew.busy[place]:
        await crew.freeze(place, draw.uniform(SESSION_SECONDS + 1, SESSION_SECONDS + 7))


async def _kill_broker(draw: random.Random, cluster: Cluster, crew: Crew) -> None:
    node = cluster.nodes[crew.faults["kill -9 of a broker"] % len(cluster.nodes)]
    crew.faults["kill -9 of a broker"] += 1
    await asyncio.to_thread(node.kill)
    await asyncio.sleep(draw.uniform(0, 5))
    await asyncio.to_thread(node.start)
    # The next node goes when this one is back, or a write could find only one copy.
    await asyncio.sleep(draw.uniform(1, 4) * len(cluster.nodes))


async def _restart_group(_: random.Random, __: Cluster, crew: Crew) -> None:
    async with AsyncExitStack() as stack:
        for lock in crew.busy:
            await stack.enter_async_context(lock)
        await asyncio.gather(*(asyncio.to_thread(crew.kill, place) for place in range(SIZE)))
        crew.faults["restart of the whole group"] += 1
        for place in range(SIZE):
            await asyncio.to_thread(crew.start, place)


async def _scale(draw: random.Random, _: Cluster, crew: Crew) -> None:
    """Down to one, and after a while up to three again."""
    kept = draw.randrange(SIZE)
    others = [place for place in range(SIZE) if place != kept]
    for place in others:
        async with crew.busy[place]:
            await asyncio.to_thread(crew.stop, place)
    crew.faults["scaling from 3 to 1 to 3"] += 1
    await asyncio.sleep(draw.uniform(2, 6))
    for place in others:
        async with crew.busy[place]:
            await asyncio.to_thread(crew.start, place)
