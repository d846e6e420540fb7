"""The neighbours (normal users): a source whose tickets are breached on arrival, a reader and a
receiver of the alerts, and users of the board and the health endpoints.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter, defaultdict
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
from support.receiver import Receiver

from attacked.attackers import event, now
from attacked.programs import NEIGHBOUR, Programs
from sla_domain.instant import HOUR, MINUTE
from sla_kafka.reading import follower
from sla_lab.processes import Program
from sla_schemas.topics import BREACHES

#: Tickets a second, and looks at board and health.
RATE: Final = 20
LOOKS: Final = 2


class Seen:
    """What the neighbours saw; times by the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.refused = 0
        self.alerted: dict[str, float] = {}
        self.alerts: Counter[str] = Counter()
        self.looks: dict[str, list[float]] = defaultdict(list)
        self.failed_looks: Counter[str] = Counter()
        self.memory: dict[str, int] = {}


async def send(programs: Programs, seen: Seen, seconds: float) -> None:
    """Tickets, by webhook; one that is refused for a while is sent again, as helpdesks do."""
    url = f"{programs.intake.url}/hooks/{NEIGHBOUR}"
    headers = {
        "Authorization": f"Bearer {programs.secrets[NEIGHBOUR]}",
        "Content-Type": "application/cloudevents+json",
    }
    begin = time.monotonic()
    async with aiohttp.ClientSession(headers=headers) as session, asyncio.TaskGroup() as sending:
        for number in count():
            at = begin + number / RATE
            if at >= begin + seconds:
                return
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            sending.create_task(_delivered(session, url, f"n{number}", seen))


async def _delivered(session: aiohttp.ClientSession, url: str, ticket: str, seen: Seen) -> None:
    told = {"severity": "blocker", "client_id": NEIGHBOUR}
    created = event(ticket, "created", now(), **told)
    created["data"]["communicated_at"] = _an_hour_ago()
    name = f"{NEIGHBOUR}-{ticket}"
    seen.sent[name] = time.monotonic()
    while True:
        try:
            async with session.post(url, data=json.dumps(created)) as answer:
                if answer.status == 202:
                    seen.answered[name] = time.monotonic()
                    return
        except aiohttp.ClientError:
            pass
        seen.refused += 1
        await asyncio.sleep(0.2)


def _an_hour_ago() -> str:
    return event("", "", now() - HOUR - MINUTE)["time"]


async def watch(programs: Programs, seen: Seen) -> None:
    """Note the breaches as they become visible."""
    async with follower(programs.settings, [BREACHES.name]) as consumer:
        while True:
            for records in (await consumer.getmany(timeout_ms=20)).values():
                at = time.monotonic()
                for record in records:
                    name = record.key.decode()
                    if name in seen.sent:
                        seen.alerted.setdefault(name, at)
                        seen.alerts[json.loads(record.value)["id"]] += 1


async def look(programs: Programs, seen: Seen) -> None:
    """Ask for the health of each program and for the board, and note their memory."""
    headers = {"Authorization": f"Bearer {programs.secrets[NEIGHBOUR]}"}
    asked = [(name, f"{program.url}/healthz") for name, program in programs.all.items()]
    asked += [(f"{name}, ready", f"{each.url}/readyz") for name, each in programs.all.items()]
    asked.append(("board, tickets", f"{programs.board.url}/api/v1/tickets?limit=10"))
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        while True:
            for name, url in asked:
                await _looked(session, name, url, seen)
            for name, program in programs.all.items():
                seen.memory[name] = max(seen.memory.get(name, 0), resident(program))
            await asyncio.sleep(1 / LOOKS)


async def _looked(session: aiohttp.ClientSession, name: str, url: str, seen: Seen) -> None:
    begin = time.monotonic()
    try:
        # A new connection each time, as a probe makes.
        async with session.get(url, headers={"Connection": "close"}) as answer:
            await answer.read()
            if answer.status != 200:
                seen.failed_looks[f"{name}: {answer.status}"] += 1
    except (aiohttp.ClientError, TimeoutError) as error:
        seen.failed_looks[f"{name}: {type(error).__name__}"] += 1
    seen.looks[name].append(time.monotonic() - begin)


def resident(program: Program) -> int:
    """The memory of ``program``, in bytes."""
    pages = int(Path(f"/proc/{program.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def delivered(receiver: Receiver) -> dict[str, float]:
    """When each ticket's breach was brought first."""
    found: dict[str, float] = {}
    for each in receiver.taken:
        told: dict[str, Any] = json.loads(each.body)
        if told["type"] == "sla.breach":
            found.setdefault(told["data"]["ticket_id"], each.at)
    return found
