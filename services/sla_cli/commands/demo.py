"""``sla demo``: everything together, on this machine, in a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import Json, Lang, language_of


def demo(
    context: typer.Context,
    seconds: Annotated[
        int,
        typer.Option(
            min=1, max=600, help="Compress three weeks of incidents into this many seconds."
        ),
    ] = 30,
    picture: Annotated[
        Path | None, typer.Option(help="Save the live view as SVG a third of the way through.")
    ] = None,
    stay: Annotated[
        bool, typer.Option(help="On a terminal, keep the board running afterwards until Ctrl-C.")
    ] = True,
    _lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Send real incidents through intake, Kafka, tracker, board and notifier, and watch.

    Starts its own copies of them, prints the board's address, and stops everything at the end or on
    Ctrl-C.

      sla demo --seconds 20
    """
    from sla_cli.demo.demonstration import run_demo
    from sla_text.language import Texts

    run_demo(seconds, picture, Texts(language_of(context)), as_json=as_json, stay=stay)
