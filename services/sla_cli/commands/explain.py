"""``sla explain``: why a ticket's figures are what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import (
    DEFAULT_PARTITIONS,
    Bootstrap,
    Json,
    Partitions,
    Policies,
    Until,
    instant_option,
    kafka_settings,
    language_of,
    zone_option,
)


def explain(
    context: typer.Context,
    ticket: Annotated[str, typer.Argument(help="The ticket's id.")],
    events: Annotated[
        list[Path] | None, typer.Option(help="Recorded events instead of a broker.")
    ] = None,
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    until: Until = None,
    zone: Annotated[
        str | None, typer.Option(help="Zone of the times shown. Default: the policy's.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with a drawn timeline to this file.")
    ] = None,
    partitions: Partitions = DEFAULT_PARTITIONS,
    as_json: Json = False,
) -> None:
    """Tell every span of a ticket's clocks, what it was and why, and how the sums add up.

    Without --events it reads the ticket table of a running tracker. JSON is in UTC.

      sla explain INC0000045 --events events.jsonl\n
      sla --lang es explain 48213 --html 48213.html --zone Europe/Madrid\n
      sla explain 48213 --bootstrap broker:9092 --json
    """
    from sla_cli.console import out, print_json, working
    from sla_cli.explaining import from_broker, from_recording, show
    from sla_cli.recording import read_lines
    from sla_schemas.policy_file import load_policies
    from sla_text.explanation import explain as document_of
    from sla_text.language import Texts
    from sla_text.telling import Teller

    book = load_policies(policy or [])
    stop = instant_option(until, "--until")
    shown_in = None if zone is None else zone_option(zone)
    with working("reading"):
        if events:
            found, at = from_recording(ticket, read_lines(events), book, partitions, stop)
        else:
            found, at = from_broker(ticket, kafka_settings(bootstrap), book)
            at = at if stop is None else stop
    document = document_of(found, at)
    if as_json:
        print_json(document)
    own = zone_option(found.policy.business_calendar.zone)
    teller = Teller(Texts(language_of(context)), shown_in or own, found.policy.severity_names)
    if html is not None:
        from sla_text.page import page

        html.write_text(page(document, teller), encoding="utf-8")
        if not as_json:
            out.print(f"wrote {html}", markup=False, highlight=False)
    elif not as_json:
        show(teller.tell(document))
