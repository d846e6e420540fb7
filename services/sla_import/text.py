"""Tables as text: CSV and its kin, as spreadsheets and helpdesks write them.

Taking rows apart is left to Python's ``csv``. What is decided here is what a file does not say of
itself: its encoding, by rules (a byte order mark, UTF-8 where it is valid, else the Windows-1252 of
western spreadsheets), and its delimiter, which is the one that makes the head have the columns
asked for. Both are said in the summary, and options settle them.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Final

from sla_domain.counting import counted
from sla_import.tables import (
    HEAD_WITHIN,
    Row,
    Source,
    Table,
    TableError,
    Torn,
    Wanted,
    found_columns,
    needed,
    places_of,
)

#: The longest a row may be, in characters. A longer one is taken for a quote that is never closed.
MAX_ROW: Final = 8 * 1024 * 1024

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = (",", ";", "\t", "|")
_SHOWN: Final = {"\t": "tab"}


class TextTable(Table):
    """A table in a text file."""

    def __init__(
        self,
        source: Source,
        wanted: Sequence[Wanted],
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        super().__init__(source.name, wanted)
        known = encoding or encoding_of(source.file)
        source.file.seek(0)
        try:
            text = io.TextIOWrapper(
                source.file, known, newline="", errors=_errors(codecs.lookup(known).name)
            )
        except LookupError:
            raise TableError(
                f"{known!r} is not a known encoding; write one like utf-8 or cp1252"
            ) from None
        self._lines = _Lines(text)
        self.names, self._delimiter = self._read_head(delimiter)
        self._places = places_of(self.name, self.names, wanted)
        self.read_as = {
            "form": "text",
            "encoding": known.removesuffix("-sig"),
            "delimiter": _SHOWN.get(self._delimiter, self._delimiter),
        }

    def _read_head(self, delimiter: str | None) -> tuple[list[str], str]:
        """The names of the columns, and the delimiter by which the most of them were found."""
        first: list[tuple[int, str]] = []
        try:
            for line in islice(self._lines, HEAD_WITHIN):
                first.append(line)
                self._lines.begin()
        except _TooLongError:
            raise TableError(
                f"{self.name} is not a table: line {len(first) + 1} has more than {MAX_ROW} "
                "characters"
            ) from None
        if not first:
            raise TableError(f"{self.name} is empty")
        told = first[0][1].strip().strip('"').lower()
        if told.startswith("sep=") and len(told) <= 5:
            # A spreadsheet's own hint; where it names none, a tab was cut with the white space.
            delimiter = delimiter or told[4:] or "\t"
            del first[0]
        best: tuple[int, int, int, list[str], str] = (-1, 0, 0, [], ",")
        wanted = needed(self.wanted)
        for begin in range(len(first)):
            for each in (delimiter,) if delimiter else _DELIMITERS:
                reader = csv.reader(_texts(first[begin:]), delimiter=each, strict=True)
                try:
                    names = [name.strip() for name in next(reader)]
                except (csv.Error, StopIteration):
                    continue
                found = (found_columns(names, wanted), len(names))
                if found > best[:2]:
                    best = (*found, begin + reader.line_num, names, each)
            if best[0] == len(wanted):
                break
        _, _, used, names, known = best
        self._lines.put_back(first[used:])
        return names, known

    def rows(self) -> Iterator[Row | Torn]:
        """The rows below the head."""
        csv.field_size_limit(MAX_ROW + 1)
        lines = self._lines
        reader = csv.reader(_texts(lines), delimiter=self._delimiter, strict=True)
        while True:
            lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, _TooLongError) as error:
                line, value = lines.again()
                yield self._torn(line, value, _said(error), self._some_cells(value))
                continue
            if cells and not self.passed_over(cells):
                yield self._row(lines.first, cells)

    def _row(self, line: int, cells: list[str]) -> Row | Torn:
        names = self.names
        count = f"it has {counted(len(cells), 'cell')} and the header {len(names)}"
        if any(cells[len(names) :]):
            why = f"{count}; a cell with a delimiter inside needs quotes"
            return self._torn(line, self._delimiter.join(cells), why, cells)
        for place in self._places:
            if place is not None and place >= len(cells):
                why = f"it ends before column {names[place]!r}: {count}"
                return self._torn(line, self._delimiter.join(cells), why, cells)
        return Row(line, self.picked(cells, self._places))

    def _torn(self, line: int, value: str, reason: str, cells: Sequence[str]) -> Torn:
        return Torn(line, value, reason, self.picked(cells, self._places))

    def _some_cells(self, value: str) -> list[str]:
        """The cells of a line as far as they can be told."""
        try:
            return next(csv.reader([value], delimiter=self._delimiter), [])
        except csv.Error:
            return []


def encoding_of(file: IO[bytes]) -> str:
    """How the bytes of ``file`` are to be read."""
    head = file.read(4096)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    file.seek(0)
    valid = invalid = 0
    while line := file.readline(MAX_ROW):
        if line.isascii():
            continue
        try:
            line.decode()
        except UnicodeDecodeError:
            invalid += 1
        else:
            valid += 1
    # A few damaged lines do not make a file of UTF-8 another; their cells are refused by name.
    return "utf-8" if valid >= invalid else "cp1252"


def _errors(encoding: str) -> str:
    """What stands for bytes that mean nothing, so that a cell with them can be told and refused."""
    return "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"


def _said(error: Exception) -> str:
    text = str(error)
    if isinstance(error, _TooLongError) or "unexpected end" in text:
        return "a quote is opened and never closed"
    if "expected after" in text:
        return "text follows a closing quote; a quote inside a cell must be doubled"
    return text


def _texts(lines: Iterator[tuple[int, str]] | Sequence[tuple[int, str]]) -> Iterator[str]:
    return _Texts(iter(lines))


class _Texts:
    """The text of numbered lines; unlike a generator it goes on after an exception."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._lines)[1]


class _TooLongError(Exception):
    """A row is longer than ``MAX_ROW``."""


class _Lines:
    """Numbered lines of a text, of which those of one row can be read once more.

    So a quote that is never closed costs the row it stands in and not the rest of the file.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._number = 0
        self._waiting: deque[tuple[int, str]] = deque()
        self._taken: list[tuple[int, str]] = []
        self._size = 0

    @property
    def first(self) -> int:
        """The number of the first line of the present row."""
        return self._taken[0][0]

    def begin(self) -> None:
        """What is read from here on belongs to another row."""
        self._taken.clear()
        self._size = 0

    def put_back(self, lines: Sequence[tuple[int, str]]) -> None:
        """Read these again."""
        self._waiting.extendleft(reversed(lines))

    def again(self) -> tuple[int, str]:
        """Give the first line of the present row up, and read those after it again."""
        self.put_back(self._taken[1:])
        return self._taken[0]

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        line = self._waiting.popleft() if self._waiting else self._read()
        self._taken.append(line)
        self._size += len(line[1])
        if self._size > MAX_ROW:
            raise _TooLongError
        return line

    def _read(self) -> tuple[int, str]:
        text = rest = self._some()
        if not text:
            raise StopIteration
        self._number += 1
        while len(rest) > MAX_ROW and not rest.endswith(("\n", "\r")):
            rest = self._some()
        return self._number, text

    def _some(self) -> str:
        try:
            return self._text.readline(MAX_ROW + 1)
        except UnicodeError as error:
            raise TableError(
                f"the text after line {self._number} is not in {self._text.encoding}; name the "
                f"file's encoding with --encoding ({error})"
            ) from None
