"""``sla policy``: check policy files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import Json

app = typer.Typer(no_args_is_help=True, help="Policy files: the promises as data.")


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Policy files. Default: the packaged one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check policy files: every mistake with file, line and field; else what they promise.

    sla policy check contract.toml
    """
    from sla_cli.console import err, listing, print_json
    from sla_schemas.policy_file import PolicyError, load_policy

    mistakes: list[str] = []
    policies = []
    everything: list[Path | None] = [*files] if files else [None]
    for file in everything:
        try:
            policies.append(load_policy(file))
        except PolicyError as error:
            mistakes += error.mistakes
    if mistakes:
        if as_json:
            print_json({"mistakes": mistakes})
        for mistake in mistakes:
            err.print(mistake, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    rows = [
        {
            "policy": policy.ref,
            "severity": policy.severity_names.get(severity, severity),
            "clock": clock,
            "within": _hours(target.within),
            "boundary": target.boundary.value,
            "calendar": target.calendar.name,
        }
        for policy in policies
        for (severity, clock), target in policy.targets.items()
    ]
    columns = ["policy", "severity", "clock", "within", "boundary", "calendar"]
    listing(rows, columns, as_json=as_json)


def _hours(ms: int) -> str:
    from sla_domain.instant import format_duration

    return format_duration(ms)
