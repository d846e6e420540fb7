"""How commands print: tables for people, JSON for programs.

``rich`` leaves out colours if NO_COLOR is set or the output is not a terminal.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sla_text.presentation import Table as TextTable

#: Without a given width, as in a pipe, lines are as long as they need to be.
_UNLIMITED: Final = 1_000_000


def _console() -> Console:
    table = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if table else _UNLIMITED)


out = _console()

#: Between two columns.
_GAP: Final = 2
#: Before the second line of a row that is a paragraph.
_INDENT: Final = 4


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def say(text: str, style: str = "", indent: int = 0) -> None:
    """Text for people, wrapped at the console's width; no word is cut."""
    lines = textwrap.wrap(
        text,
        out.width,
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines or [""]:
        out.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table for people."""
    _print(columns, [[str(cell) for cell in row] for row in rows], title)


def print_text_table(table: TextTable, whole: int = 2) -> None:
    """A table of texts; of one without columns only the title and the note are printed. The first
    ``whole`` columns are never wrapped: mostly times or names, which are hard to read then.
    """
    if not table.columns:
        say(table.title, "italic" if table.note else "")
        if table.note:
            say(table.note)
        return
    _print(table.columns, table.rows, table.title, table.note, whole)


def _print(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str,
    note: str = "",
    whole: int = 0,
) -> None:
    """A table that cuts no word: if the columns don't fit side by side, each row becomes a
    paragraph. The first ``whole`` columns are never wrapped.
    """
    # A blank at the start of a line would be counted to its first word, and the word cut.
    rows = [["\n".join(map(str.strip, cell.split("\n"))) for cell in row] for row in rows]
    widths = _widths(columns, rows, whole)
    if title:
        say(title, "italic")
    if widths is None:
        for row in rows:
            _print_paragraph(columns, row)
    else:
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=any(columns))
        for name, width in zip(columns, widths, strict=True):
            table.add_column(Text(name), width=width)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        out.print(table)
    if note:
        say(note, "italic")


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]], whole: int) -> list[int] | None:
    """The width of each column, ``None`` if their longest words don't fit side by side."""
    least, most = [], []
    for number, name in enumerate(columns):
        cells = [name, *(row[number] for row in rows)]
        most.append(max(cell_len(line) for cell in cells for line in cell.split("\n")))
        longest = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
        least.append(most[-1] if number < whole else longest)
    room = out.width - (len(columns) - 1) * _GAP - sum(least)
    if room < 0:
        return None
    for number in sorted(range(len(columns)), key=lambda each: most[each] - least[each]):
        more = min(room, most[number] - least[number])
        least[number] += more
        room -= more
    return [max(1, width) for width in least]


def _print_paragraph(columns: Sequence[str], row: Sequence[str]) -> None:
    table = [
        f"{name}: {cell}" if name else cell for name, cell in zip(columns, row, strict=True) if cell
    ]
    say("".join(table[:1]))
    if table[1:]:
        say("; ".join(table[1:]), indent=_INDENT)


def listing(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool, title: str = ""
) -> None:
    """The same rows as a table or as a JSON array."""
    if as_json:
        print_json(list(rows))
    else:
        print_table(columns, [[row.get(name, "") for name in columns] for row in rows], title)
