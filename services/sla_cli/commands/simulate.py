"""``sla simulate``: recorded events through the rules, without a broker."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import (
    DEFAULT_PARTITIONS,
    EventFiles,
    Json,
    Partitions,
    Policies,
    Until,
    instant_option,
)


def simulate(
    events: EventFiles,
    policy: Policies = None,
    until: Until = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for alerts, tickets, dead letters and summary.")
    ] = None,
    partitions: Partitions = DEFAULT_PARTITIONS,
    as_json: Json = False,
) -> None:
    """Run recorded events through the same rules as the tracker, on the events' own time.

    Writes warnings.jsonl, breaches.jsonl, approvals.jsonl, tickets.jsonl, dead_letters.jsonl and
    summary.json to --out.

      sla simulate events.jsonl --out result\n
      sla simulate events.jsonl.gz --policy mine.toml --until 2016-05-01T00:00:00Z --json
    """
    from sla_cli.console import working
    from sla_cli.recording import read_lines
    from sla_cli.simulation import simulate as run
    from sla_schemas.policy_file import load_policies

    stop = instant_option(until, "--until")
    book = load_policies(policy or [])
    with working("simulating") as progress:
        outputs = run(
            read_lines(events), book, partitions=partitions, until=stop, progress=progress
        )
    if out is not None:
        outputs.write(out)
    show_summary(asdict(outputs.summary), as_json=as_json)


def show_summary(summary: dict[str, object], *, as_json: bool) -> None:
    """The counts of a replay or simulation."""
    from sla_cli.console import print_json, print_table

    if as_json:
        print_json(summary)
    else:
        print_table(
            ["", "count"], [(name.replace("_", " "), value) for name, value in summary.items()]
        )
