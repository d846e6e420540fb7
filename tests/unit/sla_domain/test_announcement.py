"""Announcements use the words of the contract."""

from __future__ import annotations

from typing import get_args

from sla_domain.announcement import AnnouncementKind
from sla_schemas.words import NoticeKind


def test_every_kind_but_the_approval_is_a_notice_of_the_contract() -> None:
    kinds = {kind.value for kind in AnnouncementKind} - {AnnouncementKind.FEATURE_APPROVED.value}
    assert kinds == set(get_args(NoticeKind))
