"""``sla simulate``: run recorded events through the rules, without a broker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sla_cli.options import (
    DEFAULT_PARTITIONS,
    EventFiles,
    Json,
    Lang,
    Partitions,
    Until,
    instant_option,
    language_of,
)

if TYPE_CHECKING:
    from sla_domain.policy import PolicyBook
    from sla_lab.comparison import Comparison


def simulate(
    context: typer.Context,
    events: EventFiles,
    policy: Annotated[
        list[Path] | None,
        typer.Option("--policy", help="A policy file; repeat it to compare others with the first."),
    ] = None,
    versions: Annotated[
        bool, typer.Option("--versions", help="Treat the policy files as versions of one policy.")
    ] = False,
    until: Until = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the results to this directory; see above."),
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(help="Write a chart (SVG) of the promises kept to this file.")
    ] = None,
    partitions: Partitions = DEFAULT_PARTITIONS,
    _lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Run recorded events through the tracker's rules without a broker, on the events' own time.

    Writes warnings.jsonl, breaches.jsonl, approvals.jsonl, tickets.jsonl, dead_letters.jsonl,
    summary.json and attainment.json to --out. With several policies, each gets its own directory
    there, and comparison.json compares them.

      sla simulate events.jsonl --out result\n
      sla simulate events.jsonl.gz --policy ours.toml --policy theirs.toml --chart kept.svg\n
      sla simulate events.jsonl --policy v1.toml --policy v2.toml --versions --json
    """
    from sla_cli.console import out as console
    from sla_cli.console import print_json, print_text_table
    from sla_config.wording import listed
    from sla_domain.policy import PolicyBook
    from sla_lab.comparison import Comparison, Result, drawn, tables
    from sla_lab.progress import err, working
    from sla_lab.recording import read_lines
    from sla_lab.simulation import Recording, simulate_under, without_garbage_collection, workers
    from sla_text.language import Texts

    books = _books(policy or [], versions=versions)
    every = PolicyBook([policy for book in reversed(books) for policy in book.versions])
    stop = instant_option(until, "--until")
    with workers(events) as pool, without_garbage_collection():
        with working("reading"):
            recording = Recording.of(read_lines(events), partitions, stop)
        with working("simulating", len(recording) * len(books)) as progress:
            outputs = simulate_under(
                books, recording, told=out is not None, pool=pool, progress=progress
            )
        results = [Result(*pair) for pair in zip(_names(books), outputs, strict=True)]
        comparison = Comparison(results, every.severities)
    if out is not None:
        _write(comparison, out)
    texts = Texts(language_of(context))
    severity_names = every.severity_names
    if chart is not None:
        chart.write_text(drawn(comparison, texts, severity_names), encoding="utf-8")
    if as_json:
        one = len(outputs) == 1
        print_json(outputs[0].summary.as_dict() if one else comparison.document())
        return
    if unknown := outputs[0].unknown_words:
        told = listed(f"{field} {count:,}" for field, count in sorted(unknown.items()))
        err.print(f"note: words that the policy does not list, which match nothing: {told}")
    if len(outputs) == 1:
        show_summary(outputs[0].summary.as_dict(), as_json=False)
    for table in tables(comparison, texts, severity_names):
        console.print()
        print_text_table(table)


def _books(files: list[Path], *, versions: bool) -> list[PolicyBook]:
    from sla_policy.loading import load_policies

    if versions or len(files) < 2:
        return [load_policies(files)]
    return [load_policies([file]) for file in files]


def _names(books: list[PolicyBook]) -> list[str]:
    """The labels of the policies: name and version, numbered if these are the same."""
    refs = [book.latest.ref for book in books]
    return [
        ref if refs.count(ref) == 1 else f"{ref}#{number}" for number, ref in enumerate(refs, 1)
    ]


def _write(comparison: Comparison, directory: Path) -> None:
    from sla_engine.wire.tables import write_json

    results = comparison.results
    if len(results) == 1:
        results[0].outputs.write(directory)
        (directory / "attainment.json").write_bytes(write_json(comparison.figures()) + b"\n")
        return
    for result in results:
        result.outputs.write(directory / result.policy)
    (directory / "comparison.json").write_bytes(write_json(comparison.document()) + b"\n")


def show_summary(summary: dict[str, object], *, as_json: bool) -> None:
    """The counts of a replay or simulation."""
    from sla_cli.console import print_json, print_table

    if as_json:
        print_json(summary)
    else:
        print_table(
            ["", "count"], [(name.replace("_", " "), value) for name, value in summary.items()]
        )
