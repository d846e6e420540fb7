"""``sla import``: convert logs of other systems into ticket events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sla_cli.options import unfolded

if TYPE_CHECKING:
    from sla_import.mapping import Mapping

File = Annotated[
    Path,
    typer.Argument(
        help="CSV text (any delimiter and encoding), .xlsx or .parquet, plain or gzipped; - reads "
        "standard input."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Write to this file instead of standard output; .gz compresses it."),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out rows that can't be imported, and count them.")
]
Refused = Annotated[
    Path | None,
    typer.Option(
        help="Write every refused row to this file, as JSON Lines: line, column, value, reason."
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Print the summary as JSON, including refused rows; requires --out."
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of a text file. Default: UTF-8 or UTF-16, else cp1252."),
]
Delimiter = Annotated[
    str | None,
    typer.Option(help="Cell delimiter of a text file, such as ; or tab. Default: detected."),
]
Sheet = Annotated[
    str | None,
    typer.Option(help="Sheet of a workbook. Default: the first one that has the columns."),
]
Policy = Annotated[
    Path | None, typer.Option(help="Policy whose severities to use. Default: the packaged one.")
]


@dataclass(frozen=True, slots=True)
class How:
    """The options of every importer: how to read the file, and what to do with the rows."""

    out: Out = None
    skip_bad: SkipBad = False
    refused: Refused = None
    as_json: Json = False
    encoding: Encoding = None
    delimiter: Delimiter = None
    clients: Annotated[
        Path | None, typer.Option(help="TOML file of the clients' plans and attributes.")
    ] = None


app = typer.Typer(no_args_is_help=True, help="Convert logs of other systems into ticket events.")


@app.command()
@unfolded
def servicenow(
    file: File,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of times without an offset. Default: UTC.")
    ] = None,
    time_format: Annotated[
        list[str] | None,
        typer.Option(
            help="Format of times, as for strptime; repeatable. Default: iso, %d/%m/%Y %H:%M."
        ),
    ] = None,
    severity: Annotated[
        list[str] | None,
        typer.Option(
            help="PRIORITY=SEVERITY. Default: 1 is the policy's gravest severity, 2 the next."
        ),
    ] = None,
    policy: Policy = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="STATE=open, waiting_on_client, resolved, closed or cancelled, in addition to the "
            "known states."
        ),
    ] = None,
    sheet: Sheet = None,
    *,
    how: How,
) -> None:
    """Convert a ServiceNow incident log (one row per update) into ticket events.

    Made for the columns of the incident table, as in the UCI data set "Incident management process
    enriched event log" (DOI 10.24432/C57S4H). On hold counts as waiting for the client; if the log
    has hold_reason, only on hold for the caller does. Canceled counts as cancelled; closed without
    resolved counts as resolved at that time.

      sla import servicenow incident_event_log.csv --out events.jsonl.gz\n
      sla import servicenow inc.xlsx --zone America/Bogota --severity 5=low --out events.jsonl\n
      sla import servicenow incident_event_log.csv | sla simulate - --out result
    """
    from sla_cli.importing import forms_option, severities_option, states_option
    from sla_import.servicenow import TIME_FORMS, ServiceNow
    from sla_policy.loading import load_policy

    ranked = load_policy(policy).severities
    mapping = ServiceNow(
        _zone(zone),
        forms_option(time_format) or TIME_FORMS,
        severities_option(severity, ranked),
        states_option(state),
        ranked,
    )
    _run(file, mapping, how, sheet=sheet, zone=zone)


@app.command()
@unfolded
def bpic2013(
    file: Annotated[
        Path,
        typer.Argument(
            help="The incident log, as CSV or XES, plain or gzipped; - reads standard input."
        ),
    ],
    client: Annotated[
        str | None,
        typer.Option(
            help='Column to use as the client, such as "Involved Org line 3". Default: all '
            "requests belong to one client, volvo-it."
        ),
    ] = None,
    policy: Policy = None,
    *,
    how: How,
) -> None:
    """Convert the incident log of the BPI Challenge 2013 (Volvo IT, VINST) into ticket events.

    A row is a service request after a change. Wait - User and Wait - Customer count as waiting for
    the client, other waits do not. In Call, Resolved and Closed count as resolved. Impact Major is
    the policy's gravest severity, High the next.

      sla import bpic2013 "VINST cases incidents.csv" --out events.jsonl.gz\n
      sla import bpic2013 bpi_challenge_2013_incidents.xes.gz --client Product --out events.jsonl
    """
    from sla_import.bpic2013 import Vinst
    from sla_policy.loading import load_policy

    ranked = load_policy(policy).severities
    _run(file, Vinst(client, ranked=ranked), how, zone="in the log", xes=True)


@app.command("csv")
@unfolded
def table(
    file: File,
    columns: Annotated[
        Path, typer.Option(help="TOML file that says which column holds what (docs/imports.md).")
    ],
    zone: Annotated[
        str | None,
        typer.Option(
            help="Time zone of times without an offset. Default: the columns file's, else UTC."
        ),
    ] = None,
    locale: Annotated[
        str | None,
        typer.Option(
            help="Language of month names and a.m./p.m., such as es. Default: the columns file's."
        ),
    ] = None,
    sheet: Sheet = None,
    policy: Policy = None,
    *,
    how: How,
) -> None:
    """Convert a helpdesk's export into ticket events: one row per ticket, or one row per event.

    Every row is accounted for: it is imported, or it is refused with line, column, value and
    reason. If any row is refused, nothing is written, unless --skip-bad is given.

      sla import csv export.csv --columns columns.toml --out events.jsonl\n
      sla import csv jira.csv --columns jira.toml --locale es --out events.jsonl\n
      sla import csv export.xlsx --columns columns.toml --skip-bad --out events.jsonl
    """
    from sla_import.columns import read_columns
    from sla_import.helpdesk import Helpdesk
    from sla_policy.loading import load_policy

    known = read_columns(columns)
    mapping = Helpdesk(known, _zone(zone or known.zone), locale, load_policy(policy))
    _run(file, mapping, how, sheet=sheet, zone=zone or known.zone)


def _zone(name: str | None):  # type: ignore[no-untyped-def]  # noqa: ANN202  zoneinfo is slow to import
    from sla_cli.options import zone_option

    return zone_option(name or "UTC")


def _delimiter(text: str | None) -> str | None:
    from sla_lab.errors import UsageError

    found = "\t" if text in {"tab", "\\t"} else text
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        raise UsageError(f"--delimiter {text!r} is not a single character; write ';' or tab")
    return found


def _run(
    file: Path,
    mapping: Mapping,
    how: How,
    *,
    zone: str | None,
    sheet: str | None = None,
    xes: bool = False,
) -> None:
    from sla_cli.importing import Wish, run
    from sla_import.opening import FileFormat
    from sla_policy.clients import Clients, read_clients

    form = FileFormat(how.encoding, _delimiter(how.delimiter), sheet, xes=xes)
    known = zone is not None
    mapping.clients = read_clients(how.clients) if how.clients else Clients()
    run(file, mapping, form, Wish(how.out, how.refused, how.skip_bad, how.as_json, known))
