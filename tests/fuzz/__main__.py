"""``python -m fuzz`` (in ``tests/``, or ``make fuzz``): mutated records on all processors."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from fuzz.check import Fault, check

_TOGETHER = 20_000


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first stretch of records")
    given = parser.parse_args()
    began, done = time.monotonic(), 0
    sums: dict[str, int] = {}
    seeds = range(given.seed, given.seed + -(-given.records // _TOGETHER))
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        try:
            for tally in pool.map(check, seeds, [_TOGETHER] * len(seeds)):
                done += tally.events
                for name in tally.__struct_fields__:
                    sums[name] = sums.get(name, 0) + getattr(tally, name)
                print(f"\r{done} records", end="", file=sys.stderr, flush=True)  # noqa: T201
        except Fault as fault:
            print(f"\n{fault}", file=sys.stderr)  # noqa: T201
            return 1
    print(f"\n{sums} in {time.monotonic() - began:.0f} s")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
