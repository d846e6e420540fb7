"""``python -m attacked`` (in ``tests/``, or ``make attacked``): runs the programs with the
neighbours only, then under attack. Prints a JSON report; exits with status 1 unless the neighbours
lost nothing, got no duplicates and waited at most a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import platform
import sys
import time

from attacked.run import run


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="attacked", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3, help="of attack; a third of it before")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)  # noqa: T201

    seconds = given.minutes * 60
    report = asyncio.run(run(seconds, say, alone=seconds / 3))
    told = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        **report,
    }
    print(json.dumps(told, indent=2))  # noqa: T201
    return 0 if report["attacked"]["flawless"] else 1


if __name__ == "__main__":
    sys.exit(main())
