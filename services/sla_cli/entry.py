"""Where ``sla`` begins: what it needs is read within reach of Ctrl-C."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def main() -> None:
    """Run ``sla``; Ctrl-C ends it with 130 and SIGTERM with 143, with no stack trace, also while it
    is still starting. Programs that run until then have handlers of their own, and end with 0.
    """
    # A shell starts what it runs in the background with SIGINT ignored, and Python would leave it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What cleans up at Ctrl-C does so at this too.
    signal.signal(signal.SIGTERM, _end)
    try:
        from sla_cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _end(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)
