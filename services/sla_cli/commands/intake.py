"""``sla intake``: webhooks from ticketing systems in, ticket events out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import Bootstrap, kafka_settings, settings_of


def intake(
    bootstrap: Bootstrap = None,
    sources: Annotated[
        Path | None,
        typer.Option(help="TOML file of the systems that may send (example in docs/intake.md)."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on; 0 picks a free one.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the sources file.")] = False,
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="With --check: a policy whose severities the mappings may name."),
    ] = None,
) -> None:
    """Receive webhooks from Zendesk, Jira, Freshdesk and GitHub, and CloudEvents over HTTP.

    Runs until Ctrl-C or SIGTERM. You can run any number of them. All other settings are environment
    variables, SLA_INTAKE_... and SLA_KAFKA_... (docs/intake.md).

      sla intake --sources sources.toml --check\n
      sla intake --sources sources.toml --check --policy contract.toml\n
      sla intake --sources sources.toml --host 0.0.0.0 --bootstrap broker:9092
    """
    from sla_intake.main import run_intake
    from sla_intake.settings import IntakeSettings
    from sla_intake.sources import check_parties, check_severities, read_sources
    from sla_lab.errors import UsageError
    from sla_policy.loading import load_policies

    settings = settings_of(IntakeSettings, sources=sources, host=host, port=port)
    if policy and not check:
        raise UsageError("--policy goes with --check; the intake itself needs no policy")
    if check:
        found = read_sources(settings.sources)
        if policy:
            book = load_policies(policy)
            check_severities(found, book.severities)
            check_parties(found, book.words("party"))
        for source in found:
            typer.echo(f"{source.path}  {source.kind}")
        return
    raise typer.Exit(run_intake(kafka_settings(bootstrap), settings))
