"""``python -m chaos`` (in ``tests/``, or ``make chaos``): prints a JSON report; exits with status 1
if anything was lost, duplicated, reordered or different.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chaos.contenders import Contender, NaiveAgents, Trackers
from chaos.faults import Plan
from chaos.live import LiveTrackers
from chaos.run import run

CONTENDERS: Final[dict[str, Callable[[], Contender]]] = {
    "trackers": Trackers,
    "live": LiveTrackers,
    "faust": lambda: NaiveAgents("at_least_once"),
    "faust-exactly-once": lambda: NaiveAgents("exactly_once"),
}


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=20, help="for which faults happen")
    parser.add_argument("--nodes", type=int, default=1, help="brokers; 3 makes three copies")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=100, help="kill -9 of trackers")
    parser.add_argument("--freezes", type=int, default=20, help="longer than the session time-out")
    parser.add_argument("--broker-kills", type=int, default=30)
    parser.add_argument("--group-restarts", type=int, default=6)
    parser.add_argument("--scalings", type=int, default=4, help="3 → 1 → 3 trackers, in order")
    parser.add_argument("--on", choices=CONTENDERS, default="trackers", help="who is tested")
    parser.add_argument("--directory", type=Path, help="keep everything there")
    given = parser.parse_args()
    # That brokers can't be reached is what is meant to happen.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    plan = Plan(
        given.minutes * 60,
        given.kills,
        given.freezes,
        given.broker_kills,
        given.group_restarts,
        given.scalings,
    )

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)  # noqa: T201

    with tempfile.TemporaryDirectory(prefix="sla-chaos-") as temporary:
        directory = given.directory or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(
            run(
                directory,
                CONTENDERS[given.on](),
                events=given.events,
                seed=given.seed,
                plan=plan,
                nodes=given.nodes,
                say=say,
            )
        )
    told = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "on": given.on,
        "nodes": given.nodes,
        "seed": given.seed,
        **report.as_dict(),
    }
    print(json.dumps(told, indent=2))  # noqa: T201
    return 0 if report.verdict.flawless else 1


if __name__ == "__main__":
    sys.exit(main())
