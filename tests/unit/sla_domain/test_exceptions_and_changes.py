"""Exceptions, merges and changes of severity as alerts and rows tell them."""

from __future__ import annotations

import json
from typing import Any

from support import clocks, decoded, event, run
from support.contracts import ALL_DAY, escalating_book, own_words

from sla_domain.instant import HOUR, parse_instant
from sla_engine.memory import read_stored, restored_ticket
from sla_text.explanation import explain

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


def test_the_ledger_of_an_ended_limit_goes_to_its_end() -> None:
    changed = event("severity_changed", "2026-11-23T20:00:00Z", severity="high")
    history = [CREATED, changed, event("resolved", "2026-11-24T14:00:00Z")]
    outputs = run(history, parse_instant("2026-11-25T12:00:00Z"), book=BOOK)
    (row,) = decoded(outputs.tickets)
    ticket = restored_ticket("T-1", read_stored(json.dumps(row).encode()), BOOK)
    document = explain(ticket, parse_instant("2026-11-25T12:00:00Z"))
    (told,) = [clock for clock in document["clocks"] if clock["clock"] == "resolution"]
    first = told["limits"][0]
    assert first["ended"] == "2026-11-23T20:00:00.000Z"
    assert first["used_ms"] == told["used_ms"] == 8 * HOUR
    assert first["used_ms"] + first["remaining_ms"] == first["target_ms"]
    figures = clocks(outputs)["resolution", 1]
    assert (figures["used_ms"], figures["due"]) == (8 * HOUR, told["due"])
    assert {span["cause"] for span in first["spans"] if span["kind"] == "stopped"} == {
        changed["id"]
    }


def test_what_is_granted_after_a_cancellation_has_no_effect() -> None:
    merged = event("cancelled", "2026-11-23T14:00:00Z", reason="merged")
    after = granted("2026-11-23T15:00:00Z", clock="first_response")
    outputs = run([CREATED, merged, after], parse_instant("2026-11-24T12:00:00Z"), book=BOOK)
    assert clocks(outputs)["first_response", 1]["outcome"] == "breached"


def test_a_breach_names_the_merge_that_moved_its_start() -> None:
    earlier = {"ticket_id": "T-9", "communicated_at": "2026-11-23T11:30:00Z"}
    merged = event("absorbed", "2026-11-23T12:10:00Z", **earlier)
    outputs = run([CREATED, merged], parse_instant("2026-11-23T13:00:00Z"), book=BOOK)
    (breach,) = [each["data"] for each in decoded(outputs.breaches) if each["type"] == "sla.breach"]
    assert breach["start"] == "2026-11-23T11:30:00.000Z"
    assert breach["follows"] == [CREATED["id"], merged["id"]]


UPDATES = """\
name = "updates"
version = "1"
effective_from = "2020-01-01T00:00:00Z"
retention = "30d"
[severities]
p1 = "Outage"
p2 = "Question"
[calendars.always]
zone = "UTC"
hours = {ALL_DAY}
[clocks.update]
starts = ["replied"]
stops = ["replied", "resolved"]
repeat = true
on_severity = "from_change"
[targets]
p2 = "none"
[targets.p1]
update = { within = "30m", boundary = "inclusive", calendar = "always" }
""".replace("{ALL_DAY}", ALL_DAY)


def test_what_a_change_of_severity_stops_for_good_is_owed_again_after_it() -> None:
    history = [
        event("created", "2026-11-23T12:00:00Z", severity="p1"),
        event("replied", "2026-11-23T12:05:00Z"),
        event("severity_changed", "2026-11-23T13:00:00Z", severity="p2"),
        event("severity_changed", "2026-11-23T14:00:00Z", severity="p1"),
    ]
    outputs = run(history, parse_instant("2026-11-23T15:00:00Z"), book=own_words(UPDATES))
    breaches = [each["data"] for each in decoded(outputs.breaches)]
    assert [(each["cycle"], each["breached_at"], each["counted_from"]) for each in breaches] == [
        (1, "2026-11-23T12:35:00.001Z", "2026-11-23T12:05:00.000Z"),
        (2, "2026-11-23T14:30:00.001Z", "2026-11-23T14:00:00.000Z"),
    ]


def test_a_retraction_says_whose_promise_it_is_about_too() -> None:
    queued = event("queued", "2026-11-23T12:05:00Z", group="level1")
    excused = granted("2026-11-23T14:00:00Z", clock="stay")
    outputs = run([CREATED, queued, excused], parse_instant("2026-11-23T15:00:00Z"), book=BOOK)
    told = [each for each in decoded(outputs.breaches) if each["data"]["clock"] == "stay"]
    about = [(each["type"], each["data"]["team"], each["data"].get("reason")) for each in told]
    assert ("sla.breach", "level1", None) in about
    assert ("sla.breach_retracted", "level1", "excused") in about
