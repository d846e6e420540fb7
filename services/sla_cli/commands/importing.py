"""``sla import``: logs of other systems as ticket events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from sla_cli.options import zone_option

Out = Annotated[
    Path | None, typer.Option(help="Write here instead of standard output; .gz packs it.")
]

app = typer.Typer(no_args_is_help=True, help="Turn logs of other systems into ticket events.")


@app.command()
def servicenow(
    file: Annotated[
        Path, typer.Argument(help="Incident log as CSV, gzip welcome; - is standard input.")
    ],
    out: Out = None,
    zone: Annotated[str, typer.Option(help="Zone of the log's times, which carry none.")] = "UTC",
) -> None:
    """Turn a ServiceNow incident log (a row for each update) into ticket events.

    Made for the UCI "Incident management process enriched event log" (DOI 10.24432/C57S4H).

      sla import servicenow incident_event_log.csv --out events.jsonl.gz
    """
    from sla_cli.importers.servicenow import read_log

    where = zone_option(zone)
    _convert(file, out, lambda text: read_log(text, where))


@app.command("csv")
def table(
    file: Annotated[
        Path, typer.Argument(help="A row a ticket, with a head; gzip welcome; - is standard input.")
    ],
    columns: Annotated[
        Path, typer.Option(help="TOML file that says which column holds what (docs/tutorial.md).")
    ],
    out: Out = None,
    zone: Annotated[str, typer.Option(help="Zone of times that carry none.")] = "UTC",
) -> None:
    """Turn a helpdesk's export, a row a ticket, into ticket events.

    sla import csv export.csv --columns columns.toml --out events.jsonl
    """
    from sla_cli.importers.table import read_columns, read_table

    where, known = zone_option(zone), read_columns(columns)
    _convert(file, out, lambda text: read_table(text, known, where))


def _convert(file: Path, out: Path | None, read: Callable[[IO[str]], list[dict[str, Any]]]) -> None:
    """Write the events that ``read`` finds in ``file``."""
    import gzip
    import io
    import json
    import sys
    from contextlib import ExitStack

    from sla_cli.console import err, working
    from sla_cli.recording import opened

    with opened(file) as raw, working("reading the log"):
        events = read(io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline=""))
    with ExitStack() as stack:
        if out is None:
            sink = sys.stdout.buffer
        elif out.suffix == ".gz":
            # No name and no time inside: the same log makes the same bytes.
            packed = stack.enter_context(out.open("wb"))
            sink = stack.enter_context(gzip.GzipFile("", "wb", fileobj=packed, mtime=0))
        else:
            sink = stack.enter_context(out.open("wb"))
        for event in events:
            sink.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
    tickets = len({event["subject"] for event in events})
    err.print(f"{len(events)} events of {tickets} tickets")
