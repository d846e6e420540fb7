"""Progress of long operations, on standard error.

``rich`` leaves it out if the output is not a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

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

err = Console(stderr=True)

_BUSY: Final = (SpinnerColumn(), TextColumn("{task.description}"))


def _progress(*columns: ProgressColumn) -> Progress:
    # Without a terminal it would leave an empty line.
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
            progress.update(task, completed=done, description=f"downloading Apache Kafka  {name}")

        yield update
