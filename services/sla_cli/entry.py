"""Where ``sla`` starts: modules are imported where Ctrl-C is already handled."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def main() -> None:
    """Run ``sla``; Ctrl-C ends it with 130 and SIGTERM with 143, without a stack trace, even while
    it is still starting. Programs that run until a signal have their own handlers, and end with 0.
    """
    # A shell starts background jobs with SIGINT ignored, and Python would leave it that way.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Code that cleans up on Ctrl-C then does so on SIGTERM too.
    signal.signal(signal.SIGTERM, _end)
    try:
        from sla_cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _end(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)
