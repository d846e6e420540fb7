"""Simulate and replay a whole incident log, and compare the alerts: ``make whole-log LOG=FILE``.

Prints the figures of both; exits with status 1 if a byte differs.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SLA = Path(sys.executable).with_name("sla")
COMPARED = ("warnings.jsonl", "breaches.jsonl", "approvals.jsonl", "dead_letters.jsonl")


def sla(*arguments: object) -> bytes:
    """Run ``sla``; its progress is shown on the terminal."""
    return subprocess.run([SLA, *map(str, arguments)], stdout=subprocess.PIPE, check=True).stdout  # noqa: S603


def main() -> int:
    """Compare ``sla simulate`` with ``sla replay`` on the given log."""
    print(f"{platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = folder / "events.jsonl"
        sla("import", "servicenow", sys.argv[1], "--out", events)
        results: dict[str, dict[str, Any]] = {}
        for how in ("simulate", "replay"):
            results[how] = json.loads(sla(how, events, "--json", "--out", folder / how))
            print(f"{how}: {json.dumps(results[how])}")
        same = True
        for file in COMPARED:
            one, other = ((folder / how / file).read_bytes() for how in ("simulate", "replay"))
            print(f"{file}: {len(one)} bytes, {'the same' if one == other else 'DIFFERENT'}")
            same = same and one == other
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
