"""``sla notifier``: alerts to Alertmanager, webhooks and chats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sla_cli.options import Bootstrap, Json, Policies, kafka_settings, settings_of

if TYPE_CHECKING:
    from sla_kafka.settings import KafkaSettings
    from sla_notifier.settings import NotifierSettings


def notifier(
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    routes: Annotated[
        Path | None,
        typer.Option(help="TOML file of destinations and routes (example in docs/notifier.md)."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of /metrics, /healthz, /readyz; 0 picks a free one.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the routes file.")] = False,
    skipped: Annotated[
        bool,
        typer.Option(
            "--skipped", help="Only list the alerts that came too late for their routes (max_late)."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Deliver alerts in order for each ticket, and lose none: what fails becomes a dead letter.

    Runs until Ctrl-C or SIGTERM. Start several to share the partitions. All other settings are
    environment variables, SLA_NOTIFIER_... and SLA_KAFKA_... (docs/notifier.md).

      sla notifier --routes routes.toml --check\n
      sla notifier --routes routes.toml --bootstrap broker:9092\n
      sla notifier --routes routes.toml --skipped --json
    """
    from sla_domain.counting import counted
    from sla_lab.errors import CommandError, UsageError
    from sla_notifier.main import check_routes, run_notifier
    from sla_notifier.samples import failing_templates
    from sla_notifier.settings import NotifierSettings
    from sla_policy.loading import load_policies

    settings = settings_of(NotifierSettings, policies=policy or None, routes=routes, port=port)
    if check and skipped:
        raise UsageError("--check and --skipped can't be combined; give one of them")
    if as_json and not skipped:
        raise UsageError("--json only applies to --skipped; add --skipped or leave out --json")
    if check:
        book = load_policies(settings.policies)
        found = check_routes(settings, book)
        for failure in failing_templates(found, book):
            raise CommandError(f"routes file {settings.routes}: {failure}")
        typer.echo(
            f"{settings.routes}: {counted(len(found.destinations), 'destination')}, "
            f"{counted(len(found.routes), 'route')}"
        )
        return
    if skipped:
        _list_skipped(kafka_settings(bootstrap), settings, as_json=as_json)
        return
    raise typer.Exit(run_notifier(kafka_settings(bootstrap), settings))


def _list_skipped(kafka: KafkaSettings, settings: NotifierSettings, *, as_json: bool) -> None:
    from sla_cli.console import listing
    from sla_cli.skipped import skipped_alerts
    from sla_lab.progress import working
    from sla_notifier.main import check_routes
    from sla_policy.loading import load_policies
    from sla_text.times import length

    book = load_policies(settings.policies)
    routes = check_routes(settings, book, secrets=False)
    with working("reading"):
        rows = skipped_alerts(kafka, routes, book)
    if as_json:
        listing(rows, [], as_json=True)
        return
    told = [
        row | {"late by": length(row["late_ms"]), "not sent to": ", ".join(row["not_sent_to"])}
        for row in rows
    ]
    columns = ["ticket", "kind", "clock", "severity", "time", "late by", "not sent to"]
    listing(told, columns, as_json=False)
