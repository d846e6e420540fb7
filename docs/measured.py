"""The figures of the performance page: tables and charts from the newest ``benchmarks/results``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).parents[1] / "benchmarks" / "results"
OURS: Final = "SLA tracker"
_OWN_COLOUR: Final = "#2f6fb0"
_PEER_COLOUR: Final = "#9aa7b4"


def newest() -> dict[str, Any]:
    """The figures of the newest day, each with those of an earlier one where it was not run."""
    found: dict[str, Any] = {}
    for path in sorted(RESULTS.glob("*.json")):
        found |= json.loads(path.read_text("utf-8"))
    return found


def _number(value: float) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def _spread(of: dict[str, float]) -> str:
    return f"{_number(of['median'])} ({_number(of['low'])} to {_number(of['high'])})"


def _reached(of: dict[str, float]) -> str:
    return f"p50 {of['p50']:.0f} ms, p99 {of['p99']:.0f} ms, max {of['max']:.0f} ms"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def measured_on() -> str:
    """The machine and the day of each benchmark."""
    on = [of["machine"] for of in newest().values()]
    days = sorted({each["date"] for each in on})
    one = on[0]
    return (
        f"Measured on {' and '.join(days)} by `make bench`: {one['processor']}, {one['cores']} "
        f"cores shared with the broker and the load generator, {one['memory_gib']} GiB, Python "
        f"{one['python']}, aiokafka {one['aiokafka']}, rules {one['rules']}. Medians, with "
        "the minimum and maximum of the runs.\n"
    )


def measured_throughput() -> str:
    """Catch-up beside the peers."""
    found = newest()["throughput"]
    rows = [
        (
            name,
            _spread(of["events_per_second"]),
            _spread(of["cpu_us_per_event"]),
            _number(of["resident_mb"]["median"]),
            "" if name.startswith(OURS) else f"{found['ratios'][name]:.2f}",
        )
        for name, of in found["contenders"].items()
    ]
    rows += [(name, f"left out: {why}", "", "", "") for name, why in found["left_out"].items()]
    return _table(("", "events/s", "CPU µs per event", "MB resident", "tracker : peer"), rows)


def measured_latency() -> str:
    """Append to alert, beside Kafka Streams."""
    rows = []
    for rate, of in newest()["latency"]["rates"].items():
        for name, runs in of.items():
            rows += [
                (
                    f"{int(rate):,}",
                    name,
                    *(f"{_number(each[place])} ms" for place in ("p50", "p99", "max")),
                    _number(each["cpu_us_per_event"]),
                )
                for each in runs
            ]
    return _table(("events/s", "", "p50", "p99", "max", "CPU µs per event"), rows)


def measured_open_tickets() -> str:
    """A million open tickets."""
    found = newest()["open_tickets"]
    deadline, restore = found["deadline_ms"], found["restore"]
    rate = found["deadlines_per_second"]
    gap = "longest_gap_seconds"
    rows = [
        (
            f"{rate:,} deadlines per second, from deadline plus grace to alert",
            _reached(deadline),
            "p99 within 100 ms",
        ),
        (
            "resident memory per open ticket",
            f"{found['bytes_per_open_ticket']:.0f} bytes",
            "500 bytes",
        ),
        (
            "from an empty process to its first alert",
            f"{restore['first_alert_seconds']:.1f} s",
            "",
        ),
        (
            "restore, including startup",
            f"{restore['tickets_per_second']:,.0f} tickets/s",
            "150,000 tickets/s",
        ),
        (
            "`kill -9` of one of two trackers, latest alert",
            f"{found['failover'][gap]:.1f} s late",
            f"session timeout + restore + 1 s: {7 + restore['all_restored_seconds']:.1f} s",
        ),
        (
            "planned restart of one of two trackers, latest alert",
            f"{found['planned_restart'][gap]:.1f} s late",
            "3 s",
        ),
    ]
    return _table((f"{found['tickets']:,} open tickets", "", "goal"), rows)


def measured_firing() -> str:
    """The cost of a deadline by the number of open tickets, beside a scan."""
    rows = [
        (
            f"{int(size):,}",
            f"{_spread(of['us_per_deadline'])} µs",
            f"{_spread(of['scan_ms'])} ms",
            f"{_spread(of['indexed_scan_ms'])} ms",
        )
        for size, of in newest()["firing"]["sizes"].items()
    ]
    head = ("open tickets", "CPU per deadline", "one scan, SQLite", "one index lookup, SQLite")
    return _table(head, rows)


def measured_late() -> str:
    """The cost of an event by how many its ticket has, and where it comes among them."""
    rows = [
        (f"{int(size):,}", f"{_spread(of['in_order_us'])} µs", f"{_spread(of['late_us'])} µs")
        for size, of in newest()["late"]["sizes"].items()
    ]
    return _table(("events of the ticket", "one more, in order", "one more, late"), rows)


def measured_attacked() -> str:
    """What late events of one ticket cost everybody else."""
    rows = [
        (f"{int(rate):,}", *(f"{_number(each[place])} ms" for place in ("p50", "p99", "max")))
        for rate, runs in newest()["attacked"]["rates"].items()
        for each in runs
    ]
    return _table(("late events per second", "p50", "p99", "max"), rows)


def measured_scaling() -> str:
    """Trackers and partitions."""
    found = newest()["scaling"]
    idle = found["idle"]
    rows = [
        (
            str(of["trackers"]),
            str(of["partitions"]),
            _spread(of["events_per_second"]),
            _spread(of["cpu_us_per_event"]),
            f"{idle[str(of['partitions'])]['idle_percent']:.1f} % of a core"
            if of["trackers"] == 1
            else "",
        )
        for of in found["layouts"]
    ]
    head = ("trackers", "partitions", "events/s", "CPU µs per event", "idle")
    return _table(head, rows)


def measured_rest() -> str:
    """Simulation and start."""
    start, rows = newest()["start"], []
    simulation = newest()["simulation"]
    if "events" in simulation:
        rows += [
            (
                f"`sla simulate` over {simulation['events']:,} events, simulation only",
                f"{_spread(simulation['events_per_second'])} events/s",
                "150,000 events/s",
            ),
            (
                "the whole command",
                f"{_spread(simulation['whole_seconds'])} s",
                "",
            ),
        ]
    rows += [
        ("`sla --help`", f"{_spread(start['help_seconds'])} s", "0.25 s"),
        (
            f"tracker, start to ready, {start['partitions']} empty partitions",
            f"{_spread(start['ready_seconds'])} s",
            "1.5 s",
        ),
    ]
    return _table(("", "", "goal"), rows)


def chart_throughput() -> str:
    """Events a second of each contender."""
    contenders = newest()["throughput"]["contenders"]
    bars = [(name, of["events_per_second"]["median"]) for name, of in contenders.items()]
    return _bars("Catch-up, events per second (higher is better)", bars, "")


def chart_latency() -> str:
    """Append to alert, 99 of 100."""
    bars = [
        (f"{name}, {int(rate):,}/s", max(each["p99"] for each in runs))
        for rate, of in newest()["latency"]["rates"].items()
        for name, runs in of.items()
    ]
    return _bars("Append to alert, p99 (lower is better)", bars, " ms")


def _bars(title: str, bars: Sequence[tuple[str, float]], unit: str) -> str:
    longest, height = max(value for _, value in bars), 44 + 30 * len(bars)
    frame = f'viewBox="0 0 760 {height}" role="img" aria-label="{escape(title)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {frame} font-family="sans-serif" font-size="13">',
        f'<rect width="760" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-weight="600" fill="#1c2733">{escape(title)}</text>',
    ]
    for place, (name, value) in enumerate(bars):
        y, width = 40 + 30 * place, max(1.0, value / longest * 430)
        colour = _OWN_COLOUR if name.startswith(OURS) else _PEER_COLOUR
        lines += [
            f'<text x="220" y="{y + 15}" text-anchor="end" fill="#1c2733">{escape(name)}</text>',
            f'<rect x="230" y="{y}" width="{width:.1f}" height="20" fill="{colour}"/>',
            f'<text x="{238 + width:.1f}" y="{y + 15}">{_number(value)}{unit}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])


#: What stands in a page.
PARTS: Final[tuple[Callable[[], str], ...]] = (
    measured_on,
    measured_throughput,
    measured_latency,
    measured_open_tickets,
    measured_firing,
    measured_late,
    measured_attacked,
    measured_scaling,
    measured_rest,
)
#: What stands beside it, by file.
CHARTS: Final[dict[str, Callable[[], str]]] = {
    "throughput.svg": chart_throughput,
    "latency.svg": chart_latency,
}
