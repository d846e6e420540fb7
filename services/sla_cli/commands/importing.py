"""``sla import``: logs of other systems as ticket events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Turn logs of other systems into ticket events.")


@app.command()
def servicenow(
    file: Annotated[
        Path, typer.Argument(help="Incident log as CSV, gzip welcome; - is standard input.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write here instead of standard output; .gz packs it.")
    ] = None,
    zone: Annotated[str, typer.Option(help="Zone of the log's times, which carry none.")] = "UTC",
) -> None:
    """Turn a ServiceNow incident log (a row for each update) into ticket events.

    Made for the UCI "Incident management process enriched event log" (DOI 10.24432/C57S4H).

      sla import servicenow incident_event_log.csv --out events.jsonl.gz
    """
    import gzip
    import io
    import json
    import sys
    from contextlib import ExitStack
    from zoneinfo import ZoneInfo

    from sla_cli.console import err, working
    from sla_cli.errors import UsageError
    from sla_cli.importers.servicenow import read_log
    from sla_cli.recording import opened

    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"--zone {zone!r} is no time zone; write one like America/Bogota"
        ) from None
    with opened(file) as raw, working("reading the log"):
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="")
        events = read_log(text, where)
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
