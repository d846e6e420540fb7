"""What a contract requires for a ticket besides its clocks, as set by the policy."""

from __future__ import annotations

from support import default_book
from support.contracts import own_words
from support.pure import pure_event

from sla_domain.announcement import AnnouncementKind
from sla_domain.obligations import Obligations

POLICY = default_book().latest
NOON = "2026-11-23T12:00:00Z"
LATER = "2026-11-23T13:00:00Z"


def kinds(found: Obligations) -> list[AnnouncementKind]:
    return [item.kind for item in found.announcements]


def test_a_call_without_a_record_is_owed_until_one_is_told() -> None:
    found = Obligations(POLICY)
    found.contact_logged(pure_event("contact_logged", NOON, contact_id="c", medium="phone"))
    assert [owed.closed for owed in found.records] == [None]
    told = pure_event("contact_logged", LATER, contact_id="c", medium="email", record="mail")
    found.contact_logged(told)
    assert [(owed.closed, owed.record) for owed in found.records] == [(told.occurred, "mail")]
    found.resolved(pure_event("resolved", LATER))
    assert kinds(found) == []


def test_a_call_without_a_record_is_missed_at_the_resolution_once() -> None:
    found = Obligations(POLICY)
    for _ in range(2):
        found.contact_logged(pure_event("contact_logged", NOON, contact_id="c", medium="phone"))
    assert len(found.records) == 1
    for at in (NOON, LATER):
        found.resolved(pure_event("resolved", at))
    assert kinds(found) == [AnnouncementKind.WRITTEN_RECORD_MISSING]


def test_a_written_contact_owes_nothing() -> None:
    found = Obligations(POLICY)
    found.contact_logged(pure_event("contact_logged", NOON, contact_id="c", medium="email"))
    assert found.records == []


def test_a_channel_that_is_not_listed_is_questioned() -> None:
    found = Obligations(POLICY)
    found.created(pure_event("created", NOON, channel=min(POLICY.channels)))
    assert kinds(found) == []
    found.created(pure_event("created", NOON, channel="fax"))
    assert kinds(found) == [AnnouncementKind.UNLISTED_CHANNEL]


def test_each_subscriber_is_told_once_in_the_order_they_subscribed() -> None:
    found = Obligations(POLICY)
    found.created(pure_event("created", NOON, requester_id="ana"))
    for who in ("luis", "ana"):
        found.subscribed(pure_event("feature_subscribed", NOON, subscriber_id=who))
    for at in (NOON, LATER):
        found.approved(pure_event("feature_approved", at))
    assert [item.about for item in found.announcements] == ["ana", "luis"]


def test_a_guard_without_a_plan_is_not_covered_each_time() -> None:
    found = Obligations(POLICY)
    for at in (NOON, LATER):
        found.guard_contacted(pure_event("guard_contacted", at), None, "blocker")
    assert kinds(found) == [AnnouncementKind.GUARD_NOT_COVERED] * 2


def test_a_contact_is_an_event_like_any_other_where_there_are_no_plans() -> None:
    found = Obligations(own_words().latest)
    found.guard_contacted(pure_event("guard_contacted", "2026-11-23T12:00:00Z"), None, "p1")
    assert found.announcements == []
