"""The command ``sla``."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from sla_cli.commands import (
    board,
    calendar,
    demo,
    dlq,
    doctor,
    erase,
    explain,
    importing,
    intake,
    kafka,
    notifier,
    policy,
    publish,
    replay,
    simulate,
    top,
    topics,
    tracker,
)
from sla_cli.exit_status import exit_status_of
from sla_cli.options import Lang

app = typer.Typer(
    name="sla",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Track the support promises made to clients: SLA clocks for every ticket, over Kafka.

Try first:

  sla demo                         real incidents through a real broker, in a minute\n
  sla policy check                 what the default policy promises\n
  sla simulate events.jsonl --out result

In the examples, a file name without a folder stands for a file of your own.
""",
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"sla {version('sla-tracker')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    lang: Lang = None,
) -> None:
    from sla_text.language import language_of

    context.obj = lang or language_of(os.environ)


app.command()(demo.demo)
app.command()(kafka.kafka)
app.add_typer(topics.app, name="topics")
app.command()(tracker.tracker)
app.command()(board.board)
app.command()(notifier.notifier)
app.command()(intake.intake)
app.command()(top.top)
app.command()(publish.publish)
app.command()(replay.replay)
app.command()(simulate.simulate)
app.command()(explain.explain)
app.add_typer(policy.app, name="policy")
app.add_typer(calendar.app, name="calendar")
app.add_typer(importing.app, name="import")
app.add_typer(dlq.app, name="dlq")
app.command()(erase.erase)
app.command()(doctor.doctor)


def main() -> None:
    """Run ``sla``: exit 0 for success, 1 for a negative result or a failure, 2 for wrong usage."""
    # aiokafka logs every retry to the terminal; what matters is raised as an exception.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except Exception as error:
        status = exit_status_of(error)
        if status is None:
            raise
        print(f"sla: {error}", file=sys.stderr)  # noqa: T201  the terminal is what a CLI is for
        sys.exit(status)
