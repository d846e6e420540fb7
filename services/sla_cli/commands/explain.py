"""``sla explain``: why a ticket's figures are what they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from sla_cli.options import (
    DEFAULT_PARTITIONS,
    Bootstrap,
    Json,
    Lang,
    Partitions,
    Policies,
    Until,
    instant_option,
    kafka_settings,
    language_of,
    zone_option,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sla_domain.policy import PolicyBook
    from sla_text.language import Texts


def explain(
    context: typer.Context,
    ticket: Annotated[str | None, typer.Argument(help="The ticket's id.")] = None,
    client: Annotated[
        str | None,
        typer.Option(help="Instead of TICKET: all tickets of this client, and its delay."),
    ] = None,
    events: Annotated[
        list[Path] | None, typer.Option(help="Read recorded events instead of a broker.")
    ] = None,
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    until: Until = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of the times shown. Default: the policy's.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write an HTML page with a timeline to this file.")
    ] = None,
    partitions: Partitions = DEFAULT_PARTITIONS,
    _lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Explain a ticket's clocks: what every span of time counted as, why, and how it adds up.

    Without --events, reads the ticket table on the broker. Times in JSON are in UTC.

      sla explain INC0000045 --events events.jsonl\n
      sla explain 48213 --lang es --html 48213.html --zone Europe/Madrid\n
      sla explain --client acme --bootstrap broker:9092 --json
    """
    from sla_lab.errors import UsageError
    from sla_policy.loading import load_policies
    from sla_text.language import Texts

    source = _Source(
        events or [], bootstrap, load_policies(policy or []), instant_option(until, "--until")
    )
    texts = Texts(language_of(context))
    if (ticket is None) == (client is None):
        raise UsageError("name a ticket, or a client with --client")
    if ticket is not None:
        shown_in = None if zone is None else zone_option(zone)
        _explain_ticket(ticket, source, partitions, texts, shown_in, html, as_json=as_json)
    elif html is not None:
        raise UsageError("--html draws one ticket; use it without --client")
    elif client is not None:
        _explain_client(client, source, partitions, texts, as_json=as_json)


class _Source(NamedTuple):
    """Where tickets are found: recorded events, else a broker."""

    events: list[Path]
    bootstrap: str | None
    book: PolicyBook
    until: int | None


def _explain_ticket(
    ticket: str,
    source: _Source,
    partitions: int,
    texts: Texts,
    zone: ZoneInfo | None,
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    from sla_cli.console import out, print_json
    from sla_cli.explaining import from_broker, from_recording, show
    from sla_lab.progress import working
    from sla_lab.recording import read_lines
    from sla_text.explanation import explain as document_of
    from sla_text.presentation import Presenter

    book, stop = source.book, source.until
    with working("reading"):
        if source.events:
            lines = read_lines(source.events)
            found, at = from_recording(ticket, lines, book, partitions, stop)
        else:
            found, at = from_broker(ticket, kafka_settings(source.bootstrap), book)
            at = at if stop is None else stop
    document = document_of(found, at)
    if as_json:
        print_json(document)
    own = zone_option(found.policy.business_calendar.zone)
    presenter = Presenter(texts, zone or own, found.policy.severity_names)
    if html is not None:
        from sla_text.page import page

        html.write_text(page(document, presenter), encoding="utf-8")
        if not as_json:
            out.print(f"wrote {html}", markup=False, highlight=False)
    elif not as_json:
        show(presenter.tell(document))


def _explain_client(
    client: str, source: _Source, partitions: int, texts: Texts, *, as_json: bool
) -> None:
    from sla_cli.console import out, print_json, print_text_table
    from sla_cli.explaining import client_from_broker
    from sla_lab.client_report import as_document, tables
    from sla_lab.errors import CommandError
    from sla_lab.progress import working
    from sla_lab.recording import read_lines
    from sla_lab.simulation import Recording, simulate_under

    with working("reading"):
        if source.events:
            recording = Recording.of(read_lines(source.events), partitions, source.until)
            (outputs,) = simulate_under([source.book], recording, told=False)
            stories = [story for story in outputs.stories if story.client_id == client]
        else:
            stories = client_from_broker(client, kafka_settings(source.bootstrap), source.book)
    if not stories:
        raise CommandError(f"there is no ticket of client {client!r}")
    stories.sort(key=lambda story: story.ticket_id)
    if as_json:
        print_json(as_document(client, stories))
        return
    for table in tables(client, stories, texts, source.book.latest.severity_names):
        print_text_table(table)
        out.print()
