"""``sla calendar``: business time on its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sla_cli.options import Json

if TYPE_CHECKING:
    from sla_domain.calendar import Calendar

PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="A policy file. Default: the packaged one.")
]
Name = Annotated[str, typer.Option("--calendar", help="The calendar's name in the policy.")]
Batch = Annotated[
    Path | None,
    typer.Option(
        help="JSON Lines file of questions, with one answer per line; - reads standard input. A "
        'line is {"kind": "add"|"between"|"pause", "input": {...}, "calendar": {...}?}.'
    ),
]

app = typer.Typer(
    invoke_without_command=True,
    help="Business time: add it to a time, or measure it between two times.",
)


@app.callback()
def questions(
    context: typer.Context,
    policy: PolicyFile = None,
    calendar: Name = "business",
    batch: Batch = None,
) -> None:
    """Business time: add it to a time, or measure it between two times.

    sla calendar add 2026-11-20T17:30:00-03:00 1h\n
    sla calendar between 2026-11-20T17:30:00-03:00 2026-11-23T10:00:00-03:00\n
    sla calendar --batch questions.jsonl
    """
    if context.invoked_subcommand is not None:
        return
    if batch is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
    _answer_batch(batch, policy, calendar, "add")


@app.command()
def add(
    start: Annotated[str | None, typer.Argument(help="RFC 3339 time with an offset.")] = None,
    duration: Annotated[
        str | None,
        typer.Argument(
            help="Such as 90m, '1h 30m', -2h, PT1H30M or '5 business days'; 5d means 5 times 24 h."
        ),
    ] = None,
    policy: PolicyFile = None,
    calendar: Name = "business",
    batch: Batch = None,
) -> None:
    """Print the instant at which DURATION of business time has passed since START.

    Time that runs out exactly at closing is due at closing. A negative duration goes backwards
    (put -- before it). The policy's calendar sets the length of a business day; what a duration
    in days means is printed on standard error.

      sla calendar add 2026-11-20T17:30:00-03:00 1h\n
      sla calendar add 2026-11-20T17:30:00-03:00 '5 business days'
    """
    from sla_cli.batch import add_answer, meaning

    if batch is not None:
        _answer_batch(batch, policy, calendar, "add")
        return
    _needs(start, duration, "START DURATION")
    chosen = _calendar(policy, calendar)
    typer.echo(add_answer(chosen, str(start), str(duration)))
    if told := meaning(chosen, str(duration)):
        typer.echo(told, err=True)


@app.command()
def between(
    start: Annotated[str | None, typer.Argument(help="RFC 3339 time with an offset.")] = None,
    end: Annotated[str | None, typer.Argument(help="RFC 3339 time with an offset.")] = None,
    policy: PolicyFile = None,
    calendar: Name = "business",
    batch: Batch = None,
) -> None:
    """Print the business time between START and END as an ISO 8601 duration.

    sla calendar between 2026-11-20T17:30:00-03:00 2026-11-23T10:00:00-03:00
    """
    from sla_cli.batch import between_answer

    if batch is not None:
        _answer_batch(batch, policy, calendar, "between")
        return
    _needs(start, end, "START END")
    typer.echo(between_answer(_calendar(policy, calendar), str(start), str(end)))


def _needs(first: str | None, second: str | None, names: str) -> None:
    from sla_lab.errors import UsageError

    if first is None or second is None:
        raise UsageError(f"arguments are missing; give {names}, or --batch FILE")


def _calendar(policy: Path | None, name: str) -> Calendar:
    from sla_config.wording import listed, nearest
    from sla_lab.errors import UsageError
    from sla_policy.loading import load_policy

    calendars = load_policy(policy).calendars
    if name not in calendars:
        like = nearest(name, calendars) or f"; the policy has {listed(calendars)}"
        raise UsageError(f"there is no calendar {name!r}{like}")
    return calendars[name]


def _answer_batch(batch: Path, policy: Path | None, name: str, kind: str) -> None:
    from sla_cli.batch import answer
    from sla_lab.recording import opened

    usual = _calendar(policy, name)
    with opened(batch) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                typer.echo(answer(line, f"{batch}:{number}", usual, kind))


@app.command()
def days(
    calendar: Annotated[str, typer.Argument(help="The calendar's name in the policy.")],
    year: Annotated[int, typer.Option(min=1970, max=2100, help="Which year.")],
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """List the dates of a year on which a calendar is closed or open at other hours than usual.

    The dates of the calendars it is made of are listed with it.

      sla calendar days business --year 2026 --policy contract.toml\n
      sla calendar days follow_the_sun --year 2027 --json
    """
    from sla_cli.console import listing

    rows = list(_unusual(_calendar(policy, calendar), year))
    listing(rows, ["date", "weekday", "calendar", "open", "name"], as_json=as_json)
    if not rows and not as_json:
        typer.echo(f"{calendar} has its usual hours on every day of {year}")


def _unusual(calendar: Calendar, year: int) -> Iterator[dict[str, str]]:
    """The dates of a year on which a calendar or one it is made of has other hours than usual."""
    from sla_cli.overview import unusual_days

    yield from unusual_days(calendar, year)
    for part in (*calendar.union, *calendar.excluded):
        yield from _unusual(part, year)
