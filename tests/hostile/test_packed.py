"""A small file that unpacks to a large one, or a large empty one, ends with a message before it
fills the memory.
"""

from __future__ import annotations

import gzip
import resource
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.cli import SLA, environment, sla_json

MIB = 1024 * 1024
#: Address space that a command gets: with the thread and the libraries it starts with half of it.
ROOM = 1024 * MIB


def packed(path: Path, parts: Iterable[bytes]) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for part in parts:
            file.write(part)
    return path


def said(*arguments: str | Path) -> str:
    """What a command that has to fail says, with little memory to do so."""
    done = subprocess.run(
        [SLA, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM)),
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("command", [("simulate",), ("import", "servicenow")])
def test_what_unpacks_to_much_more_is_not_unpacked(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    bomb = packed(tmp_path / "bomb.gz", (b" " * MIB for _ in range(1500)))
    assert f"{bomb} unpacks to more than 50 times its size" in said(*command, bomb)


def test_a_file_of_anything_but_events_is_told_so(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "bomb.gz", (b"{}\n" * 100_000 for _ in range(50)))
    told = said("simulate", bomb)
    assert told == (
        f"sla: most of the first 100,000 lines of {bomb} are not events; convert other logs "
        "into events with 'sla import'"
    )


def test_a_line_of_any_length_is_one_dead_letter(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        for part in (b'{"subject": "T"}\n', *[b"x" * MIB] * 300, b"\n"):
            file.write(part)
    told = sla_json("simulate", path)
    assert (told["events"], told["dead_letters"]) == (2, 2)


@pytest.mark.parametrize("cut", [20, 2000])
def test_what_is_cut_off_is_told_so(tmp_path: Path, cut: int) -> None:
    whole = packed(tmp_path / "whole.gz", [b'{"subject": "%d"}\n' % n for n in range(5000)])
    path = tmp_path / "cut.gz"
    path.write_bytes(whole.read_bytes()[:cut])
    assert said("simulate", path).startswith(f"sla: {path} can't be read: ")
