"""Which trace an alert belongs to: that of the event it follows from.

Kept in memory for the latest events alone: after a restart, or for a deadline of long ago, an alert
belongs to no trace. Nothing depends on it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from sla_domain.alert import Alert, Notice
from sla_engine.wire.records import Record
from sla_runtime.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

#: Events whose traces are remembered, by partition.
REMEMBERED: Final = 50_000


class _Traced(msgspec.Struct):
    id: str
    traceparent: str
    subject: str = ""


_TRACED: Final = msgspec.json.Decoder(_Traced)


class Traces:
    """The traces of one partition's latest events."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    def observe(self, record: Record) -> None:
        """Remember the trace of an event, where it has one."""
        if not record.value or b"traceparent" not in record.value:
            return
        try:
            event = _TRACED.decode(record.value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        self._known[event.subject, event.id] = event.traceparent
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def begin(self, alerts: Iterable[Alert | Notice]) -> list[tuple[str, Span, str]]:
        """A span for each alert that follows from a traced event: the alert's id, the span, and the
        traceparent that goes along with the alert.
        """
        begun = []
        for alert in alerts:
            parent = self._known.get((alert.ticket_id, alert.caused_by))
            if parent is not None:
                span = self._tracing.begin(alert.kind.value, parent, ticket_id=alert.ticket_id)
                begun.append((alert.id, span, self._tracing.traceparent(span)))
        return begun
