"""``sla explain``: why a ticket's figures are what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import (
    DEFAULT_PARTITIONS,
    Bootstrap,
    Json,
    Partitions,
    Policies,
    Until,
    instant_option,
    kafka_settings,
)


def explain(
    ticket: Annotated[str, typer.Argument(help="The ticket's id.")],
    events: Annotated[
        list[Path] | None, typer.Option(help="Recorded events instead of a broker.")
    ] = None,
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    until: Until = None,
    partitions: Partitions = DEFAULT_PARTITIONS,
    as_json: Json = False,
) -> None:
    """Tell every span of a ticket's clocks, what it was, and how the sums add up.

    Without --events it reads the ticket table of a running tracker.

      sla explain INC0000045 --events events.jsonl\n
      sla explain 48213 --bootstrap broker:9092 --json
    """
    from sla_cli.console import out, print_json, working
    from sla_cli.explaining import as_document, from_broker, from_recording, show
    from sla_cli.recording import read_lines
    from sla_schemas.policy_file import load_policies

    book = load_policies(policy or [])
    stop = instant_option(until, "--until")
    with working("reading"):
        if events:
            found, at = from_recording(ticket, read_lines(events), book, partitions, stop)
        else:
            found, at = from_broker(ticket, kafka_settings(bootstrap), book)
            at = at if stop is None else stop
    if as_json:
        print_json(as_document(found, at))
    else:
        show(found, at, out)
