"""The order of a ticket's events."""

from __future__ import annotations

from itertools import permutations

import pytest

from sla_domain.event import Event, EventType, in_order


def at(
    occurred: int, type_: EventType, id_: str, source: str = "/a", sequence: str | None = None
) -> Event:
    return Event(occurred, type_, source, id_, sequence, {})


CREATED, ASSIGNED, RESOLVED = EventType.CREATED, EventType.ASSIGNED, EventType.RESOLVED
ORDERS = {
    "by instant": [at(1, RESOLVED, "z"), at(2, CREATED, "a")],
    "within one by rank of type": [at(1, CREATED, "z"), at(1, ASSIGNED, "y"), at(1, RESOLVED, "a")],
    "then by source": [at(1, ASSIGNED, "z", "/a"), at(1, ASSIGNED, "a", "/b")],
    "then by id": [at(1, ASSIGNED, "a"), at(1, ASSIGNED, "b")],
    "by sequence where all of one source carry one": [
        at(1, RESOLVED, "c", sequence="1"),
        at(1, ASSIGNED, "b", sequence="2"),
        at(1, CREATED, "a", sequence="3"),
    ],
    "by sequence as a string": [
        at(1, RESOLVED, "c", sequence="10"),
        at(1, ASSIGNED, "b", sequence="9"),
    ],
    "not by sequence where one has none": [
        at(1, CREATED, "a", sequence="9"),
        at(1, ASSIGNED, "b"),
        at(1, RESOLVED, "c", sequence="1"),
    ],
    "not by sequence where sources differ": [
        at(1, ASSIGNED, "a", "/a", sequence="9"),
        at(1, RESOLVED, "b", "/b", sequence="1"),
    ],
    "a sequence counts within its instant only": [
        at(1, RESOLVED, "a", sequence="9"),
        at(2, ASSIGNED, "b", sequence="1"),
    ],
}


@pytest.mark.parametrize("name", ORDERS)
def test_order(name: str) -> None:
    expected = ORDERS[name]
    for arrival in permutations(expected):
        assert in_order(arrival) == expected
