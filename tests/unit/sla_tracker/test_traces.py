"""The trace of an alert."""

from __future__ import annotations

import sys

import pytest
from support import event, lines_of
from support.receiver import Receiver

from sla_domain.policy import PolicyBook
from sla_engine.frontier import REPLAY
from sla_engine.partition import Partition
from sla_lab.recording import laid_out
from sla_runtime.tracing import Tracing, TracingError, make_tracing
from sla_schemas.topics import EVENTS
from sla_tracker.traces import Traces

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_an_alert_goes_on_with_the_trace_of_its_event(book: PolicyBook) -> None:
    traced = event("created", "2026-11-23T12:00:00Z", severity="blocker") | {
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"
    }
    other = event("created", "2026-11-23T12:00:00Z", "T-2", severity="blocker")
    broken = event("created", "2026-11-23T12:00:00Z", "T-3", severity="blocker") | {
        "traceparent": "of no form"
    }
    partition = Partition(0, EVENTS.name, book, REPLAY)
    with Receiver() as collector:
        tracing = Tracing("test", collector.url)
        traces = Traces(tracing)
        for record in laid_out(lines_of([traced, other, broken]), EVENTS.name, 1):
            partition.apply(record)
            traces.observe(record)
        partition.advance(partition.frontier + 24 * 3600 * 1000)
        effects = partition.drain()
        begun = traces.begin(effects.alerts)
        tracing.stop()
    of = {alert.id: alert.ticket_id for alert in effects.alerts}
    parents = {of[alert_id]: parent for alert_id, _, parent in begun}
    assert parents.keys() == {"T-1", "T-3"}
    assert parents["T-1"].startswith(f"00-{TRACE}-")
    assert "00f067aa0ba902b7" not in parents["T-1"], "a span of its own"
    assert TRACE not in parents["T-3"], "a parent that is none begins a trace"


def test_nothing_is_traced_unless_a_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLA_TRACING_ENDPOINT", raising=False)
    assert make_tracing("test") is None


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLA_TRACING_ENDPOINT", "http://127.0.0.1:1/v1/traces")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TracingError, match=r"sla-tracker\[tracing\]"):
        make_tracing("test")
