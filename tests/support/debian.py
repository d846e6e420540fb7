"""Programs of Debian that tests start: ``make test`` fetches them, nothing is installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support import ROOT

_UNPACKED = ROOT / ".debian" / "root"
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu")


def program(name: str, path: str) -> Path:
    """Where a program is; the test is skipped where Debian's packages can't be had, except in CI,
    where it fails.
    """
    if (_UNPACKED / path).exists():
        return _UNPACKED / path
    if found := shutil.which(name):
        return Path(found)
    missing = f"{name} is not here; 'make debian' fetches it where there is apt-get"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def placed(command: list[str], directory: str, root: Path) -> list[str]:
    """``command`` where it finds the files of its package in ``directory``, though they are not
    there: Alertmanager's path of its templates can't be set. ``root`` is an empty directory for
    a root of its own; proot would make ``directory`` in everybody's and take it away at its end,
    and another that runs then would have found it empty or lost it.
    """
    if Path("/", directory).exists():
        return command
    proot = program("proot", "usr/bin/proot")
    # All there is beside ``directory`` and what it lies in.
    over = [Path("/", each) for each in (directory, *Path(directory).parents)]
    binds = [str(each) for parent in over[1:] for each in parent.iterdir() if each not in over]
    binds.append(f"{_UNPACKED / directory}:/{directory}")
    bound = [word for bind in binds for word in ("-b", bind)]
    return [str(proot), "-r", str(root), *bound, "-w", str(Path.cwd()), *command]


def environment(directory: Path) -> dict[str, str]:
    """Ours, with the libraries and fonts that were fetched; ``directory`` is for caches."""
    fonts = directory / "fonts.conf"
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{_UNPACKED / 'usr/share/fonts'}</dir><cachedir>{directory / 'fonts'}</cachedir>"
        "</fontconfig>"
    )
    folders = [_UNPACKED / each for each in _LIBRARIES if (_UNPACKED / each).exists()]
    folders += [each / "pulseaudio" for each in folders]
    path = ":".join(str(each) for each in folders)
    return {**os.environ, "LD_LIBRARY_PATH": path, "FONTCONFIG_FILE": str(fonts)}
