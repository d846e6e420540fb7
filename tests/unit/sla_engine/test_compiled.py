"""Compiled code behaves like its source, in this process and in others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from support import ROOT
from support.cli import environment

from sla_domain.policy import PolicyBook
from sla_lab.recording import read_lines
from sla_lab.simulation import Recording, simulate_under

SERVICES = ROOT / "services"
RECORDING = SERVICES / "sla_lab" / "sample" / "incidents.jsonl.gz"
COMPILED = pytest.mark.skipif(
    not list(SERVICES.glob("sla__mypyc*.so")), reason="no C compiler here: nothing is compiled"
)


def simulated(out: Path, **more: str) -> dict[str, bytes]:
    """What ``sla simulate`` writes of the packaged recording, less the time it took."""
    command = [sys.executable, "-m", "sla_cli", "simulate", RECORDING, "--out", out]
    subprocess.run(
        command, env=environment(**more), cwd=out.parent, check=True, capture_output=True
    )
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name != "summary.json"}


@COMPILED
def test_the_sources_say_the_same_byte_for_byte(tmp_path: Path) -> None:
    for name in ("services", "schemas/sla_schemas"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so"))
    sources = [str(tmp_path / "services"), str(tmp_path / "schemas")]
    where = "import sla_domain.ticket as rules; print(rules.__file__)"
    interpreted = environment(PYTHONPATH=":".join(sources))
    ran = subprocess.run(
        [sys.executable, "-c", where], env=interpreted, check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == str(tmp_path / "services" / "sla_domain" / "ticket.py")
    expected = simulated(tmp_path / "interpreted", PYTHONPATH=":".join(sources))
    assert len(expected["breaches.jsonl"].splitlines()) > 10
    assert simulated(tmp_path / "compiled") == expected


def test_processes_that_share_the_work_come_to_the_same(book: PolicyBook) -> None:
    recording = Recording.of(read_lines([RECORDING]), partitions=4)
    (alone,) = simulate_under([book], recording)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        (together,) = simulate_under([book], recording, pool=pool)
    assert len(alone.tickets) > 100
    assert (together.tickets, together.stories) == (alone.tickets, alone.stories)
