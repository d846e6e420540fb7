"""Exceptions as alerts and rows tell them."""

from __future__ import annotations

from typing import Any

from support import clocks, decoded, event, run
from support.contracts import escalating_book

from sla_domain.instant import parse_instant

BOOK = escalating_book()
CREATED = event("created", "2026-11-23T12:00:00Z", severity="blocker")


def granted(at: str, **data: Any) -> dict[str, Any]:
    said = {"exception_id": "x", "reason": "agreed", "approved_by": "max"}
    return event("exception_granted", at, **said, **data)


def test_an_alert_tells_the_agreed_time_from_the_clocks_start() -> None:
    span = granted("2026-11-23T12:10:00Z", clock="resolution", until="2026-11-23T13:00:00Z")
    outputs = run([CREATED, span], parse_instant("2026-11-24T12:00:00Z"), book=BOOK)
    (breach,) = [
        record["data"]
        for record in decoded(outputs.breaches)
        if record["type"] == "sla.breach" and record["data"]["clock"] == "resolution"
    ]
    assert [(pause["start"], pause["end"], pause["party"]) for pause in breach["pauses"]] == [
        ("2026-11-23T12:00:00.000Z", "2026-11-23T13:00:00.000Z", "agreed")
    ]
    # Six hours around the clock, and the hour that was agreed.
    assert breach["due"] == "2026-11-23T19:00:00.000Z"


def test_a_span_without_an_end_pauses_from_its_beginning_on() -> None:
    span = granted("2026-11-23T12:10:00Z", clock="resolution", **{"from": "2026-11-23T15:00:00Z"})
    before = run([CREATED, span], parse_instant("2026-11-23T14:00:00Z"), book=BOOK)
    clock = clocks(before)["resolution", 1]
    assert (clock["outcome"], clock["due"]) == ("running", None)
    replied = event("replied", "2026-11-23T15:30:00Z")
    after = run([CREATED, span, replied], parse_instant("2026-11-24T12:00:00Z"), book=BOOK)
    assert clocks(after)["resolution", 1]["outcome"] == "paused"
    assert not [
        record for record in decoded(after.breaches) if record["data"]["clock"] == "resolution"
    ]
