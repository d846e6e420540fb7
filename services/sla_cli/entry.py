"""Where ``sla`` begins: what it needs is read within reach of Ctrl-C."""

from __future__ import annotations

import sys


def main() -> None:
    """Run ``sla``; Ctrl-C ends it with 130 and no stack trace, also while it is still starting."""
    try:
        from sla_cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
