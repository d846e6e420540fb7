"""The ids of alerts."""

from __future__ import annotations

from sla_domain.alert import RETRACTED_BY, AlertKind, SentAlert, alert_id, kind_of, notice_id
from sla_domain.announcement import AnnouncementKind


def test_an_id_is_the_same_for_the_same_and_for_nothing_else() -> None:
    sent = SentAlert("resolution", 1, "0.5", 1, 0, limit="severity")
    of = alert_id("T", AlertKind.WARNING, sent)
    assert of == alert_id("T", AlertKind.WARNING, sent._replace(at=99)), "its instant is no part"
    others = [
        alert_id("U", AlertKind.WARNING, sent),
        alert_id("T", AlertKind.WARNING_RETRACTED, sent),
        alert_id("T", AlertKind.WARNING, sent._replace(cycle=2)),
        alert_id("T", AlertKind.WARNING, sent._replace(occurrence=2)),
        alert_id("T", AlertKind.WARNING, sent._replace(what="0.75")),
    ]
    assert len({of, *others}) == 6
    assert len(of) == 32


def test_a_ticket_and_its_parts_can_not_be_mistaken_for_another() -> None:
    kind = AnnouncementKind.UNLISTED_CHANNEL
    assert notice_id("a", kind, "b") != notice_id("ab", kind, "")


def test_a_step_is_told_and_taken_back_by_alerts_of_its_kind() -> None:
    kinds = [kind_of(what) for what in ("0.5", "-30m", "breach", "manager#2")]
    assert kinds == [AlertKind.WARNING, AlertKind.WARNING, AlertKind.BREACH, AlertKind.ESCALATION]
    assert all(back.value == f"{kind.value}_retracted" for kind, back in RETRACTED_BY.items())
    assert {*kinds} == {*RETRACTED_BY}
