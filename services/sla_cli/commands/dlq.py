"""``sla dlq``: list, show and retry what could not be used or delivered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sla_cli.options import Bootstrap, Json, kafka_settings, since_option, unfolded

if TYPE_CHECKING:
    from sla_cli.dead_letters import Filters

app = typer.Typer(
    no_args_is_help=True,
    help="Dead letters: events and webhooks that could not be used, alerts not delivered.",
)

Reason = Annotated[str | None, typer.Option(help="Only those with this reason.")]
From = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="Only those from tracker, intake or notifier, or with this source or destination.",
    ),
]
Ticket = Annotated[str | None, typer.Option(help="Only those about this ticket.")]
Since = Annotated[
    str | None,
    typer.Option(help="Only those newer than this: an RFC 3339 time, or an age such as 2h."),
]


@dataclass(frozen=True, slots=True)
class Which:
    """The options that select dead letters."""

    reason: Reason = None
    source: From = None
    ticket: Ticket = None
    since: Since = None

    def filters(self) -> Filters:
        """The filters they set. Raises ``UsageError``."""
        from sla_cli.dead_letters import Filters

        return Filters(self.reason, self.source, self.ticket, since_option(self.since))


@app.command("list")
@unfolded
def list_letters(
    bootstrap: Bootstrap = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Include those already retried with 'sla dlq retry'.")
    ] = False,
    as_json: Json = False,
    *,
    which: Which,
) -> None:
    """List the dead letters of tracker, intake and notifier: their source, reason and time.

    sla dlq list --reason naive_time\n
    sla dlq list --source intake --since 2h\n
    sla dlq list --source notifier --json
    """
    from sla_cli.console import listing
    from sla_cli.dead_letters import read_letters
    from sla_lab.progress import working

    filters = which.filters()
    with working("reading"):
        letters = read_letters(kafka_settings(bootstrap))
    rows = [
        letter.row()
        for letter in letters
        if filters.take(letter) and (everything or not letter.retried)
    ]
    columns = ["id", "at", "from", "source", "reason", "detail", "key", "origin"]
    listing(rows, [*columns, "retried"] if everything else columns, as_json=as_json)


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="The id from 'sla dlq list'.")],
    bootstrap: Bootstrap = None,
    as_json: Json = False,
) -> None:
    """Print a dead letter's original bytes to standard output, unchanged.

    With --json, they are printed as text, together with everything known about the letter,
    including its headers.

      sla dlq show 3/17 > record.json\n
      sla dlq show alerts/3/17 --json
    """
    import sys

    from sla_cli.console import print_json
    from sla_cli.dead_letters import read_letters
    from sla_lab.errors import CommandError

    for found in read_letters(kafka_settings(bootstrap)):
        if found.id != letter:
            continue
        if as_json:
            headers = [
                [name, (value or b"").decode("utf-8", "replace")] for name, value in found.headers
            ]
            body = (found.value or b"").decode("utf-8", "replace")
            print_json(found.row() | {"headers": headers, "body": body})
        else:
            sys.stdout.buffer.write(found.value or b"")
        return
    raise CommandError(f"there is no dead letter {letter!r}; 'sla dlq list' shows the ids")


@app.command()
@unfolded
def retry(
    letters: Annotated[list[str] | None, typer.Argument(help="Ids from 'sla dlq list'.")] = None,
    bootstrap: Bootstrap = None,
    everything: Annotated[bool, typer.Option("--all", help="Retry all of them.")] = False,
    sources: Annotated[
        Path | None,
        typer.Option(
            help="The intake's sources file, needed for letters of the intake. "
            "Default: SLA_INTAKE_SOURCES."
        ),
    ] = None,
    as_json: Json = False,
    *,
    which: Which,
) -> None:
    """Retry dead letters, and report the result for each.

    Use it once the cause is fixed: the policy, a mapping, a destination, a clock. Those of the
    tracker go to the input topic unchanged, those of the intake go through their source's mapping
    again, and alerts go to the destination that did not accept them. Each is retried at most once;
    one that fails again is a new dead letter. One that can't be retried does not hold up the
    others, but the exit status is 1. To fix an event itself, print it with 'sla dlq show', edit it,
    and publish it with 'sla publish'.

      sla dlq retry 3/17 alerts/4/2\n
      sla dlq retry --reason unclassifiable --since 2026-11-25T00:00:00Z\n
      sla dlq retry --source intake --sources sources.toml\n
      sla dlq retry --all --json
    """
    from sla_cli.bringing_back import bring_back
    from sla_cli.console import listing, out, print_json
    from sla_cli.options import settings_of
    from sla_intake.settings import IntakeSettings
    from sla_lab.errors import CommandError, UsageError

    filters = which.filters()
    if sum((bool(letters), filters.any, everything)) != 1:
        raise UsageError(
            "select the dead letters by id, or by --reason, --source, --ticket, --since, or all of "
            "them by --all"
        )
    file = settings_of(IntakeSettings, sources=sources).sources
    outcomes = bring_back(kafka_settings(bootstrap), letters or [], filters, file)
    gone = [outcome.id for outcome in outcomes if outcome.gone]
    if as_json:
        print_json({"retried": gone, "letters": [outcome.row() for outcome in outcomes]})
    else:
        if outcomes:
            listing([outcome.row() for outcome in outcomes], ["id", "outcome"], as_json=False)
        out.print(f"{len(gone)} retried", highlight=False)
    left = [outcome for outcome in outcomes if not outcome.gone]
    if left:
        first = left[0]
        raise CommandError(
            f"{len(left)} of {len(outcomes)} could not be retried, the first of them {first.id}: "
            f"{first.told}"
        )
