"""Choose the packaged sample from an imported log: ``python -m sla_lab.make_sample EVENTS OUT``.

Takes incidents that begin and end within the first three weeks, those first that show something
(a grave severity, a wait, a reopening, a severity change), so that a minute of
compressed time has all of it.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any, Final

from sla_domain.instant import DAY, parse_instant
from sla_lab.recording import read_lines
from sla_policy.loading import load_policy

WANTED: Final = 700
SPAN: Final = 21 * DAY
_TELLING: Final = {
    "ticket.waiting_on_client": 1,
    "ticket.reopened": 4,
    "ticket.severity_changed": 4,
}


#: What is telling of a ticket: one of the two gravest severities.
_GRAVE: Final = load_policy().severities[:2]


def choose(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of the ``WANTED`` most telling incidents, in the order given."""
    first = parse_instant(events[0]["time"])
    tickets: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        tickets.setdefault(event["subject"], []).append(event)
    whole = {
        number: own
        for number, own in tickets.items()
        if parse_instant(own[-1]["time"]) < first + SPAN
        and any(event["type"] == "ticket.resolved" for event in own)
    }
    ranked = sorted(whole, key=lambda number: (-_telling(whole[number]), number))
    chosen = set(ranked[:WANTED])
    return [event for event in events if event["subject"] in chosen]


def _telling(own: list[dict[str, Any]]) -> int:
    score = sum(weight for type_, weight in _TELLING.items() if _has(own, type_))
    return score + 3 * (own[0]["data"].get("severity") in _GRAVE)


def _has(own: list[dict[str, Any]], type_: str) -> bool:
    return any(event["type"] == type_ for event in own)


def main() -> None:
    """Write the sample."""
    source, out = map(Path, sys.argv[1:])
    events = [json.loads(line.value) for line in read_lines([source])]
    with out.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        for event in choose(events):
            packed.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    main()
