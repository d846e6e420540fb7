"""``sla doctor``: what is reachable, what is missing, and the remedy."""

from __future__ import annotations

import typer

from sla_cli.options import Bootstrap, Json, Policies, kafka_settings


def doctor(bootstrap: Bootstrap = None, policy: Policies = None, as_json: Json = False) -> None:
    """Check policy files, broker and topics; exit 1 with remedies if anything is wrong.

    sla doctor --bootstrap broker:9092
    """
    from sla_cli.checks import run_checks
    from sla_cli.console import listing

    found = run_checks(kafka_settings(bootstrap), policy or [])
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
