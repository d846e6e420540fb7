"""``sla policy new``: a policy file from a few answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

T = TypeVar("T")

#: What is promised where nobody says anything else.
_PROMISES: Final = ("Blocker: 1h, 4h, always", "High: 2h, 8h", "Low: 8h, 5 business days")


def new(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    zone: Annotated[str | None, typer.Option(help="Time zone, like Europe/Madrid.")] = None,
    days: Annotated[str | None, typer.Option(help="Business days, like mon-fri.")] = None,
    hours: Annotated[
        str | None, typer.Option(help="Business hours, like '09:00-13:00, 14:00-18:00'.")
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Whose public holidays are closed, like MX; or none.")
    ] = None,
    severity: Annotated[
        list[str] | None,
        typer.Option(
            help="'NAME: FIRST RESPONSE, RESOLUTION', the gravest first; with ', always' nights "
            "and weekends count. May be repeated."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, take defaults.")] = False,
) -> None:
    """Write a policy file with comments, from a few answers.

    Whatever is not given as an option is asked for, if there is a terminal.

      sla policy new ours.toml\n
      sla policy new ours.toml --yes --zone America/Mexico_City --country MX
        --severity 'Grave: 15m, 4h, always' --severity 'Normal: 2h, next business day'
    """
    from sla_cli.console import say
    from sla_lab.errors import CommandError, UsageError
    from sla_policy.loading import PolicyError, check_policy
    from sla_policy.new import (
        Answers,
        read_country,
        read_days,
        read_hours,
        read_promise,
        read_zone,
        written,
    )

    if file.exists():
        raise UsageError(f"{file} is there already; choose another name")
    asks = sys.stdin.isatty() and not yes

    def answer(
        option: str | None, name: str, question: str, usual: str, read: Callable[[str], T]
    ) -> T:
        if option is not None or not asks:
            try:
                return read(usual if option is None else option)
            except ValueError as error:
                raise UsageError(f"{name}: {error}") from None
        while True:
            try:
                return read(typer.prompt(question, default=usual))
            except ValueError as error:
                say(str(error))

    answers = Answers(
        name=file.stem,
        zone=answer(zone, "--zone", "Time zone", _own_zone(), read_zone),
        days=answer(days, "--days", "Business days", "mon-fri", read_days),
        hours=answer(hours, "--hours", "Business hours", "09:00-18:00", read_hours),
        country=answer(
            country, "--country", "Closed on the public holidays of (like MX)", "none", read_country
        ),
        promises=[
            answer(each, "--severity", "", "", read_promise)
            for each in severity or _asked_promises(read_promise, asks=asks)
        ],
    )
    try:
        text = written(answers, datetime.now(UTC))
        checked = check_policy(text, str(file))
    except (ValueError, PolicyError) as error:
        raise CommandError(str(error)) from None
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} can't be written: {error.strerror}") from None
    for warning in checked.warnings:
        say(warning)
    say(f"wrote {file}; read it back with: sla policy explain {file}")


def _asked_promises(read: Callable[[str], object], *, asks: bool) -> list[str]:
    """The severities that somebody types, one a line; else the usual ones."""
    from sla_cli.console import say

    if not asks:
        return [*_PROMISES]
    say("Severities, the gravest first, one a line, as NAME: FIRST RESPONSE, RESOLUTION")
    say("(add ', always' where nights and weekends count). An empty line ends, at first it takes:")
    for each in _PROMISES:
        say(each, indent=2)
    found: list[str] = []
    while text := typer.prompt("Severity", default="", show_default=False).strip():
        try:
            read(text)
        except ValueError as error:
            say(str(error))
        else:
            found.append(text)
    return found or [*_PROMISES]


def _own_zone() -> str:
    """The zone of this machine, if it tells one by name."""
    zone = os.environ.get("TZ", "").lstrip(":")
    if not zone:
        _, found, zone = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
        zone = zone if found else ""
    return zone if zone.count("/") else "UTC"
