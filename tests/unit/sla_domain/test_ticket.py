"""Tickets after a restart: their pinned version, and the alerts already sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import default_book, event, lines_of

from sla_domain.errors import UnknownPolicyError
from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_engine.effects import Effects
from sla_engine.erasure import VALID_MS, erase_order, refusal_without
from sla_engine.frontier import REPLAY
from sla_engine.memory import read_stored
from sla_engine.partition import Partition
from sla_lab.recording import Recorded, laid_out
from sla_schemas.headers import ERASE_HEADER
from sla_schemas.topics import EVENTS

V1 = default_book().latest
#: A version that claims to have been in force before the ticket was communicated.
BACKDATED = replace(V1, version="2", effective_from=parse_instant("2026-11-01T00:00:00Z"))


def stored(*more: dict[str, object]) -> bytes:
    """A ticket's record as a tracker under version 1 leaves it."""
    partition = Partition(0, EVENTS.name, PolicyBook([V1]), REPLAY)
    events = [event("created", "2026-11-23T12:00:00Z", severity="high"), *more]
    for record in laid_out(lines_of(events), EVENTS.name, 1):
        partition.apply(record)
    value = partition.drain().tickets["T-1"]
    assert value is not None
    return value


def restored(book: PolicyBook, value: bytes) -> Partition:
    partition = Partition(0, EVENTS.name, book, REPLAY)
    partition.resume(parse_instant("2026-11-23T12:00:00Z"), partition.tally)
    partition.restore("T-1", read_stored(value))
    partition.rejudge("T-1")
    return partition


def test_a_new_version_judges_no_running_ticket_anew() -> None:
    partition = restored(PolicyBook([V1, BACKDATED]), stored())
    late = event("created", "2026-11-23T12:30:00Z", "T-2", severity="high")
    for record in laid_out(
        lines_of([event("assigned", "2026-11-23T13:00:00Z"), late]), EVENTS.name, 1
    ):
        partition.apply(record)
    pinned = {entry.ticket.id: entry.ticket.policy.ref for entry in partition.table.entries()}
    assert pinned == {"T-1": "aivo@1", "T-2": "aivo@2"}


def test_the_pin_outlives_being_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sla_engine.table.HOT_TICKETS", 0)
    partition = restored(PolicyBook([V1, BACKDATED]), stored())
    partition.table.pack_idle()
    entry = partition.table.get("T-1")
    assert entry is not None
    assert entry.ticket.policy is V1


def test_a_version_that_is_gone_is_missed_by_name() -> None:
    with pytest.raises(UnknownPolicyError, match=r"'T-1' is pinned to the policy aivo@1"):
        restored(PolicyBook([BACKDATED]), stored())


def test_an_earlier_communication_is_pinned_by_its_own_time() -> None:
    october = "2026-10-31T12:00:00Z"
    value = stored(event("created", "2026-11-22T12:00:00Z", severity="low"))
    partition = restored(PolicyBook([V1, BACKDATED]), value)
    first = event("created", "2026-11-20T12:00:00Z", severity="low", communicated_at=october)
    for record in laid_out(lines_of([first]), EVENTS.name, 1):
        partition.apply(record)
    entry = partition.table.get("T-1")
    assert entry is not None
    assert entry.ticket.communicated_at == parse_instant(october)
    assert entry.ticket.policy is V1


def test_subscribers_are_listed_once_in_their_order() -> None:
    value = stored(
        event("feature_subscribed", "2026-11-23T12:10:00Z", subscriber_id="mateo"),
        event("feature_subscribed", "2026-11-23T12:20:00Z", subscriber_id="lucia"),
        event("feature_subscribed", "2026-11-23T12:30:00Z", subscriber_id="mateo"),
    )
    entry = restored(PolicyBook([V1]), value).table.get("T-1")
    assert entry is not None
    assert entry.ticket.obligations.subscribers == ["mateo", "lucia"]


def test_what_was_said_is_not_said_again_after_a_restart() -> None:
    value = stored(event("guard_contacted", "2026-11-23T23:00:00Z"))
    partition = restored(PolicyBook([V1]), value)
    partition.advance(parse_instant("2026-11-23T23:00:00Z"))
    (notice,) = [alert for alert in partition.drain().alerts if alert.kind == "sla.notice"]
    again = restored(PolicyBook([V1]), world_value(partition))
    again.advance(parse_instant("2026-11-24T00:00:00Z"))
    assert notice.caused_by
    assert not [alert for alert in again.drain().alerts if alert.kind == "sla.notice"]


def world_value(partition: Partition) -> bytes:
    entry = partition.table.get("T-1")
    assert entry is not None
    partition._changed["T-1"] = entry
    value = partition.drain().tickets["T-1"]
    assert value is not None
    return value


def erased(ticket: str, at: int) -> Recorded:
    """The control record by which a ticket is forgotten."""
    return Recorded(EVENTS.name, 0, 9, at, ticket.encode(), None, [(ERASE_HEADER, b"")])


def test_an_erased_ticket_is_forgotten_without_a_word() -> None:
    partition = Partition(0, EVENTS.name, PolicyBook([V1]), REPLAY)
    created = event("created", "2026-11-23T12:00:00Z", severity="blocker")
    for record in laid_out(lines_of([created]), EVENTS.name, 1):
        partition.apply(record)
    partition.drain()
    before = partition.tally
    partition.apply(erased("T-1", parse_instant("2026-11-23T12:10:00Z")))
    effects = partition.drain()
    assert effects.tickets == {"T-1": None}
    assert effects.left == {}
    assert effects.alerts == []
    assert partition.tally == before, "it is no event"
    assert not +partition.census.tickets
    partition.advance(parse_instant("2026-11-24T12:00:00Z"))
    assert not partition.drain(), "its deadlines are gone with it"


def test_an_order_to_erase_is_obeyed_where_it_is_signed_and_fresh() -> None:
    key, at = b"k" * 32, parse_instant("2026-11-23T12:10:00Z")
    good = erase_order(b"T-1", at, key)

    def left_after(told: bytes, appended: int = at, known: bytes | None = key) -> Effects:
        partition = Partition(0, EVENTS.name, PolicyBook([V1]), REPLAY, refusal_without(known))
        created = event("created", "2026-11-23T12:00:00Z", severity="blocker")
        for record in laid_out(lines_of([created]), EVENTS.name, 1):
            partition.apply(record)
        partition.drain()
        headers = [(ERASE_HEADER, told)]
        partition.apply(Recorded(EVENTS.name, 0, 9, appended, b"T-1", None, headers))
        return partition.drain()

    obeyed = left_after(good)
    assert (obeyed.tickets, obeyed.erased) == ({"T-1": None}, 1)
    for refused in (
        left_after(b""),
        left_after(good[:-1] + b"g"),
        left_after(erase_order(b"T-2", at, key)),
        left_after(erase_order(b"T-1", at, b"o" * 32)),
        left_after(good, at + VALID_MS + 1),
        left_after(good, known=None),
    ):
        assert (refused.tickets, refused.erased) == ({}, 0)
        (letter,) = refused.dead_letters
        assert letter.reason == "not_allowed"


def test_erasing_what_is_not_there_or_naming_none_changes_nothing() -> None:
    partition = Partition(0, EVENTS.name, PolicyBook([V1]), REPLAY)
    partition.apply(erased("T-1", 1))
    assert not partition.drain()
    partition.apply(Recorded(EVENTS.name, 0, 1, 1, None, None, [(ERASE_HEADER, b"")]))
    assert len(partition.drain().dead_letters) == 1, "without a key it is a record like any other"
