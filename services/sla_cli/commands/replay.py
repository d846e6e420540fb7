"""``sla replay``: recorded events through a real broker and a real tracker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.commands.simulate import show_summary
from sla_cli.options import (
    DEFAULT_PARTITIONS,
    Bootstrap,
    EventFiles,
    Json,
    Partitions,
    Policies,
    Until,
    instant_option,
    kafka_settings,
)


def replay(
    events: EventFiles,
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    until: Until = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write alerts, tickets, dead letters and summary to this directory."),
    ] = None,
    trackers: Annotated[
        int, typer.Option(min=1, max=16, help="Number of trackers that share the work.")
    ] = 1,
    partitions: Partitions = DEFAULT_PARTITIONS,
    as_json: Json = False,
) -> None:
    """Publish recorded events and wait until a tracker in replay mode has processed them all.

    Without --bootstrap, it starts its own broker and trackers and stops them at the end. With it,
    trackers must already be running there with --replay. Gives the same alerts as sla simulate.

      sla replay events.jsonl --json\n
      sla replay events.jsonl.gz --trackers 3 --out result
    """
    import asyncio

    from sla_lab.processes import Harness
    from sla_lab.recording import read_lines
    from sla_lab.replaying import replay_through
    from sla_policy.loading import load_policies

    stop = instant_option(until, "--until")
    book = load_policies(policy or [])
    lines = read_lines(events)
    if bootstrap is not None:
        outputs = asyncio.run(replay_through(kafka_settings(bootstrap), lines, book, stop))
    else:
        with Harness(partitions=partitions, trackers=trackers, policies=policy or []) as harness:
            outputs = asyncio.run(
                replay_through(harness.settings, lines, book, stop, harness.check)
            )
    if out is not None:
        outputs.write(out)
    show_summary(outputs.summary.as_dict(), as_json=as_json)
