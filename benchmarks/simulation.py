"""``sla simulate`` on the whole UCI incident log (goal: 150,000 events/s).

The log is not part of the project: SLA_SHARED names the directory that has it in ``data/``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from figures import spread, told

SLA: Final = Path(sys.executable).with_name("sla")
SHARED: Final = Path(os.environ.get("SLA_SHARED") or Path(__file__).parents[2] / "shared")
LOG: Final = SHARED / "data" / "uci-incident-event-log.csv.gz"


def _sla(*arguments: object) -> bytes:
    return subprocess.run(  # noqa: S603  ours
        [SLA, *map(str, arguments)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout


def run(*, runs: int = 5) -> dict[str, Any]:
    """The time of the whole command, and the figures it reports for the simulation only."""
    if not LOG.exists():
        return {"left_out": f"{LOG} is not there"}
    whole, alone = [], []
    with tempfile.TemporaryDirectory() as made:
        events = Path(made) / "events.jsonl"
        _sla("import", "servicenow", LOG, "--out", events)
        with events.open("rb") as lines:
            count = sum(1 for _ in lines)
        for _ in range(runs):
            begun = time.perf_counter()
            said = json.loads(_sla("simulate", events, "--json"))
            whole.append(time.perf_counter() - begun)
            alone.append(said["seconds"])
    return {
        "events": count,
        "whole_seconds": spread(whole),
        "simulation_seconds": spread(alone),
        "events_per_second": spread([count / each for each in alone]),
        "whole_events_per_second": spread([count / each for each in whole]),
    }


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    if "left_out" in found:
        print(f"  left out: {found['left_out']}")
        return
    print(
        f"  {found['events']:,} events: {told(found['events_per_second'], ' events/s')}; the whole "
        f"command {told(found['whole_seconds'], ' s')}"
    )
