"""``sla notifier``: alerts to Alertmanager, webhooks and chats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import Bootstrap, Policies, kafka_settings, settings_of


def notifier(
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    routes: Annotated[
        Path | None,
        typer.Option(help="TOML file of destinations and routes (docs/notifier.md has one)."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /healthz, /readyz; 0 picks one.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the routes file is right.")
    ] = False,
) -> None:
    """Deliver alerts: none lost, in order for each ticket, parked where they are not taken.

    Runs until Ctrl-C or SIGTERM. Start more of them to share the partitions. Everything else is
    set by SLA_NOTIFIER_... and SLA_KAFKA_... in the environment (docs/notifier.md).

      sla notifier --routes routes.toml --check\n
      sla notifier --routes routes.toml --bootstrap broker:9092
    """
    from sla_notifier.main import check_routes, run_notifier
    from sla_notifier.settings import NotifierSettings
    from sla_schemas.policy_file import load_policies

    settings = settings_of(NotifierSettings, policies=policy or None, routes=routes, port=port)
    if check:
        found = check_routes(settings, load_policies(settings.policies))
        typer.echo(
            f"{settings.routes}: {len(found.destinations)} destinations, {len(found.routes)} routes"
        )
        return
    raise typer.Exit(run_notifier(kafka_settings(bootstrap), settings))
