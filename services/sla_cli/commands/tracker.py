"""``sla tracker``: the stream processor."""

from __future__ import annotations

from typing import Annotated

import typer

from sla_cli.options import Bootstrap, Policies, kafka_settings, settings_of


def tracker(
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Take the time from the events, for recorded history.")
    ] = False,
    http_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /healthz, /readyz; 0 picks a free one.")
    ] = None,
) -> None:
    """Run the SLA clocks: read ticket events, write warnings, breaches and the ticket table.

    Runs until Ctrl-C or SIGTERM. Start several to share the partitions. All other settings are
    environment variables, SLA_TRACKER_... and SLA_KAFKA_... (docs/operations.md).

      sla tracker --bootstrap broker:9092 --policy contract.toml
    """
    from sla_tracker.main import run_tracker
    from sla_tracker.settings import TrackerSettings

    settings = settings_of(
        TrackerSettings, policies=policy or None, replay=replay or None, port=http_port
    )
    raise typer.Exit(run_tracker(kafka_settings(bootstrap), settings))
