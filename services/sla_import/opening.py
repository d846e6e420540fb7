"""Which kind of table a file is, told by its first bytes and not by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sla_import import bpic2013
from sla_import.parquet import ParquetTable
from sla_import.sheets import SheetTable
from sla_import.tables import Source, Table, Wanted, opened_source
from sla_import.text import TextTable
from sla_import.xes import XesTable

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_PARQUET: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How a file is to be read, where it does not say so itself."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    #: It may be an event log in XES.
    xes: bool = False


#: As the file says itself.
PLAIN: Final = FileFormat()


@contextmanager
def opened_table(
    path: Path, wanted: Sequence[Wanted], how: FileFormat = PLAIN
) -> Iterator[tuple[Table, Source]]:
    """The table in a file, ``-`` for standard input. Raises ``TableError``."""
    with opened_source(path) as source:
        head = source.file.read(64)
        source.file.seek(0)
        yield _table(source, head, wanted, how), source


def _table(source: Source, head: bytes, wanted: Sequence[Wanted], how: FileFormat) -> Table:
    if head.startswith(_WORKBOOKS):
        return SheetTable(source, wanted, how.sheet)
    if head.startswith(_PARQUET):
        return ParquetTable(source, wanted)
    if how.xes and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return XesTable(source, wanted, bpic2013.XES_NAMES, bpic2013.XES_TRACE)
    return TextTable(source, wanted, how.encoding, how.delimiter)
