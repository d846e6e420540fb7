"""``sla policy``: check, explain, compare and test policy files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sla_cli.commands.new_policy import new
from sla_cli.options import Json, Lang, Policies, language_of

if TYPE_CHECKING:
    from sla_domain.agreement import Targets
    from sla_domain.policy import Policy
    from sla_domain.target import AnyTarget, TargetRule

app = typer.Typer(
    no_args_is_help=True,
    help="Policy files define the promises: check, explain, compare and test them.",
)

_SIGNS = {"exclusive": "< ", "inclusive": "≤ "}


app.command()(new)

#: The year whose holidays a command lists.
Year = Annotated[
    int | None,
    typer.Option(min=1970, max=2100, help="The year whose holidays are listed. Default: this one."),
]


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Policy files; those with the same name are versions of one policy. Default: the "
            "packaged one."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 on warnings, too.")
    ] = False,
    year: Year = None,
    as_json: Json = False,
) -> None:
    """Check policy files: report each mistake with its remedy, or list the promises if all is well.

    Mistakes are reported with file, line and field. A mistake can't be intended, such as a clock
    that nothing stops. A warning may be intended, but is usually an oversight, such as a severity
    without a target or a calendar that nothing uses.

    With the promises are listed: how long a closed ticket is kept, the dates of the year on which
    each calendar is closed or has other hours, and each clock that has no target at a severity.

      sla policy check contract.toml\n
      sla policy check contract-1.toml contract-2.toml --strict\n
      sla policy check contract.toml --year 2027\n
      sla policy check contract.toml --json
    """
    from sla_cli.console import listing, print_json
    from sla_cli.overview import holidays, retentions, unpromised
    from sla_lab.progress import err
    from sla_policy.loading import PolicyError, check_versions

    everything: list[Path | None] = [*files] if files else [None]
    mistakes: list[str] = []
    policies: list[Policy] = []
    year = year or _this_year()
    try:
        checked = check_versions(everything)
    except PolicyError as error:
        mistakes, warnings = error.mistakes, error.warnings
    else:
        policies = [each.policy for each in checked]
        warnings = [warning for each in checked for warning in each.warnings]
    promises = [row for policy in policies for row in _promises(policy)]
    if as_json:
        print_json(
            {
                "promises": promises,
                "unpromised": unpromised(policies),
                "retention": retentions(policies),
                "year": year,
                "holidays": holidays(policies, year),
                "mistakes": mistakes,
                "warnings": warnings,
            }
        )
    else:
        for line in (*mistakes, *warnings):
            err.print(line, markup=False, highlight=False, soft_wrap=True)
        if promises:
            columns = ["policy", "agreement", "severity", "clock", "promise", "calendar", "plan"]
            if all(row["agreement"] == "standard" for row in promises):
                columns.remove("agreement")
            listing(promises, columns, as_json=False)
        _print_overview(policies, year)
    if mistakes or (strict and warnings):
        raise typer.Exit(1)


def _this_year() -> int:
    from datetime import datetime

    return datetime.now().astimezone().year


def _print_overview(policies: Sequence[Policy], year: int) -> None:
    """What is told of good policies below their promises."""
    from sla_cli.console import listing, say
    from sla_cli.overview import by_severity, kept_for, unpromised, unusual_days
    from sla_lab.calendar_diff import is_made_of

    if missing := by_severity(unpromised(policies)):
        columns = ["policy", "agreement", "severity", "clocks"]
        if all(row["agreement"] == "standard" for row in missing):
            columns.remove("agreement")
        say("")
        listing(missing, columns, as_json=False, title="Without a promise")
    for policy in policies:
        closed = {name: [*unusual_days(each, year)] for name, each in policy.calendars.items()}
        told = [name for name, rows in closed.items() if rows]
        for name in told:
            say("")
            title = f"{policy.ref}, {name}: other hours than usual in {year}"
            columns = ["date", "weekday", "open", "name"]
            listing(closed[name], columns, as_json=False, title=title)
        # One that is made of others has their dates, which are listed with them.
        usual = [
            name
            for name, calendar in policy.calendars.items()
            if not any(is_made_of(calendar, other) for other in told)
        ]
        say("")
        if usual:
            say(f"{policy.ref} has its usual hours all through {year} on: {', '.join(usual)}.")
        say(kept_for(policy))


def _promises(policy: Policy) -> Iterator[dict[str, str]]:
    from sla_domain.instant import format_duration
    from sla_domain.target import Target
    from sla_text.language import Texts
    from sla_text.promise import business_days_of, promises, told_closing
    from sla_text.times import length

    clocks = [rule.name for rule in policy.clocks]

    def rank(key: tuple[str, str]) -> tuple[int, int]:
        return policy.severities.index(key[0]), clocks.index(key[1])

    for agreement, plan, targets in _tables(policy):
        found = [
            (*key, when, each)
            for key in sorted(targets, key=rank)
            for when, each in _variants(targets[key])
        ]
        for severity, clock, when, target in found:
            if not promises(target):
                # By a fact, one value of which is written so.
                within = promise = "none"
            elif isinstance(target, Target):
                within = format_duration(target.within)
                days = business_days_of(target)
                promise = _SIGNS[target.boundary.value] + length(target.within)
                promise += f" ({days} business day{'' if days == '1' else 's'})" if days else ""
            else:
                within = target.day.value
                promise = told_closing(target, Texts())
            yield {
                "policy": policy.ref,
                "agreement": agreement,
                "severity": policy.severity_names.get(severity, {}).get("name", severity),
                "clock": clock,
                "within": within,
                "boundary": target.boundary.value,
                "promise": promise,
                "calendar": target.calendar.name + (f" ({when})" if when else ""),
                "plan": plan,
            }


def _variants(target: AnyTarget) -> Iterator[tuple[str, TargetRule]]:
    """What a target may be, each with when it is that."""
    from sla_domain.target import ArrivalTarget, TargetChoice

    if isinstance(target, TargetChoice):
        parts = [(f"{target.by} {value}", each) for value, each in target.by_value.items()]
        parts.append((f"other {target.by}", target.otherwise))
    elif isinstance(target, ArrivalTarget):
        name = target.of.name
        parts = [(f"starts inside {name}", target.inside), (f"outside {name}", target.outside)]
    else:
        yield "", target
        return
    for when, part in parts:
        for further, each in _variants(part):
            yield f"{when}, {further}" if further else when, each


def _tables(policy: Policy) -> Iterator[tuple[str, str, Targets]]:
    """Every table of targets, with the agreement and the plan it belongs to."""
    for agreement in policy.every_agreement:
        yield agreement.name, "", agreement.targets
    for plan in policy.plans.values():
        yield "", plan.name, plan.targets


@app.command()
def explain(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="The policy file. Default: the packaged policy.")
    ] = None,
    year: Year = None,
    html: Annotated[Path | None, typer.Option(help="Write an HTML page to this file.")] = None,
    _lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Tell a policy back in plain words, as a client could read it: in English or Spanish.

    sla policy explain contract.toml\n
    sla policy explain contract.toml --lang es --html contrato.html\n
    sla policy explain contract.toml --year 2027 --json
    """
    from sla_cli.console import out, print_json, print_text_table, say
    from sla_policy.loading import load_policies, zone_of_start
    from sla_text.contract import ContractTeller, contract_page
    from sla_text.language import Texts

    (policy,) = load_policies([file] if file else []).versions
    texts = Texts(language_of(context))
    zone = zone_of_start(policy)
    told = ContractTeller(policy, texts, year or _this_year(), zone).tell()
    if html is not None:
        html.write_text(contract_page(told, texts), encoding="utf-8")
        if not as_json:
            out.print(f"wrote {html}", markup=False, highlight=False)
    if as_json:
        print_json(told.as_dict())
    elif html is None:
        say(told.title, "bold")
        say(told.subtitle)
        for sentence in told.sentences:
            say(f"- {sentence}")
        for table in told.tables:
            say("")
            print_text_table(table, whole=1)


