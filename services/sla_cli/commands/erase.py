"""``sla erase``: erase a client's tickets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import Bootstrap, Json, kafka_settings


def erase(
    client: Annotated[str, typer.Argument(help="The client's id.")],
    bootstrap: Bootstrap = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Erase; without it, the tickets are only counted.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(
            help="File of the erase key, the same as the trackers'.",
            envvar="SLA_TRACKER_ERASE_KEY_FILE",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Erase a client's tickets from the table for good, and show where its ids still remain.

    Events and alerts are deleted by their topics' retention, overwritten rows of the table by
    compaction (docs/security.md). A tracker must be running, with the same key:

      openssl rand -hex 32 > erase.key

      SLA_TRACKER_ERASE_KEY_FILE=erase.key sla tracker

      sla erase acme --yes --key erase.key
    """
    import asyncio

    from sla_cli.console import out, print_json
    from sla_cli.erasing import days_left, tickets_of
    from sla_cli.erasing import erase as forget
    from sla_config.secrets import erase_key
    from sla_domain.counting import counted
    from sla_lab.errors import CommandError

    settings = kafka_settings(bootstrap)
    if not yes:
        tickets = asyncio.run(tickets_of(settings, client))
    elif key is None:
        raise CommandError(
            "erasing requires the trackers' erase key; name its file with --key or in "
            "SLA_TRACKER_ERASE_KEY_FILE"
        )
    else:
        tickets = asyncio.run(forget(settings, client, erase_key(key, "--key")))
    left = days_left()
    if as_json:
        print_json({"client": client, "tickets": tickets, "erased": yes, "days_left": left})
    elif yes:
        out.print(f"{counted(len(tickets), 'ticket')} erased")
        for topic, days in left.items():
            out.print(f"{topic}: earlier records are deleted within {counted(days, 'day')}")
    else:
        out.print(f"{counted(len(tickets), 'ticket')} would be erased; to erase them, add --yes")
    if not yes:
        raise typer.Exit(1)
