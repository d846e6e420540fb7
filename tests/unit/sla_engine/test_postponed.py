"""An alert for a past instant waits until all records appended within the grace are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import default_book, event

from sla_domain.instant import DAY, HOUR, MINUTE, SECOND, format_instant, parse_instant
from sla_engine.frontier import TimeRule
from sla_engine.memory import read_stored
from sla_engine.partition import Partition
from sla_engine.wire.alerts import write_alert
from sla_lab.recording import Recorded
from sla_schemas.topics import EVENTS

GRACE = 2 * SECOND
#: When the records are appended.
NOW = parse_instant("2026-11-25T14:00:00Z")
YESTERDAY = NOW - 25 * HOUR


class Log:
    """A partition that reads records as they are appended."""

    def __init__(self) -> None:
        self.partition = Partition(0, EVENTS.name, default_book(), TimeRule(GRACE))
        self.offset = 0
        self.table: dict[str, bytes | None] = {}

    def append(self, at: int, type_: str, occurred: int, **data: Any) -> None:
        value = event(type_, format_instant(occurred), "T", **data)
        record = Recorded(
            EVENTS.name, 0, self.offset, at, b"T", json.dumps(value).encode(), headers=[]
        )
        self.partition.apply(record)
        self.offset += 1

    def told(self, *, known_until: int | None = None) -> list[tuple[str, str, int]]:
        """Alerts since the last look, after nothing was left to read at ``known_until``: type,
        what, and how late they are.
        """
        if known_until is not None:
            self.partition.caught_up(known_until)
        effects = self.partition.drain()
        self.table.update(effects.tickets)
        alerts = [json.loads(write_alert(alert)) for alert in effects.alerts]
        return [
            (
                alert["type"].removeprefix("sla."),
                alert["data"].get("clock") or alert["data"].get("kind", ""),
                alert["data"]["late_ms"],
            )
            for alert in alerts
        ]

    def restart(self) -> None:
        """Another tracker goes on from what this one stored."""
        again = Partition(0, EVENTS.name, default_book(), TimeRule(GRACE))
        again.resume(self.partition.frontier, self.partition.tally)
        for ticket_id, value in self.table.items():
            if value is not None:
                again.restore(ticket_id, read_stored(value))
        self.partition = again


@pytest.fixture(params=[False, True], ids=["", "restarted after every record"])
def restarts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def delivered(log: Log, events: list[tuple[str, int, dict[str, Any]]], *, restarts: bool) -> None:
    """``events`` appended a tenth of a second after another, from ``NOW`` on."""
    for number, (type_, occurred, data) in enumerate(events):
        log.append(NOW + number * 100, type_, occurred, **data)
        if restarts:
            assert log.told() == []
            log.restart()


BLOCKER = {"severity": "blocker"}


def test_a_ticket_kept_in_time_and_delivered_a_day_late_alerts_nobody(*, restarts: bool) -> None:
    log = Log()
    events = [
        ("created", YESTERDAY, BLOCKER),
        ("assigned", YESTERDAY + 10 * MINUTE, {}),
        ("resolved", YESTERDAY + 30 * MINUTE, {}),
    ]
    delivered(log, events, restarts=restarts)
    assert log.told(known_until=NOW + DAY) == []


def test_a_broken_promise_is_told_with_how_late_it_became_known(*, restarts: bool) -> None:
    log = Log()
    delivered(log, [("created", YESTERDAY, BLOCKER)], restarts=restarts)
    assert log.told(known_until=NOW + GRACE - 1) == []
    late = NOW - (YESTERDAY + HOUR)
    told = log.told(known_until=NOW + GRACE)
    assert told[0] == ("breach", "first_response", late)
    assert told[1] == ("breach", "resolution", NOW - (YESTERDAY + 6 * HOUR + 1))


def test_what_is_appended_after_the_grace_comes_too_late_for_that() -> None:
    log = Log()
    log.append(NOW, "created", YESTERDAY, **BLOCKER)
    log.append(NOW + GRACE + 1, "assigned", YESTERDAY + 10 * MINUTE)
    assert [(type_, clock) for type_, clock, _ in log.told()] == [
        ("breach", "first_response"),
        ("breach", "resolution"),
    ]
    retracted = ("breach_retracted", "first_response", NOW + GRACE + 1 - YESTERDAY - 10 * MINUTE)
    assert log.told(known_until=NOW + 3 * GRACE) == [retracted]


def test_a_deadline_that_fires_in_its_time_is_not_late(*, restarts: bool) -> None:
    log = Log()
    delivered(log, [("created", NOW, BLOCKER)], restarts=restarts)
    told = log.told(known_until=NOW + HOUR + GRACE)
    assert ("breach", "first_response", 0) in told
    assert {late for _, _, late in told} == {0}


def test_an_event_that_leaves_a_breach_as_it_is_makes_it_no_later() -> None:
    log = Log()
    log.append(NOW, "created", NOW, **BLOCKER)
    log.told(known_until=NOW + HOUR)
    # Appended after the due and before the frontier passes it: the promise is broken all the same.
    log.append(NOW + HOUR + SECOND, "assigned", NOW + HOUR + SECOND)
    assert log.told(known_until=NOW + HOUR + GRACE - 1) == []
    assert log.told(known_until=NOW + HOUR + GRACE) == [("breach", "first_response", 0)]


def test_events_that_change_nothing_do_not_hold_an_alert_back() -> None:
    log = Log()
    log.append(NOW, "created", YESTERDAY, **BLOCKER)
    told = []
    for number in range(1, 30):
        at = NOW + number * SECOND
        log.append(at, "feature_subscribed", at, subscriber_id=str(number))
        told += [(at - NOW, *alert) for alert in log.told() if alert[0] == "breach"]
    assert [told_at for told_at, *_ in told] == [3 * SECOND, 3 * SECOND]


def test_what_holds_again_within_the_grace_is_not_taken_back(*, restarts: bool) -> None:
    log = Log()
    log.append(NOW - HOUR, "created", YESTERDAY, **BLOCKER)
    assert log.told(known_until=NOW - MINUTE)
    events = [
        ("severity_changed", NOW - MINUTE, {"severity": "low"}),
        ("severity_changed", NOW - SECOND, {"severity": "blocker"}),
    ]
    delivered(log, events, restarts=restarts)
    assert log.told(known_until=NOW + DAY) == []


def test_a_notice_waits_too(*, restarts: bool) -> None:
    log = Log()
    events = [
        ("created", YESTERDAY, BLOCKER),
        ("assigned", YESTERDAY + MINUTE, {}),
        ("contact_logged", YESTERDAY + 2 * MINUTE, {"contact_id": "c", "medium": "phone"}),
        ("resolved", YESTERDAY + 9 * MINUTE, {}),
        (
            "contact_logged",
            YESTERDAY + 5 * MINUTE,
            {"contact_id": "c", "medium": "email", "record": "mail/1"},
        ),
    ]
    delivered(log, events, restarts=restarts)
    assert log.told(known_until=NOW + DAY) == []


def test_a_ticket_without_severity_is_no_notice_where_it_is_told_at_once(*, restarts: bool) -> None:
    log = Log()
    events: list[tuple[str, int, dict[str, Any]]] = [
        ("created", NOW - MINUTE, {"severity": None}),
        ("severity_changed", NOW - MINUTE + SECOND, BLOCKER),
    ]
    delivered(log, events, restarts=restarts)
    assert log.told(known_until=NOW + MINUTE) == []


def test_history_stays_until_all_of_it_is_read(*, restarts: bool) -> None:
    """A ticket closed longer ago than tickets are kept leaves the table at once; but not before
    what came with it is read, which may say that it was reopened.
    """
    log, then = Log(), NOW - 900 * DAY
    events = [
        ("created", then, BLOCKER),
        ("assigned", then + MINUTE, {}),
        ("resolved", then + HOUR, {}),
        ("reopened", then + 2 * HOUR, {}),
    ]
    delivered(log, events, restarts=restarts)
    log.told(known_until=NOW + DAY)
    state = json.loads(log.table["T"] or b"{}")["state"]
    assert state == "open"
    log.append(NOW + DAY, "resolved", then + 3 * HOUR)
    log.told(known_until=NOW + DAY + GRACE)
    assert log.table["T"] is None
