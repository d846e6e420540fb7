"""The trackers: killed, frozen, stopped in order and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sla_cli.rig import TrackerProcess

SIZE = 3


class Kill(NamedTuple):
    """A tracker killed at a wall time (milliseconds), and the partitions that it ran."""

    at: int
    partitions: tuple[int, ...]


@dataclass
class Crew:
    """``SIZE`` places for trackers on one broker. What happened to them is counted."""

    bootstrap: str
    directory: Path
    places: list[TrackerProcess | None] = field(default_factory=lambda: [None] * SIZE)
    busy: list[asyncio.Lock] = field(default_factory=lambda: [asyncio.Lock() for _ in range(SIZE)])
    faults: Counter[str] = field(default_factory=Counter)
    kills: list[Kill] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def start(self, place: int) -> None:
        """Put a tracker in a place that has none."""
        if self.places[place] is None:
            log = self.directory / f"tracker-{place}.log"
            self.places[place] = TrackerProcess(self.bootstrap, log)

    def kill(self, place: int) -> None:
        """End a tracker as a crash would."""
        process = self.places[place]
        if process is None:
            return
        status, body = process.get("/readyz")
        states = json.loads(body)["partitions"] if status else {}
        running = tuple(int(number) for number, state in states.items() if state == "running")
        self.kills.append(Kill(int(time.time() * 1000), running))
        process.kill()
        self.faults["kill -9 of a tracker"] += 1
        self.places[place] = None

    def stop(self, place: int) -> None:
        """End a tracker in order."""
        process = self.places[place]
        if process is not None:
            process.stop()
            self.places[place] = None

    async def freeze(self, place: int, seconds: float) -> None:
        """Stop a tracker's process for so long, and let it go on: a zombie."""
        process = self.places[place]
        if process is None or process.exit_status is not None:
            return
        os.kill(process.pid, signal.SIGSTOP)
        self.faults["SIGSTOP of a tracker"] += 1
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
