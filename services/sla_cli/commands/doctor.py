"""``sla doctor``: what is reachable, what is missing, and the remedy."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from sla_cli.options import Bootstrap, Json, Policies, kafka_settings


def doctor(
    bootstrap: Bootstrap = None,
    policy: Policies = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(help="A program that must be running: notifier, intake or board; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check policy files, broker, topics and programs; exit 1 with remedies if anything is wrong.

    A tracker must be running, and any other program that ran before and was not shut down cleanly.
    Listens for a few seconds, until each has been heard.

      sla doctor --bootstrap broker:9092\n
      sla doctor --expect notifier --expect intake
    """
    from sla_cli.checks import run_checks
    from sla_cli.console import listing
    from sla_lab.errors import UsageError
    from sla_lab.progress import working
    from sla_schemas.heartbeat import Program

    for name in expect or []:
        if name not in get_args(Program):
            raise UsageError(f"--expect {name!r} is not one of {', '.join(get_args(Program))}")
    with working("listening to the programs"):
        found = run_checks(kafka_settings(bootstrap), policy or [], expect or [])
    rows = [
        {
            "check": check.name,
            "ok": check.good if as_json else "yes" if check.good else "NO",
            "detail": check.detail,
        }
        for check in found
    ]
    listing(rows, ["check", "ok", "detail"], as_json=as_json)
    if not all(check.good for check in found):
        raise typer.Exit(1)
