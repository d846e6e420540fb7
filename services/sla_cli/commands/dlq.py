"""``sla dlq``: records that could not be used."""

from __future__ import annotations

from typing import Annotated

import typer

from sla_cli.options import Bootstrap, Json, kafka_settings

app = typer.Typer(no_args_is_help=True, help="Dead letters: records that could not be used.")


@app.command("list")
def list_letters(
    bootstrap: Bootstrap = None,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason.")] = None,
    as_json: Json = False,
) -> None:
    """List the dead letters: reason, detail, and where each came from.

    sla dlq list --reason naive_time
    """
    from sla_cli.console import listing
    from sla_cli.dead_letters import read_letters

    rows = [
        letter.row()
        for letter in read_letters(kafka_settings(bootstrap))
        if reason in (None, letter.reason)
    ]
    listing(rows, ["id", "reason", "detail", "key", "bytes", "origin"], as_json=as_json)


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="The id that 'sla dlq list' prints.")],
    bootstrap: Bootstrap = None,
) -> None:
    """Print a dead letter's original bytes to standard output, unchanged.

    sla dlq show 3/17 > record.json
    """
    import sys

    from sla_cli.dead_letters import read_letters
    from sla_cli.errors import CommandError

    for found in read_letters(kafka_settings(bootstrap)):
        if found.id == letter:
            sys.stdout.buffer.write(found.value)
            return
    raise CommandError(f"there is no dead letter {letter!r}; 'sla dlq list' names those there are")