@app.command()
def diff(
    context: typer.Context,
    old: Annotated[Path, typer.Argument(help="The current policy.")],
    new: Annotated[Path, typer.Argument(help="The new policy.")],
    _lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Show what changes from one policy to another, for whom, and whether it gets stricter.

    sla policy diff aivo-1.toml aivo-2.toml
    """
    from sla_cli.console import print_json, print_text_table, say
    from sla_cli.options import zone_option
    from sla_domain.instant import format_instant
    from sla_lab.policy_diff import as_table, changes
    from sla_policy.loading import load_policy
    from sla_text.language import Texts
    from sla_text.times import moment

    before, after = load_policy(old), load_policy(new)
    texts = Texts(language_of(context))
    found = changes(before, after, texts)
    if as_json:
        print_json(
            {
                "from": before.ref,
                "to": after.ref,
                "effective_from": format_instant(after.effective_from),
                "changes": [change._asdict() for change in found],
            }
        )
        return
    print_text_table(as_table(before, after, found, texts))
    if found and before.effective_from < after.effective_from:
        zone = zone_option(after.business_calendar.zone)
        at = moment(after.effective_from, zone, texts)
        say(texts("diff.pinned", at=at, old=before.ref))


@app.command("test")
def try_scenarios(
    scenarios: Annotated[list[Path], typer.Argument(help="Scenario files (TOML).")],
    policy: Policies = None,
    as_json: Json = False,
) -> None:
    """Test a policy with scenarios: tickets, their events, and the expected alerts and figures.

    Without --policy, the policies named in each file are tested, else the packaged one. The exit
    status is 1 if a scenario has a different outcome than expected.

      sla policy test ours.toml\n
      sla policy test ours.toml --policy contract.toml --json
    """
    from dataclasses import asdict

    from sla_cli.console import out, print_json
    from sla_domain.counting import counted
    from sla_lab.scenarios import try_file

    verdicts = [verdict for path in scenarios for verdict in try_file(path, policy or [])]
    failed = [verdict for verdict in verdicts if verdict.differences]
    if as_json:
        print_json([asdict(verdict) for verdict in verdicts])
    else:
        for verdict in verdicts:
            sign = "[red]no[/]" if verdict.differences else "[green]ok[/]"
            out.print(f"{sign}  ", end="")
            out.print(verdict.scenario, markup=False, highlight=False, soft_wrap=True)
            for difference in verdict.differences:
                out.print(f"      {difference}", markup=False, highlight=False, soft_wrap=True)
        out.print(
            f"{counted(len(verdicts), 'scenario')}, {len(failed)} failed",
            highlight=False,
        )
    if failed:
        raise typer.Exit(1)
