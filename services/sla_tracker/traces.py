"""The trace that an alert belongs to: that of the event that caused it.

It is kept in memory for the latest events only: after a restart, or if the event was long ago, an
alert belongs to no trace. Nothing depends on it.
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

#: How many events' traces are remembered, per partition.
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
        """Remember the trace of an event, if it has one."""
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
        """A span for each alert caused by a traced event: the alert's id, the span, and the
        traceparent to send with the alert.
        """
        begun = []
        for alert in alerts:
            parent = self._known.get((alert.ticket_id, alert.caused_by))
            if parent is not None:
                span = self._tracing.begin(alert.kind.value, parent, ticket_id=alert.ticket_id)
                begun.append((alert.id, span, self._tracing.traceparent(span)))
        return begun
