"""``sla board``: the live page and the HTTP API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import Bootstrap, Policies, kafka_settings, settings_of


def board(
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    host: Annotated[
        str | None, typer.Option(help="Address to serve on; without tokens, loopback only.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on; 0 picks a free one.")] = None,
    tokens: Annotated[
        Path | None, typer.Option(help="TOML file of bearer tokens (example in docs/board.md).")
    ] = None,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="For a replay: take the tracker's progress as current time."),
    ] = False,
) -> None:
    """Show the promises of every ticket: a live web page, and an API for programs.

    Runs until Ctrl-C or SIGTERM. You can run any number of boards; each shows everything. All other
    settings are environment variables, SLA_BOARD_... and SLA_KAFKA_... (docs/board.md).

      sla board --port 8080\n
      sla board --host 0.0.0.0 --tokens tokens.toml --bootstrap broker:9092
    """
    from sla_board.main import run_board
    from sla_board.settings import BoardSettings

    settings = settings_of(
        BoardSettings,
        host=host,
        port=port,
        tokens=tokens,
        policies=policy or None,
        replay=replay or None,
    )
    raise typer.Exit(run_board(kafka_settings(bootstrap), settings))
