"""The tutorial works, command by command."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from support import ROOT
from support.cli import SLA, environment

TUTORIAL = ROOT / "docs" / "tutorial.md"


def commands() -> list[str]:
    """What the page has a reader type, in order; a command goes on to the next dollar sign."""
    blocks = re.findall(r"```console\n(.*?)```", TUTORIAL.read_text("utf-8"), re.DOTALL)
    return [typed for block in blocks for typed in re.split(r"(?m)^\$ ", block) if typed.strip()]


def test_every_command_of_the_tutorial_does_what_the_page_says(tmp_path: Path) -> None:
    for folder in ("deploy", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    path = f"{Path(SLA).parent}:{environment()['PATH']}"
    said = {}
    for typed in commands():
        done = subprocess.run(
            ["/bin/bash", "-e", "-c", typed],
            cwd=tmp_path,
            env={**environment(), "PATH": path, "LANG": "en_US.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{typed}\n{done.stderr}"
        said[typed.strip()] = done.stdout
    assert len(said) == 8
    summary = json.loads(said["sla simulate events.jsonl --json"])
    assert (summary["tickets"], summary["breaches"]) == (5, 3)
    breaches = (tmp_path / "result" / "breaches.jsonl").read_text().splitlines()
    assert len(breaches) == 3
    figures = json.loads((tmp_path / "result" / "attainment.json").read_text())
    by_client = {(row["client_id"], row["clock"]): row for row in figures["clients"]}
    assert by_client["acme", "first_response"]["kept"] == [1 / 3]
    assert by_client["globex", "resolution"]["breached"] == [1]
    late = said["sla explain 1003 --events events.jsonl"]
    assert "14 h 10 min used of 8 h: 6 h 10 min over" in late
    [compared] = (out for typed, out in said.items() if typed.count("--policy") == 2)
    rows = compared[compared.index("by client and clock") :].splitlines()
    assert "aivo@1 met" in rows[1]
    assert "aivo@2 met" in rows[1]
    acme = next(row.split() for row in rows if row.startswith("acme    resolution"))
    assert acme[2:] == ["100.0%", "0", "66.7%", "1", "1", "0"]
    [changed] = (out for typed, out in said.items() if "policy diff" in typed)
    assert "stricter" in changed
