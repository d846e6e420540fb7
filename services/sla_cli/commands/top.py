"""``sla top``: the board in a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from sla_cli.options import Json, Lang, language_of


def top(
    context: typer.Context,
    board: Annotated[
        str, typer.Option(envvar="SLA_BOARD", help="The board's address.")
    ] = "http://127.0.0.1:8080",
    severity: Annotated[str | None, typer.Option(help="Only this severity.")] = None,
    client: Annotated[str | None, typer.Option(help="Only this client.")] = None,
    team: Annotated[str | None, typer.Option(help="Only this team.")] = None,
    _lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Show what breaches next, what has breached and what is waiting, as the board does.

    Polls a running board every second, with the token from SLA_BOARD_TOKEN; with --json, only once.
    Keys: s switches between the severities, tab between the lists, q quits.

      sla top --client acme\n
      sla top --board https://board.example --json
    """
    import asyncio

    from sla_cli.console import out, print_json
    from sla_cli.top import Top, ask_once
    from sla_lab.errors import UsageError
    from sla_text.language import Texts

    given = {"severity": severity, "client": client, "team": team}
    filters = {name: value for name, value in given.items() if value}
    found = asyncio.run(ask_once(board, filters))
    if as_json:
        print_json(found)
    elif not out.is_terminal:
        raise UsageError("the output is not a terminal; add --json to print the figures once")
    else:
        Top(board, filters, Texts(language_of(context))).run()
