"""How commands talk: tables and progress for people, JSON for programs.

``rich`` leaves colours out where NO_COLOR is set or nobody looks at a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
)
from rich.table import Table
from rich.text import Text

from sla_text.telling import Table as Told

out = Console()
err = Console(stderr=True)

_BUSY: Final = (SpinnerColumn(), TextColumn("{task.description}"))


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table for people."""
    table = Table(*columns, title=title or None, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)


def print_told(told: Told) -> None:
    """A table in words; one without columns is its title."""
    if not told.columns:
        out.print(told.title, markup=False, highlight=False, soft_wrap=True)
        return
    table = Table(
        *told.columns,
        title=told.title,
        title_justify="left",
        title_style="italic",
        caption=told.note or None,
        caption_justify="left",
        box=None,
        pad_edge=False,
        show_header=any(told.columns),
    )
    for column in table.columns[:2]:
        # Times read badly over two lines.
        column.no_wrap = True
    for row in told.rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


def listing(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool, title: str = ""
) -> None:
    """The same rows as a table or as a JSON array."""
    if as_json:
        print_json(list(rows))
    else:
        print_table(columns, [[row.get(name, "") for name in columns] for row in rows], title)


def _progress(*columns: ProgressColumn) -> Progress:
    # Where nobody looks it would leave an empty line.
    return Progress(*_BUSY, *columns, console=err, transient=True, disable=not err.is_terminal)


@contextmanager
def working(text: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error while something runs; call it with how much is done."""
    measured = () if total is None else (BarColumn(), MofNCompleteColumn())
    with _progress(*measured) as progress:
        task = progress.add_task(text, total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def downloading() -> Iterator[Callable[[str, int, int], None]]:
    """Progress for ``EmbeddedKafka``: a bar appears when there is something to fetch."""
    with ExitStack() as stack:
        bar: tuple[Progress, TaskID] | None = None

        def update(name: str, done: int, total: int) -> None:
            nonlocal bar
            if bar is None:
                progress = stack.enter_context(_progress(BarColumn(), MofNCompleteColumn()))
                bar = progress, progress.add_task("", total=total)
            progress, task = bar
            progress.update(task, completed=done, description=f"fetching Apache Kafka  {name}")

        yield update
