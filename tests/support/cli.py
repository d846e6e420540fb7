"""Runs ``sla`` like a user."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

SLA = Path(sys.executable).with_name("sla")


def environment(**more: str) -> dict[str, str]:
    """The environment without the user's settings, and wide enough for tables."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    return {**plain, "COLUMNS": "200", "NO_COLOR": "1", **more}


def in_the_background(*command: str | Path) -> list[str]:
    """``command`` as started with ``&`` by a shell without job control: SIGINT is ignored."""
    return ["/bin/sh", "-c", 'trap "" INT; exec "$0" "$@"', *map(str, command)]


def sla(
    *arguments: str | Path, status: int = 0, stdin: bytes | None = None, **more: str
) -> subprocess.CompletedProcess[bytes]:
    """Run ``sla``; fails on another exit status or a stack trace."""
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


def at_a_terminal(arguments: list[str], typed: str) -> str:
    """What ``sla`` writes to a pseudo-terminal on which somebody has typed ``typed``."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [SLA, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment()
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        found = b""
        with contextlib.suppress(OSError):  # how Linux tells that the other end is closed
            while chunk := os.read(ours, 65_536):
                found += chunk
        assert process.wait(60) == 0, found.decode()
    os.close(ours)
    return found.decode()


def sla_json(*arguments: str | Path, status: int = 0) -> Any:
    """The output of ``sla ... --json``."""
    return json.loads(sla(*arguments, "--json", status=status).stdout)
