"""Escalations, their retractions and promises without a length in the tracker's metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from support.contracts import OWN_WORDS, WITH_STEPS, own_words
from support.pure import pure_event

from sla_domain.alert import Alert
from sla_domain.instant import parse_instant
from sla_domain.judge import apply_event, judge
from sla_domain.ticket import Ticket
from sla_tracker.metrics import TrackerMetrics


def test_escalations_and_what_takes_them_back_are_counted_by_their_kind() -> None:
    book, registry = own_words(WITH_STEPS), CollectorRegistry()
    metrics = TrackerMetrics(book, registry)
    ticket = Ticket("T-1", book)
    created = pure_event("created", "2026-11-23T12:00:00Z", severity="p1")
    apply_event(ticket, created, created.occurred, created.occurred - 1)
    late, at = pure_event("resolved", "2026-11-23T12:10:00Z"), parse_instant("2026-11-23T14:30:00Z")
    sent = judge(ticket, at)
    apply_event(ticket, late, at + 1, at)
    for alert in [*sent, *judge(ticket, at + 1)]:
        assert isinstance(alert, Alert)
        metrics._alerted(alert)
    labels = {"clock": "resolution", "severity": "p1", "step": "manager"}
    assert registry.get_sample_value("sla_escalations_total", labels) == 1
    back = {"kind": "escalation", "reason": "late_event"}
    assert registry.get_sample_value("sla_retractions_total", back) == 1


def test_a_clock_that_only_closings_promise_has_buckets() -> None:
    text = OWN_WORDS
    for within in ('"1h"', '"8h"', '"24h"'):
        text = text.replace(f"within = {within}", 'within = "end of business day"')
    registry = CollectorRegistry()
    TrackerMetrics(own_words(text), registry)
    assert (
        registry.get_sample_value(
            "sla_resolution_seconds_bucket", {"severity": "p1", "le": "900.0"}
        )
        == 0
    )
