"""Run all benchmarks: ``make bench``, or some: ``make bench ONLY="throughput start"``. Options
follow a name, as in ``ONLY=board:tickets=50000``.

Adds the results to ``benchmarks/results/DATE.json``, each with the machine it ran on. ``--quick``
runs a tenth of each as a check, and stores nothing.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from figures import machine

RESULTS: Final = Path(__file__).parent / "results"
#: The module of each benchmark, and its arguments for ``--quick``. Each has ``run`` and ``tell``.
BENCHMARKS: Final[dict[str, dict[str, Any]]] = {
    "throughput": {"count": 100_000, "runs": 1},
    "latency": {"seconds": 15, "runs": 1},
    "open_tickets": {"tickets": 50_000, "rate": 200},
    "attacked": {"seconds": 20, "runs": 1},
    "late": {"runs": 1},
    "firing": {"sizes": [1_000, 10_000], "runs": 1},
    "scaling": {"count": 100_000, "runs": 1},
    "simulation": {"runs": 1},
    "start": {"runs": 1},
    "board": {"tickets": 5_000},
    "intake": {"runs": 1, "seconds": 3},
    "memory": {"events": 100_000},
}
#: These take an hour, so they run only if named.
LONG: Final = ("memory",)


def main() -> int:
    """Run the requested benchmarks; returns 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="a tenth of each; nothing is kept")
    asked = parser.parse_args()
    wanted = dict(map(_read, asked.only)) or {name: {} for name in BENCHMARKS if name not in LONG}
    if unknown := set(wanted) - set(BENCHMARKS):
        parser.error(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}"
        )
    failed = []
    for name, options in wanted.items():
        print(f"{name}, begun at {time.strftime('%H:%M')}", flush=True)
        module = importlib.import_module(name)
        try:
            found = module.run(**(BENCHMARKS[name] if asked.quick else {}), **options)
        except (RuntimeError, TimeoutError, OSError) as error:
            # Continue with the others.
            failed.append(name)
            print(f"  failed: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        module.tell(found)
        if not asked.quick:
            keep(name, found)
    return 1 if failed else 0


def _read(wanted: str) -> tuple[str, dict[str, int]]:
    """Parse ``board:tickets=5000`` into a name and its options."""
    name, *options = wanted.split(":")
    return name, {key: int(value) for key, _, value in (each.partition("=") for each in options)}


def keep(name: str, found: dict[str, Any]) -> None:
    """Add a benchmark's results to the file of today."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y-%m-%d')}.json"
    results = json.loads(path.read_text("utf-8")) if path.exists() else {}
    results[name] = {"machine": machine(), **found}
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
