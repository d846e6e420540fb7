"""Tables in Parquet files, read by DuckDB."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from typing import Final

from sla_import.extra import needs_extra
from sla_import.tables import Row, Source, Table, TableError, Torn, Wanted, places_of

_AT_ONCE: Final = 10_000


class ParquetTable(Table):
    """A table in a Parquet file."""

    unit = "row"

    def __init__(self, source: Source, wanted: Sequence[Wanted]) -> None:
        super().__init__(source.name, wanted)
        with needs_extra("Parquet files"):
            import duckdb

        self._wrong = duckdb.Error
        # Nothing is fetched from anywhere, and one thread reads as fast as rows are used.
        self._engine = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": "512MB",
                "threads": "1",
            }
        )
        # In a name these are a pattern of names.
        plain = source.path and not set(source.path) & set("*?[")
        self._path = source.path if plain else self._unpacked(source)
        try:
            described = self._engine.execute(
                "DESCRIBE SELECT * FROM read_parquet($1)", [self._path]
            ).fetchall()
        except duckdb.Error as error:
            raise self._unreadable(error) from error
        self._names = [str(column[0]) for column in described]
        self._places = places_of(self.name, self._names, wanted)
        self.read_as = {"form": "parquet"}

    def _unpacked(self, source: Source) -> str:
        self._copy = tempfile.NamedTemporaryFile(suffix=".parquet")  # noqa: SIM115  as long as this
        source.file.seek(0)
        shutil.copyfileobj(source.file, self._copy)
        self._copy.flush()
        return self._copy.name

    def _unreadable(self, error: Exception) -> TableError:
        return TableError(
            f"{self.name} is not a readable Parquet file: {str(error).splitlines()[0]}"
        )

    def rows(self) -> Iterator[Row | Torn]:
        """The rows, from 1."""
        used = [place for place in self._places if place is not None]
        columns = ", ".join(
            "coalesce(CAST(\"{}\" AS VARCHAR), '')".format(self._names[place].replace('"', '""'))
            for place in used
        )
        places = [None if place is None else used.index(place) for place in self._places]
        number = 0
        try:
            found = self._engine.execute(
                f"SELECT {columns} FROM read_parquet($1)",  # noqa: S608  names are quoted above
                [self._path],
            )
            while batch := found.fetchmany(_AT_ONCE):
                for cells in batch:
                    number += 1
                    if not self.passed_over(cells):
                        yield Row(number, self.picked(cells, places))
        except self._wrong as error:
            raise self._unreadable(error) from error
