"""The built packages work outside the checkout."""

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


def installed(directory: Path, wheel: Path, *extras: str) -> Path:
    """An environment with the locked packages and the wheel; answers its directory."""
    home = directory / "-".join(["environment", *extras])
    locked = directory / "locked.txt"
    wanted = [part for extra in extras for part in ("--extra", extra)]
    uv("venv", "--quiet", "--python", sys.executable, home)
    uv("export", "--quiet", "--locked", "--no-dev", "--no-emit-project", *wanted, "-o", locked)
    python = home / "bin" / "python"
    uv("pip", "install", "--quiet", "--python", python, "-r", locked)
    uv("pip", "install", "--quiet", "--python", python, "--no-deps", wheel)
    return home


def run(home: Path, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the environment's ``sla`` in an empty directory, with that for a home too."""
    return subprocess.run(
        [home / "bin" / "sla", *arguments],
        cwd=directory,
        env={**environment(), "HOME": str(directory), "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    directory = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--quiet", "--out-dir", directory)
    [built] = directory.glob("*.whl")
    names = zipfile.ZipFile(built).namelist()
    assert not [name for name in names if "docs/" in name or "tests/" in name]
    return built


def test_the_wheel_runs_the_demo_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    home = installed(tmp_path, wheel, "kafka")
    # The jars are those of the same lock; fetching them once more would show nothing.
    (home / "share").mkdir(exist_ok=True)
    (home / "share" / "sla").symlink_to(environment_home())
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = run(home, empty, "demo", "--seconds", "5", "--no-stay", "--json")
    assert ran.returncode == 0, ran.stderr
    assert not list(empty.iterdir()), "it leaves nothing behind"


def test_without_a_broker_the_rest_works_and_that_is_said(wheel: Path, tmp_path: Path) -> None:
    home = installed(tmp_path, wheel)
    assert not (home / "bin" / "jgo").exists()
    checked = run(home, tmp_path, "policy", "check")
    assert checked.returncode == 0, checked.stderr
    started = run(home, tmp_path, "kafka", "--prepare")
    assert started.returncode == 1
    assert "sla-tracker[kafka]" in started.stderr
    assert "Traceback" not in started.stderr
    table, columns = tmp_path / "export.csv", tmp_path / "columns.toml"
    table.write_text("id,org,opened\n1,acme,2026-11-16T09:00:00Z\n")
    columns.write_text('ticket = "id"\nclient = "org"\ncreated = "opened"\n')
    imported = run(home, tmp_path, "import", "csv", str(table), "--columns", str(columns))
    assert imported.returncode == 0, imported.stderr
    for begins in (b"PK\x03\x04", b"PAR1"):
        table.write_bytes(begins)
        told = run(home, tmp_path, "import", "csv", str(table), "--columns", str(columns))
        assert told.returncode == 1
        assert "sla-tracker[import]" in told.stderr
        assert "Traceback" not in told.stderr
