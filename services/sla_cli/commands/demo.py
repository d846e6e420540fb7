"""``sla demo``: the whole thing, on this machine, in a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import Json, language_of


def demo(
    context: typer.Context,
    seconds: Annotated[
        int, typer.Option(min=1, max=600, help="Into how many seconds three weeks are pressed.")
    ] = 30,
    picture: Annotated[
        Path | None, typer.Option(help="Save the live view as SVG when a third of it is over.")
    ] = None,
    stay: Annotated[
        bool, typer.Option(help="On a terminal: keep the board up afterwards, until Ctrl-C.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Send real incidents through intake, Kafka, tracker, board and notifier, and watch.

    Starts all of them for itself, prints the board's address, and stops everything at the end or at
    Ctrl-C.

      sla demo --seconds 20
    """
    from sla_cli.demo.demonstration import run_demo
    from sla_text.language import Texts

    run_demo(seconds, picture, Texts(language_of(context)), as_json=as_json, stay=stay)
