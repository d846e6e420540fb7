"""Shared test helpers: short events, runs of the engine, the shared data."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sla_domain.policy import PolicyBook
from sla_lab.recording import Line, as_line
from sla_lab.simulation import Outputs, simulate
from sla_policy.loading import load_policy

ROOT = Path(__file__).parents[2]
POLICY = ROOT / "deploy" / "policies" / "aivo.toml"
_SHARED = Path(os.environ.get("SLA_SHARED", ROOT.parent / "shared"))

_ids = count(1)


def default_book() -> PolicyBook:
    """The default policy."""
    return PolicyBook([load_policy(POLICY)])


def shared_file(name: str) -> Path:
    """A file of the shared data; skips the test if it is absent."""
    path = _SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not here; set SLA_SHARED to the folder that has it")
    return path


def event(type_: str, time: str, ticket: str = "T-1", **given: Any) -> dict[str, Any]:
    """A CloudEvent. ``id``, ``source`` and ``sequence`` are optional; all other fields are
    ``data``.
    """
    envelope = {
        "specversion": "1.0",
        "id": given.pop("id", None) or f"e{next(_ids)}",
        "source": given.pop("source", "/helpdesk"),
        "type": f"ticket.{type_}",
        "subject": ticket,
        "time": time,
    }
    if "sequence" in given:
        envelope["sequence"] = given.pop("sequence")
    if type_ == "created":
        derived = "impact" in given or "scope" in given or given.get("kind") == "feature_request"
        given = {"client_id": "acme", **({} if derived else {"severity": "medium"}), **given}
    if type_ == "assigned":
        given = {"analyst_id": "ana", **given}
    return {**envelope, "data": given}


def lines_of(events: Iterable[dict[str, Any] | bytes]) -> list[Line]:
    """Events as recorded lines; bytes are passed through."""
    return [
        as_line(item if isinstance(item, bytes) else json.dumps(item).encode()) for item in events
    ]


def run(
    events: Iterable[dict[str, Any] | bytes],
    until: int | None = None,
    partitions: int = 3,
    book: PolicyBook | None = None,
) -> Outputs:
    """The outputs for events that arrive in this order, each when it occurs; late events arrive
    late.
    """
    book = book or default_book()
    return simulate(lines_of(events), book, partitions=partitions, until=until)


def decoded(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Decode JSON lines."""
    return [json.loads(line) for line in lines]


def alerts(outputs: Outputs) -> list[tuple[str, str, str, str]]:
    """Warnings and breaches as (instant, type, clock, fraction or limit)."""
    found = [
        (
            record["time"],
            record["type"].removeprefix("sla."),
            record["data"]["clock"],
            record["data"].get("fraction") or record["data"]["limit"],
        )
        for record in decoded([*outputs.warnings, *outputs.breaches])
    ]
    return sorted(found)


def standing_breaches(outputs: Outputs) -> list[tuple[str, str, int]]:
    """Breaches sent minus retractions, as (ticket, clock, cycle); a duplicate appears twice."""
    standing: dict[str, tuple[str, str, int]] = {}
    for record in decoded(outputs.breaches):
        data = record["data"]
        if record["type"] == "sla.breach":
            assert record["id"] not in standing, "a breach was sent twice"
            standing[record["id"]] = (data["ticket_id"], data["clock"], data["cycle"])
        else:
            assert data["retracts"] in standing, "a breach was taken back that did not stand"
            del standing[data["retracts"]]
    return sorted(standing.values())


def clocks(outputs: Outputs, ticket: str = "T-1") -> dict[tuple[str, int], dict[str, Any]]:
    """The clocks in a ticket's row, by name and cycle."""
    for record in decoded(outputs.tickets):
        if record["ticket_id"] == ticket:
            return {(clock["clock"], clock["cycle"]): clock for clock in record["clocks"]}
    raise AssertionError(f"no line for {ticket}")


def script(path: Path) -> ModuleType:
    """Import a script of the project that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look up their module.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
