"""Every scenario file: given the default policy, these events at these times, these alerts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support import clocks, decoded, event, run

from sla_domain.instant import format_instant, from_datetime, parse_duration, parse_instant

HERE = Path(__file__).parent
ZONE = ZoneInfo("America/Argentina/Buenos_Aires")
_LINE = re.compile(r"(?:\w{3} )?(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d{3})?)?)\s+(.*)")


def scenarios() -> Iterator[Any]:
    for path in sorted(HERE.glob("*.toml")):
        for number, scenario in enumerate(tomllib.loads(path.read_text())["scenario"]):
            yield pytest.param(scenario, id=f"{path.stem}-{number}: {scenario['name']}")


def instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def split(line: str) -> tuple[int, list[str]]:
    found = _LINE.fullmatch(line)
    assert found, f"not 'YYYY-MM-DD HH:MM what...': {line}"
    return instant(found[1]), found[2].split()


def as_event(line: str) -> dict[str, Any]:
    at, (type_, *given) = split(line)
    fields = dict(pair.split("=", 1) for pair in given)
    if "communicated_at" in fields:
        fields["communicated_at"] = format_instant(
            instant(fields["communicated_at"].replace("T", " "))
        )
    if "affects" in fields:
        fields["affects"] = fields["affects"].split(",")
    return event(type_, format_instant(at), **fields)


def told(records: list[dict[str, Any]]) -> list[str]:
    """Alerts in the words of the scenario files, times in Buenos Aires."""
    lines = []
    for record in records:
        data = record["data"]
        at = datetime.fromtimestamp(parse_instant(record["time"]) / 1000, ZONE)
        time = at.strftime("%a %Y-%m-%d %H:%M:%S") + f".{at.microsecond // 1000:03}"
        words = [record["type"].removeprefix("sla."), data["clock"]]
        words += [f"cycle={data['cycle']}"] if data["cycle"] > 1 else []
        words += [data["fraction"]] if "fraction" in data else []
        words += [data["reason"]] if "reason" in data else []
        words += [f"again={data['occurrence']}"] if data["occurrence"] > 1 else []
        lines.append(f"{_short(time)}  {' '.join(words)}")
    return lines


def _short(time: str) -> str:
    return re.sub(r"(:00)?\.000$", "", time)


@pytest.mark.parametrize("scenario", list(scenarios()))
def test_these_events_give_these_alerts(scenario: dict[str, Any]) -> None:
    until = instant(scenario["until"])
    outputs = run([as_event(line) for line in scenario["events"]], until)
    assert told(decoded(outputs.breaches)) == scenario.get("breaches", [])
    if "warnings" in scenario:
        assert told(decoded(outputs.warnings)) == scenario["warnings"]
    assert [letter["reason"] for letter in decoded(outputs.dead_letters)] == scenario.get(
        "dead_letters", []
    )
    if "no_clocks" in scenario:
        assert clocks(outputs) == {}
    if "state" in scenario:
        assert [record["state"] for record in decoded(outputs.tickets)] == [scenario["state"]]
    for line in scenario.get("clocks", []):
        check_clock(line, outputs)


def check_clock(line: str, outputs: Any) -> None:
    """``resolution cycle=2: met used=2h paused=1h due=2026-11-24 10:00``."""
    name, _, told_of = line.partition(": ")
    clock, _, cycle = name.partition(" cycle=")
    found = clocks(outputs)[clock, int(cycle or 1)]
    outcome, *pairs = re.split(r" (?=\w+=)", told_of)
    assert found["outcome"] == outcome, line
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key == "due":
            expected = None if value == "none" else format_instant(instant(value))
            assert found["due"] == expected, line
        elif key in ("client", "client_third_party"):
            assert found["paused_by"][key] == parse_duration(value), line
        else:
            assert found[f"{key}_ms"] == parse_duration(value), line


def test_every_clause_of_this_version_has_a_scenario_file() -> None:
    clauses = {"C1", "C3", "C4", "C6", "C7", "C8", "C9", "C10", "C11", "C12"}
    assert clauses <= {path.stem.split("-")[0] for path in HERE.glob("*.toml")}
