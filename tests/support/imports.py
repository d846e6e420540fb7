"""Runs an importer on a file written by the test."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from sla_domain.instant import parse_instant
from sla_import.ledger import Ledger, Summary
from sla_import.mapping import Finding, Mapping
from sla_import.opening import PLAIN, FileFormat, opened_table

#: The current time in these tests, later than all their events.
NOW = parse_instant("2027-01-01T00:00:00Z")


class Imported(NamedTuple):
    """The result of an import."""

    events: list[dict[str, Any]]
    summary: Summary
    refused: list[Finding]
    remarks: list[Finding]

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """The events in short form."""
        return [
            (event["subject"], event["type"].removeprefix("ticket."), event["time"])
            for event in self.events
        ]


def imported(
    file: str | bytes | Path, mapping: Mapping, how: FileFormat = PLAIN, now: int = NOW
) -> Imported:
    """Import a file or the given content."""
    if isinstance(file, Path):
        return _imported(file, mapping, how, now)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export.csv")
        path.write_bytes(file.encode() if isinstance(file, str) else file)
        return _imported(path, mapping, how, now)


def _imported(path: Path, mapping: Mapping, how: FileFormat, now: int) -> Imported:
    with Ledger(now) as ledger:
        with opened_table(path, mapping.wanted, how) as (table, _):
            summary = ledger.gather(table, mapping)
        ledger.convert(mapping, summary)
        return Imported(
            list(ledger.events()), summary, list(ledger.refused()), list(ledger.remarks())
        )
