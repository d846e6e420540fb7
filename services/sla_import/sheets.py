"""Tables in workbooks (.xlsx), read by ``python-calamine``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sla_domain.instant import format_duration
from sla_import.extra import needs_extra
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


class SheetTable(Table):
    """A table on a sheet of a workbook: the first sheet with its columns, or the one named."""

    unit = "row"

    def __init__(self, source: Source, wanted: Sequence[Wanted], sheet: str | None = None) -> None:
        super().__init__(source.name, wanted)
        with needs_extra("workbooks"):
            from python_calamine import load_workbook
        with self._sentences():
            book = load_workbook(source.file)
            if sheet is not None and sheet not in book.sheet_names:
                raise TableError(
                    f"{self.name} has no sheet {sheet!r}; it has "
                    f"{', '.join(map(repr, book.sheet_names))}"
                )
            best: tuple[int, int, int, list[str], str] = (-1, 0, 0, [], "")
            for name in [sheet] if sheet is not None else book.sheet_names:
                rows = book.get_sheet_by_name(name).iter_rows()
                for number, cells in enumerate(islice(rows, HEAD_WITHIN), 1):
                    names = [as_text(cell).strip() for cell in cells]
                    found = (found_columns(names, needed(wanted)), sum(map(bool, names)))
                    if found > best[:2]:
                        best = (*found, number, names, name)
            _, _, self._head, names, self._sheet = best
            self._book = book
        self._places = places_of(self.name, names, wanted)
        self.read_as = {"form": "workbook", "sheet": self._sheet}

    def rows(self) -> Iterator[Row | Torn]:
        """The rows below the head."""
        with self._sentences():
            rows = self._book.get_sheet_by_name(self._sheet).iter_rows()
            for number, cells in islice(enumerate(rows, 1), self._head, None):
                texts = [as_text(cell) for cell in cells]
                if not self.passed_over(texts):
                    yield Row(number, self.picked(texts, self._places))

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """What the library says of a broken workbook, as an error of ours."""
        from python_calamine import CalamineError

        try:
            yield
        except (CalamineError, OSError, ValueError) as error:
            raise TableError(f"{self.name} is not a readable workbook: {error}") from error
        except BaseException as error:
            # A bug in the library's Rust ends in an exception that is none of Exception's.
            if type(error).__name__ == "PanicException":
                raise TableError(f"{self.name} is not a readable workbook") from error
            raise


def as_text(cell: Any) -> str:
    """A cell as it would stand in a text table."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, timedelta):
        return format_duration(round(cell.total_seconds() * 1000))
    return str(cell)
