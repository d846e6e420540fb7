"""A file as rows of text, whatever its form, with the line that each row begins on."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from sla_lab.errors import CommandError
from sla_lab.recording import STDIN
from sla_lab.unpacking import UnpackingError, unpacked

#: How many lines may stand above the names of the columns: titles of a report, say.
HEAD_WITHIN: Final = 20


class TableError(CommandError):
    """The file can't be used at all; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column that is needed, and why, as the end of a sentence.

    ``also`` are other names for it; ``number`` says which of several columns of one name it is,
    from 1.
    """

    name: str
    why: str
    number: int | None = None
    also: tuple[str, ...] = ()
    optional: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, the first that a file has counts."""
        return self.name, *self.also


class Row(NamedTuple):
    """The wanted cells of a row, in the order they were asked for."""

    line: int
    cells: Sequence[str]


class Torn(NamedTuple):
    """A row that can't be taken apart into its cells; ``cells`` are as many as can be told."""

    line: int
    value: str
    reason: str
    cells: Sequence[str]


class Table(ABC):
    """A table in a file."""

    #: What is counted in it: a row of a workbook has no lines.
    unit: str = "line"

    def __init__(self, name: str, wanted: Sequence[Wanted]) -> None:
        self.name = name
        self.wanted = wanted
        #: Rows without any text, which are passed over.
        self.blank = 0
        #: How it was read, for the summary.
        self.read_as: dict[str, str] = {}

    @abstractmethod
    def rows(self) -> Iterator[Row | Torn]:
        """The rows below the head. Raises ``TableError`` when the file ends to be readable."""

    def passed_over(self, cells: Sequence[str]) -> bool:
        """Whether a row is without any text, and so none; those are counted."""
        blank = not any(map(str.strip, cells))
        self.blank += blank
        return blank

    @staticmethod
    def picked(cells: Sequence[str], places: Sequence[int | None]) -> list[str]:
        """The wanted cells of a row, none where a place is none or beyond its end."""
        return [
            cells[place].strip() if place is not None and place < len(cells) else ""
            for place in places
        ]


def found_columns(names: Sequence[str], wanted: Sequence[Wanted]) -> int:
    """How many of the columns ``wanted`` are among ``names``."""
    there = set(names)
    return sum(not there.isdisjoint(each.names) for each in wanted)


def needed(wanted: Sequence[Wanted]) -> list[Wanted]:
    """The columns without which nothing goes."""
    return [each for each in wanted if not each.optional]


def places_of(file: str, names: Sequence[str], wanted: Sequence[Wanted]) -> list[int | None]:
    """Where each column stands among ``names``; ``None`` for an optional one that is not there.

    Raises ``TableError`` for a column that is missing, or stands there several times.
    """
    return [_place_of(file, names, each) for each in wanted]


def _place_of(file: str, names: Sequence[str], wanted: Wanted) -> int | None:
    for name in wanted.names:
        places = [place for place, each in enumerate(names) if each == name]
        if wanted.number is not None and places:
            if wanted.number > len(places):
                raise TableError(
                    f"{file} has only {len(places)} columns {name!r}, so there is no number "
                    f"{wanted.number}, {wanted.why}"
                )
            return places[wanted.number - 1]
        if len(places) > 1:
            shown = " and ".join(str(place + 1) for place in places)
            raise TableError(
                f"{file} has the column {name!r} {len(places)} times, as columns {shown}; choose "
                f'one, such as {{ column = "{name}", number = 1 }}, or rename one'
            )
        if places:
            return places[0]
    if wanted.optional:
        return None
    near = difflib.get_close_matches(wanted.name, [name for name in names if name], 1, 0.6)
    close = near or [name for name in names if name.casefold() == wanted.name.casefold()]
    hint = f"did you mean {close[0]!r}?" if close else f"its columns are {_listed(names)}"
    raise TableError(f"{file} has no column {wanted.name!r}, {wanted.why}; {hint}")


def _listed(names: Sequence[str], limit: int = 12) -> str:
    shown = [repr(name[:40]) for name in names if name]
    rest = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {rest} more" if rest > 0 else "") or "none"


class Source(NamedTuple):
    """A file to be read from its beginning, as often as needed."""

    name: str
    file: IO[bytes]
    #: Where it lies on the disk as it is read, unpacked.
    path: str
    #: The file as it lies there and its size, to tell how far reading has come.
    raw: IO[bytes]
    size: int

    def done(self) -> int:
        """How much has been read, in per cent."""
        return round(100 * self.raw.tell() / self.size) if self.size else 100


@contextmanager
def opened_source(path: Path) -> Iterator[Source]:
    """The file at ``path``, unpacked where it is gzipped; ``-`` is standard input.

    Raises ``TableError`` where it can't be read.
    """
    with ExitStack() as stack:
        name = "standard input" if path == STDIN else str(path)
        try:
            raw: IO[bytes] = stack.enter_context(_opened(path))
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file: IO[bytes] = raw
            if packed:
                file = stack.enter_context(unpacked(raw, name))
            yield Source(name, file, "" if packed else str(raw.name), raw, _size(raw))
        except UnpackingError as error:
            raise TableError(str(error)) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise TableError(f"{name} can't be read: {reason}") from error


def _opened(path: Path) -> IO[bytes]:
    given = sys.stdin.buffer if path == STDIN else path.open("rb")
    if path != STDIN and given.seekable():
        return given
    # What is read several times has to lie somewhere, and a pipe does not.
    with ExitStack() as stack:
        if path != STDIN:
            stack.enter_context(given)
        file = tempfile.NamedTemporaryFile()  # noqa: SIM115  closed by who asked for it
        shutil.copyfileobj(given, file)
    file.flush()
    file.seek(0)
    return cast("IO[bytes]", file)


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size
