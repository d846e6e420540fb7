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
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that 'sla dlq retry' brought back.")
    ] = False,
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
        if reason in (None, letter.reason) and (everything or not letter.retried)
    ]
    columns = ["id", "reason", "detail", "key", "bytes", "origin"]
    listing(rows, [*columns, "retried"] if everything else columns, as_json=as_json)


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
            sys.stdout.buffer.write(found.value or b"")
            return
    raise CommandError(f"there is no dead letter {letter!r}; 'sla dlq list' names those there are")


@app.command()
def retry(
    letters: Annotated[
        list[str] | None, typer.Argument(help="Ids that 'sla dlq list' prints.")
    ] = None,
    bootstrap: Bootstrap = None,
    reason: Annotated[str | None, typer.Option(help="Those with this reason.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
) -> None:
    """Publish dead letters once more, unchanged, through the topic they came from.

    For when what they failed by is mended: the policy, the tracker, a clock. Each goes back at most
    once; one that dies again is a new dead letter. To mend a record itself, print it with
    'sla dlq show', edit it, and publish it with 'sla publish'.

      sla dlq retry 3/17 4/2

      sla dlq retry --reason unclassifiable
    """
    from sla_cli.console import out, print_json
    from sla_cli.dead_letters import retry as bring_back
    from sla_cli.errors import UsageError

    if sum((bool(letters), reason is not None, everything)) != 1:
        raise UsageError("name the dead letters by id, or give one of --reason and --all")
    again = bring_back(kafka_settings(bootstrap), letters or [], reason)
    if as_json:
        print_json({"retried": [letter.id for letter in again]})
    else:
        out.print(f"{len(again)} brought back")
