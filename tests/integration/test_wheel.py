"""What is built works outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import ROOT
from support.cli import environment

from sla_kafka.jars import environment_home

UV = ROOT / ".uv" / "bin" / "uv"
pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(not UV.exists(), reason="'make setup' installs uv, which builds"),
]


def uv(*arguments: str | Path) -> None:
    """Run uv; a failure shows what it said."""
    done = subprocess.run(
        [UV, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_wheel_runs_the_demo_in_an_empty_environment(tmp_path: Path) -> None:
    uv("build", "--wheel", "--quiet", "--out-dir", tmp_path / "dist")
    [wheel] = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if "docs/" in name or "tests/" in name]
    home = tmp_path / "environment"
    uv("venv", "--quiet", "--python", sys.executable, home)
    locked = tmp_path / "locked.txt"
    uv(
        "export",
        "--quiet",
        "--locked",
        "--no-dev",
        "--extra",
        "kafka",
        "-o",
        locked,
        "--no-emit-project",
    )
    python = home / "bin" / "python"
    uv("pip", "install", "--quiet", "--python", python, "-r", locked)
    uv("pip", "install", "--quiet", "--python", python, "--no-deps", wheel)
    # The jars are those of the same lock; fetching them once more would show nothing.
    (home / "share").mkdir(exist_ok=True)
    (home / "share" / "sla").symlink_to(environment_home())
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = subprocess.run(
        [home / "bin" / "sla", "demo", "--seconds", "5", "--no-stay", "--json"],
        cwd=empty,
        env={**environment(), "HOME": str(empty), "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert not list(empty.iterdir()), "it leaves nothing behind"
