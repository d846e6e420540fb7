"""Debian programs used by tests: ``make test`` downloads them without installing them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support import ROOT

_UNPACKED = ROOT / ".debian" / "root"
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu")


def program(name: str, path: str) -> Path:
    """The path of a program. If it is missing, the test is skipped, or fails in CI."""
    if (_UNPACKED / path).exists():
        return _UNPACKED / path
    if found := shutil.which(name):
        return Path(found)
    missing = f"{name} is not here; 'make debian' fetches it where there is apt-get"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def placed(command: list[str], directory: str, root: Path) -> list[str]:
    """``command`` with its package's files visible in ``directory``, under proot if they are not
    installed: Alertmanager's template path can't be set.

    ``root`` is an empty directory, used as the root directory. In the shared root, proot would
    create ``directory`` and remove it on exit, which breaks other runs.
    """
    if Path("/", directory).exists():
        return command
    proot = program("proot", "usr/bin/proot")
    # Everything else in ``directory``'s parent directories.
    over = [Path("/", each) for each in (directory, *Path(directory).parents)]
    binds = [str(each) for parent in over[1:] for each in parent.iterdir() if each not in over]
    binds.append(f"{_UNPACKED / directory}:/{directory}")
    bound = [word for bind in binds for word in ("-b", bind)]
    return [str(proot), "-r", str(root), *bound, "-w", str(Path.cwd()), *command]


def environment(directory: Path) -> dict[str, str]:
    """Our environment with the downloaded libraries and fonts; ``directory`` is for caches."""
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
