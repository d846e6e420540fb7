"""Tables on narrow terminals and in pipes: no word is cut at any width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import POLICY, ROOT
from support.cli import SLA, environment

from sla_cli import console

OTHER = str(ROOT / "tests" / "scenarios" / "policies" / "aivo-2.toml")
#: One command for each kind of table.
COMMANDS = [
    ("explain", "INC0003731", "--events", "sample"),
    ("explain", "--client", "location-55", "--events", "sample"),
    ("policy", "diff", str(POLICY), OTHER),
    ("policy", "check"),
    ("topics", "list"),
    ("simulate", "sample", "--policy", str(POLICY), "--policy", OTHER),
]


def shown(*arguments: str, columns: int | None) -> str:
    """What a command writes into a pipe; ``columns`` is what the environment says of the width."""
    surroundings = environment()
    surroundings.pop("COLUMNS")
    if columns is not None:
        surroundings["COLUMNS"] = str(columns)
    done = subprocess.run(
        [SLA, *arguments], capture_output=True, timeout=180, check=True, env=surroundings
    )
    return done.stdout.decode()


def words(text: str) -> set[str]:
    """The words of tables and of what tables become, without what stands between cells."""
    return {word.rstrip(":;") for word in text.split()} - {""}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_narrow_and_piped_the_words_are_the_same_and_whole(arguments: tuple[str, ...]) -> None:
    piped = shown(*arguments, columns=None)
    assert not re.search(r"\w…", piped), "a word is cut"
    rows = piped.splitlines()
    for width in (60, 80):
        narrow = shown(*arguments, columns=width)
        assert words(narrow) == words(piped), width
        for line in narrow.splitlines():
            assert len(line) <= width or len(line.split()) == 1, line
        assert len(narrow.splitlines()) >= len(rows)


def test_in_a_pipe_a_row_is_one_line() -> None:
    piped = shown("explain", "INC0003731", "--events", "sample", columns=None).splitlines()
    told = [line for line in piped if "waiting on the client since event" in line]
    assert len(told) == 1
    assert "Tue 2016-03-08 11:04  Tue 2016-03-08 12:25" in told[0]


def test_a_terminal_says_itself_how_wide_it_is() -> None:
    surroundings = environment(TERM="xterm")
    surroundings.pop("COLUMNS")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 60, 0, 0))
    with subprocess.Popen([SLA, *COMMANDS[0]], stdout=theirs, env=surroundings) as running:
        os.close(theirs)
        seen = b""
        # A terminal whose last writer has gone answers with an error.
        while chunk := _read(ours):
            seen += chunk
        assert running.wait(60) == 0
    os.close(ours)
    text = re.sub(r"\r|\x1b\[[\d;]*m", "", seen.decode())
    assert "waiting on the client since event" in " ".join(text.split())
    assert not re.search(r"\w…", text)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 60


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


_CELL = st.text("abc é-", max_size=30)


def test_a_cell_that_begins_with_a_blank_is_not_cut() -> None:
    before = console.out
    console.out = console.Console(width=56, color_system=None)
    columns = [f"name{number}" for number in range(6)]
    try:
        with console.out.capture() as captured:
            rows = [["", "", "", "", " aaaaaa", ""], ["", "", "a" * 10, "a" * 13, "", "a" * 7]]
            console._print(columns, rows, "")
    finally:
        console.out = before
    assert "aaaaaa" in captured.get().split()


@given(st.data(), st.integers(1, 6), st.integers(12, 100), st.integers(0, 2))
def test_any_table_keeps_its_words(data: st.DataObject, count: int, width: int, whole: int) -> None:
    columns = [f"name{number}" for number in range(count)]
    cells = st.lists(_CELL, min_size=count, max_size=count)
    rows = data.draw(st.lists(cells, max_size=4))
    before = console.out
    console.out = console.Console(width=width, color_system=None)
    try:
        with console.out.capture() as captured:
            console._print(columns, rows, "", whole=whole)
    finally:
        console.out = before
    seen = words(captured.get())
    assert all(words(cell) <= seen for row in rows for cell in row)
