"""The workers under test: killed, frozen, stopped cleanly and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

SIZE = 3


class Worker(Protocol):
    """A process that shares the work with others of its kind."""

    @property
    def pid(self) -> int: ...
    @property
    def exit_status(self) -> int | None: ...
    def partitions(self) -> tuple[int, ...]:
        """Those it runs at the moment, where it can tell."""

    def kill(self) -> None:
        """End it as a crash would."""

    def stop(self) -> int:
        """End it in order."""

    def last_words(self) -> str:
        """The last line of its log."""


class Kill(NamedTuple):
    """A worker killed at a wall time (milliseconds), and the partitions that it ran."""

    at: int
    partitions: tuple[int, ...]


@dataclass
class Crew:
    """``SIZE`` places for workers, each started by ``launch``. What happens to them is counted."""

    launch: Callable[[int], Worker]
    places: list[Worker | None] = field(default_factory=lambda: [None] * SIZE)
    busy: list[asyncio.Lock] = field(default_factory=lambda: [asyncio.Lock() for _ in range(SIZE)])
    faults: Counter[str] = field(default_factory=Counter)
    kills: list[Kill] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def start(self, place: int) -> None:
        """Put a worker in a place that has none."""
        if self.places[place] is None:
            self.places[place] = self.launch(place)

    def kill(self, place: int) -> None:
        """End a worker as a crash would."""
        process = self.places[place]
        if process is None:
            return
        running = process.partitions()
        self.kills.append(Kill(int(time.time() * 1000), running))
        process.kill()
        self.faults["kill -9 of a worker"] += 1
        self.places[place] = None

    def stop(self, place: int) -> None:
        """End a worker in order."""
        process = self.places[place]
        if process is not None:
            process.stop()
            self.places[place] = None

    async def freeze(self, place: int, seconds: float) -> None:
        """Stop a worker's process for so long, and let it go on: a zombie."""
        process = self.places[place]
        if process is None or process.exit_status is not None:
            return
        os.kill(process.pid, signal.SIGSTOP)
        self.faults["SIGSTOP of a worker"] += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(process.pid, signal.SIGCONT)

    async def supervise(self) -> None:
        """Start those again that ended by themselves, as a supervisor would, and note why."""
        while True:
            for place, process in enumerate(self.places):
                if self.busy[place].locked() or process is None:
                    continue
                if process.exit_status is not None:
                    self.ended.append(process.last_words())
                    self.places[place] = None
                    self.start(place)
            await asyncio.sleep(1)

    def close(self) -> None:
        """End all."""
        for place, process in enumerate(self.places):
            if process is not None:
                process.kill()
                self.places[place] = None
