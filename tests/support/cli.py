"""Running ``sla`` as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SLA = Path(sys.executable).with_name("sla")


def environment(**more: str) -> dict[str, str]:
    """The environment without settings of whoever runs the tests, wide enough for tables."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    return {**plain, "COLUMNS": "200", "NO_COLOR": "1", **more}


def in_the_background(*command: str | Path) -> list[str]:
    """``command`` as a shell without job control starts it behind an ``&``: SIGINT is ignored."""
    return ["/bin/sh", "-c", 'trap "" INT; exec "$0" "$@"', *map(str, command)]


def sla(
    *arguments: str | Path, status: int = 0, stdin: bytes | None = None, **more: str
) -> subprocess.CompletedProcess[bytes]:
    """Run ``sla`` and insist on its exit status; nothing it does may end in a stack trace."""
    done = subprocess.run(
        [SLA, *map(str, arguments)],
        input=stdin if stdin is not None else b"",
        capture_output=True,
        timeout=180,
        check=False,
        env=environment(**more),
    )
    said = f"{done.stdout.decode()}\n{done.stderr.decode()}"
    assert done.returncode == status, said
    assert "Traceback" not in said, said
    return done


def sla_json(*arguments: str | Path, status: int = 0) -> Any:
    """What ``sla ... --json`` prints."""
    return json.loads(sla(*arguments, "--json", status=status).stdout)
