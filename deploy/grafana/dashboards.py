"""Grafana's dashboards as code: ``python deploy/grafana/dashboards.py`` writes them as JSON.

Grafana provisions the files under ``dashboards/``. Tests run every query against a real Prometheus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos

HERE: Final = Path(__file__).parent
#: The whole width of a dashboard in Grafana's grid.
WIDTH: Final = 24
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="$datasource")

Unit = Literal["short", "s", "percentunit", "bytes", "cps", "dateTimeFromNow", "none"]


@dataclass(frozen=True)
class Query:
    """A PromQL expression and the legend of its series."""

    expression: str
    legend: str = "__auto"


@dataclass(frozen=True)
class Panel:
    """A panel of ``width`` columns; ``kind`` is a curve over time or one number."""

    title: str
    about: str
    unit: Unit
    queries: Sequence[Query]
    width: int = 12
    height: int = 8
    kind: Literal["curve", "number"] = "curve"


@dataclass(frozen=True)
class Board:
    """A dashboard for one kind of reader; rows are filled from left to right."""

    uid: str
    title: str
    about: str
    since: str
    panels: Sequence[Panel]
    #: Variables of the queries: name and the PromQL that gives their values.
    choices: Sequence[tuple[str, str]] = field(default_factory=tuple)


def _number(title: str, about: str, unit: Unit, expression: str, width: int = 6) -> Panel:
    return Panel(title, about, unit, [Query(expression)], width, 4, "number")


def _curve(title: str, about: str, unit: Unit, *queries: Query, width: int = 12) -> Panel:
    return Panel(title, about, unit, queries, width)


OVERVIEW: Final = Board(
    "sla-overview",
    "SLA overview",
    "For managers: SLA attainment, and how much of the error budget is left.",
    "now-30d",
    [
        _number(
            "SLA met, 30 days",
            "Share of clocks that stopped in time over the last 30 days.",
            "percentunit",
            "sla:attainment:ratio_increase30d",
        ),
        _number(
            "SLA met, last hour",
            "The same over the last hour; empty if no clock stopped.",
            "percentunit",
            "sla:attainment:ratio_increase1h",
        ),
        _number("Objective", "The share that should be met.", "percentunit", "sla:objective:ratio"),
        _number(
            "Open tickets",
            "Tickets that are neither resolved nor cancelled.",
            "short",
            'sum(sla_tickets{state!~"resolved|cancelled"})',
        ),
        _curve(
            "SLA met, by clock and severity",
            "Share of clocks that stopped in time over the last three days.",
            "percentunit",
            Query("clock_severity:sla_attainment:ratio_increase3d", "{{clock}} {{severity}}"),
        ),
        _curve(
            "Error budget burn rate",
            "How many times faster than planned it is used up; above 1, the objective is missed.",
            "short",
            Query("sla:error_budget:burn1h", "1 hour"),
            Query("sla:error_budget:burn6h", "6 hours"),
            Query("sla:error_budget:burn3d", "3 days"),
        ),
        _curve(
            "Breaches",
            "Breaches sent, by severity.",
            "short",
            Query("sum by (severity) (increase(sla_breaches_total[$__rate_interval]))"),
        ),
        _curve(
            "Late clocks, by origin of the fault",
            "Clocks that stopped too late, by origin of the fault; only where one was given.",
            "short",
            Query(
                'sum by (origin) (increase(sla_stopped_clocks_total{outcome="breached"}'
                "[$__rate_interval]))"
            ),
        ),
    ],
)

CLOCKS: Final = Board(
    "sla-clocks",
    "Clocks and clients",
    "For support leads: running clocks, time used, and time spent waiting for clients.",
    "now-7d",
    [
        _number(
            "Next deadline",
            "When the next warning or breach is due.",
            "dateTimeFromNow",
            "min(sla_next_deadline_timestamp_seconds > 0) * 1000",
            8,
        ),
        _number(
            "Breached clocks",
            "Clocks over their target, of all tickets in the table.",
            "short",
            'sum(sla_clocks{outcome="breached"})',
            8,
        ),
        _number(
            "Retractions, 24 h",
            "Alerts disproved by later events.",
            "short",
            "sum(increase(sla_retractions_total[24h]))",
            8,
        ),
        _curve(
            "Tickets by state",
            "For the selected severity.",
            "short",
            Query('sum by (state) (sla_tickets{severity=~"$severity"})'),
        ),
        _curve(
            "Clocks by outcome",
            "For the selected severity.",
            "short",
            Query('sum by (clock, outcome) (sla_clocks{severity=~"$severity"})'),
        ),
        _curve(
            "Warnings and breaches",
            "Sent, for the selected severity.",
            "short",
            Query(
                'sum by (fraction) (increase(sla_warnings_total{severity=~"$severity"}'
                "[$__rate_interval]))",
                "warning at {{fraction}}",
            ),
            Query(
                'sum(increase(sla_breaches_total{severity=~"$severity"}[$__rate_interval]))',
                "breach",
            ),
        ),
        _curve(
            "Time used, 90th percentile",
            "90% of clocks stopped within this time, each on its own calendar.",
            "s",
            Query(
                "histogram_quantile(0.9, sum by (le) "
                '(increase(sla_first_response_seconds_bucket{severity=~"$severity"}[24h])))',
                "first response",
            ),
            Query(
                "histogram_quantile(0.9, sum by (le) "
                '(increase(sla_resolution_seconds_bucket{severity=~"$severity"}[24h])))',
                "resolution",
            ),
        ),
        _curve(
            "Share of the target used, median and 90th percentile",
            "1 is the target.",
            "percentunit",
            Query(
                "histogram_quantile(0.5, sum by (le, clock) "
                '(increase(sla_consumed_ratio_bucket{severity=~"$severity"}[24h])))',
                "{{clock}}, median",
            ),
            Query(
                "histogram_quantile(0.9, sum by (le, clock) "
                '(increase(sla_consumed_ratio_bucket{severity=~"$severity"}[24h])))',
                "{{clock}}, 90th percentile",
            ),
        ),
        _curve(
            "Waiting for clients",
            "Business time for which stopped clocks had been paused, per day.",
            "s",
            Query("sum by (party) (increase(sla_client_wait_seconds_sum[24h]))"),
        ),
    ],
    choices=[("severity", "label_values(sla_tickets, severity)")],
)

INTERNALS: Final = Board(
    "sla-internals",
    "Tracker internals",
    "For operators: is everything read, written and on time?",
    "now-6h",
    [
        _number("Partitions owned", "By all trackers together.", "short", "sum(sla_partitions)", 6),
        _number(
            "Partitions in total",
            "All of them must be owned.",
            "short",
            "max(sla_input_partitions)",
            6,
        ),
        _number(
            "Deadline lag",
            "How long the earliest deadline has been due, including the 2 s grace period.",
            "s",
            "max(sla_timer_lag_seconds)",
            6,
        ),
        _number(
            "Event lag",
            "How far the slowest partition's frontier is behind the broker's clock.",
            "s",
            "max(sla_event_time_lag_seconds)",
            6,
        ),
        _curve(
            "Events read",
            "By result.",
            "cps",
            Query("sum by (result) (rate(sla_events_total[$__rate_interval]))"),
        ),
        _curve(
            "Dead letters",
            "Records that could not be used.",
            "cps",
            Query("sum by (reason) (rate(sla_dead_letters_total[$__rate_interval]))"),
        ),
        _curve(
            "Partitions by state",
            "Restoring, running, failed.",
            "short",
            Query("sum by (state) (sla_partitions)"),
        ),
        _curve(
            "Transaction time",
            "From the first send to the commit's acknowledgement.",
            "s",
            Query(
                "histogram_quantile(0.5, sum by (le) "
                "(rate(sla_transaction_seconds_bucket[$__rate_interval])))",
                "median",
            ),
            Query(
                "histogram_quantile(0.99, sum by (le) "
                "(rate(sla_transaction_seconds_bucket[$__rate_interval])))",
                "99th percentile",
            ),
        ),
        _curve(
            "Time without progress",
            "Of the partition that has been stalled the longest.",
            "s",
            Query("max by (instance) (sla_stalled_seconds)"),
        ),
        _curve(
            "Restores",
            "Average time to read a partition's tables back since the tracker started.",
            "s",
            Query("sla_restore_seconds_sum / sla_restore_seconds_count", "{{instance}}"),
        ),
        _curve(
            "Memory",
            "Resident memory, by process.",
            "bytes",
            Query("process_resident_memory_bytes", "{{job}} {{instance}}"),
        ),
        _curve(
            "CPU",
            "Share of a core, by process.",
            "percentunit",
            Query("rate(process_cpu_seconds_total[$__rate_interval])", "{{job}} {{instance}}"),
        ),
    ],
)

BOARDS: Final = (OVERVIEW, CLOCKS, INTERNALS)


def built(board: Board) -> str:
    """The JSON of a dashboard."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags(["sla"])
        .editable()
        .time(board.since, "now")
        .refresh("1m")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").type("prometheus"))
    )
    for name, values in board.choices:
        made.with_variable(
            dashboard.QueryVariable(name)
            .datasource(SOURCE)
            .query(values)
            .include_all(True)
            .multi(True)
        )
    x = y = tallest = 0
    for number, panel in enumerate(board.panels, start=1):
        if x + panel.width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        place = GridPos(h=panel.height, w=panel.width, x=x, y=y)
        x, tallest = x + panel.width, max(tallest, panel.height)
        made.with_panel(_made(panel, number, place))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _made(panel: Panel, number: int, place: GridPos) -> timeseries.Panel | stat.Panel:
    made = timeseries.Panel() if panel.kind == "curve" else stat.Panel()
    made.id(number).title(panel.title).description(panel.about).unit(panel.unit)
    made.datasource(SOURCE).grid_pos(place)
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        target = prometheus.Dataquery().expr(query.expression).ref_id(letter).datasource(SOURCE)
        target.legend_format(query.legend)
        if panel.kind == "number":
            target.instant()
        made.with_target(target)
    return made


def files() -> dict[Path, str]:
    """Every dashboard's file and its content."""
    return {HERE / "dashboards" / f"{board.uid}.json": built(board) for board in BOARDS}


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
