"""Which dead letters a filter selects."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from sla_cli.dead_letters import Filters, Letter
from sla_cli.options import since_option
from sla_domain.instant import HOUR, parse_instant
from sla_lab.errors import UsageError
from sla_schemas.topics import ALERT_DEAD_LETTERS, DEAD_LETTERS, Topic

AT = 1_795_446_727_000


def letter(
    topic: Topic, value: bytes, key: bytes | None, headers: dict[str, str], *, retried: bool = False
) -> Letter:
    told = [(f"sla-{name}", text.encode()) for name, text in headers.items()]
    record: Any = ConsumerRecord(topic.name, 3, 17, AT, 0, key, value, None, 0, 0, told)
    return Letter.of(record, topic, retried=retried)


TRACKERS = letter(DEAD_LETTERS, b'{"source": "/zendesk/acme"}', b"T-1", {"reason": "orphan"})
GARBAGE = letter(DEAD_LETTERS, b"\xff", b"T-1", {"reason": "not_json"})
INTAKES = letter(
    DEAD_LETTERS,
    b'{"detail": {"id": "T-1", "tags": ["T-10"], "number": 48213}, "more": null}',
    None,
    {"reason": "invalid_data", "topic": "http:/hooks/hub"},
)
NOTIFIERS = letter(
    ALERT_DEAD_LETTERS,
    b"{}",
    b"T-1",
    {"reason": "http_422: no such ticket: T-1", "destination": "crm"},
)


def test_a_letter_says_who_left_it_and_where_it_is() -> None:
    told = [(each.id, each.maker, each.source) for each in (TRACKERS, GARBAGE, INTAKES, NOTIFIERS)]
    assert told == [
        ("3/17", "tracker", "/zendesk/acme"),
        ("3/17", "tracker", None),
        ("3/17", "intake", "hub"),
        ("alerts/3/17", "notifier", "crm"),
    ]
    assert (NOTIFIERS.reason, NOTIFIERS.detail) == ("http_422", "http_422: no such ticket: T-1")


@pytest.mark.parametrize(
    ("filters", "taken"),
    [
        (Filters(), [TRACKERS, GARBAGE, INTAKES, NOTIFIERS]),
        (Filters(reason="orphan"), [TRACKERS]),
        (Filters(source="tracker"), [TRACKERS, GARBAGE]),
        (Filters(source="/zendesk/acme"), [TRACKERS]),
        (Filters(source="hub"), [INTAKES]),
        (Filters(source="crm"), [NOTIFIERS]),
        (Filters(ticket="T-1"), [TRACKERS, GARBAGE, INTAKES, NOTIFIERS]),
        (Filters(ticket="48213"), [INTAKES]),
        (Filters(ticket="T-10"), [INTAKES]),
        (Filters(ticket="T"), []),
        (Filters(since=AT), [TRACKERS, GARBAGE, INTAKES, NOTIFIERS]),
        (Filters(since=AT + 1), []),
        (Filters(ticket="T-1", reason="orphan", source="tracker", since=AT), [TRACKERS]),
    ],
)
def test_filters_take_what_matches_all_of_them(filters: Filters, taken: list[Letter]) -> None:
    letters = [TRACKERS, GARBAGE, INTAKES, NOTIFIERS]
    assert [each for each in letters if filters.take(each)] == taken


def test_a_length_of_time_or_an_instant_says_since_when() -> None:
    assert since_option(None) is None
    assert since_option("2026-11-23T12:00:00Z") == parse_instant("2026-11-23T12:00:00Z")
    found, now = since_option("2h"), int(time.time() * 1000)
    assert found is not None
    assert abs(now - 2 * HOUR - found) < 60_000
    for wrong in ("yesterday", "2026-11-23T12:00:00", ""):
        with pytest.raises(UsageError, match="neither a time with an offset nor a duration"):
            since_option(wrong)
