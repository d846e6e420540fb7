"""One run: the neighbours alone for a while, then under attack."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from support.receiver import Answer, Receiver

from attacked.attackers import Target
from attacked.neighbour import Seen, delivered, look, send, watch
from attacked.programs import ATTACKER, NEIGHBOUR, Programs
from sla_domain.instant import SECOND
from sla_engine.frontier import DEFAULT_GRACE

#: Seconds after which an alert is late, and for which they are waited for at the end.
LATE: Final = 1.0
PATIENCE: Final = 30.0
#: How the attacker's receiver answers, in turns.
ANSWERS: Final[tuple[Answer, ...]] = (
    (503, {"Retry-After": "99999999"}),
    (503, {"Retry-After": "\u00b2"}),
    (429, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}),
    500,
    (302, {"Location": "http://127.0.0.1:1/"}),
    400,
)


def bad_receiver() -> Receiver:
    """A receiver that takes nothing, and every third time says nothing for twenty seconds."""
    asked = iter(range(10**9))

    def answer(_headers: dict[str, str], _body: bytes) -> Answer:
        number = next(asked)
        if number % 3 == 2:
            time.sleep(20)
        return ANSWERS[number % len(ANSWERS)]

    return Receiver(answer)


async def run(seconds: float, say: Callable[[str], None], *, alone: float) -> dict[str, Any]:
    """The figures of the neighbours: ``alone`` for so many seconds, if any, then under attack."""
    with (
        tempfile.TemporaryDirectory(prefix="sla-attacked-") as made,
        Receiver() as good,
        bad_receiver() as bad,
    ):
        directory = Path(made)
        report: dict[str, Any] = {}
        for name, attacked, lasting in (("alone", False, alone), ("attacked", True, seconds)):
            if not lasting:
                continue
            place = directory / name
            place.mkdir()
            receivers = {NEIGHBOUR: good} | ({ATTACKER: bad} if attacked else {})
            say(f"{name}: starting")
            async with Programs(place, receivers) as programs:
                with _attack(programs, place) if attacked else contextlib.nullcontext():
                    say(f"{name}: {lasting:.0f} s")
                    report[name] = await _measured(programs, good, lasting)
                for program in programs.all.values():
                    program.check()
            say(f"{name}: {json.dumps(report[name])}")
            good.received.clear()
        return report


@contextlib.contextmanager
def _attack(programs: Programs, directory: Path) -> Iterator[None]:
    """The attackers, in a process of their own. Raises where they end by themselves."""
    ports = {name: program.port for name, program in programs.all.items()}
    target = Target(programs.settings.bootstrap, ports, programs.secrets[ATTACKER])
    told, log = directory / "target.json", directory / "attackers.log"
    told.write_text(json.dumps(target._asdict()))
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "attacked.attackers", str(told)],
            stdout=sink,
            stderr=sink,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the attackers ended: {log.read_text()[-2000:]}")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


async def _measured(programs: Programs, good: Receiver, seconds: float) -> dict[str, Any]:
    seen = Seen()
    watching = [asyncio.create_task(each(programs, seen)) for each in (watch, look)]
    try:
        await send(programs, seen, seconds)
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up and not _all_there(seen, good):
            await asyncio.sleep(0.1)
        for task in watching:
            if task.done():
                await task
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return _report(seen, delivered(good))


def _all_there(seen: Seen, good: Receiver) -> bool:
    return seen.alerted.keys() == seen.sent.keys() and delivered(good).keys() >= seen.sent.keys()


def _report(seen: Seen, brought: dict[str, float]) -> dict[str, Any]:
    lost = len(seen.sent.keys() - seen.alerted.keys())
    undelivered = len(seen.sent.keys() - brought.keys())
    doubled = sum(count - 1 for count in seen.alerts.values())
    answered = [seen.answered[name] - at for name, at in seen.sent.items() if name in seen.answered]
    # An alert due before its event's append is sent a grace after the append (decision 23).
    due = {name: at + DEFAULT_GRACE / SECOND for name, at in seen.answered.items()}
    alerted = [max(0.0, at - due[name]) for name, at in seen.alerted.items()]
    told = [brought[name] - at for name, at in seen.alerted.items() if name in brought]
    late = sum(each > LATE for each in (*alerted, *told))
    return {
        "flawless": not (lost or undelivered or doubled or late or seen.failed_looks),
        "tickets": len(seen.sent),
        "lost": lost,
        "not brought": undelivered,
        "doubled": doubled,
        "later than a second": late,
        "webhook to 202, ms": _spread(answered),
        "sent again": seen.refused,
        "due to alert, ms": _spread(alerted),
        "alert to receiver, ms": _spread(told),
        "looks, ms": {name: _spread(times) for name, times in sorted(seen.looks.items())},
        "failed looks": dict(seen.failed_looks),
        "memory, MiB": {name: size >> 20 for name, size in seen.memory.items()},
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile and the largest, in milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(each * 1000 for each in seconds)
    return {
        "p50": round(statistics.median(ordered)),
        "p99": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]),
        "max": round(ordered[-1]),
    }
