"""OpenTelemetry traces from an event to its alert; off unless a collector is configured.

The context is passed on as W3C ``traceparent``: in an event as its CloudEvents attribute
(Distributed Tracing extension), on an alert as a record header, so that alerts have the same
content with and without tracing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

from sla_config.errors import UserFacingError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

#: The header of records and of HTTP requests (W3C Trace Context).
TRACEPARENT: Final = "traceparent"


class TracingError(UserFacingError):
    """Tracing is enabled but not possible; the message says what to install."""


class TracingSettings(BaseSettings):
    """Where traces are sent, from the environment with the prefix ``SLA_TRACING_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_TRACING_", hide_input_in_errors=True)

    endpoint: HttpUrl | None = Field(
        None,
        description="OTLP endpoint over HTTP, such as `http://collector:4318/v1/traces`; without "
        "it, tracing is off.",
    )


class Tracing:
    """Creates the spans of one program and sends them to a collector in the background."""

    def __init__(self, program: str, endpoint: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
            from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
                TraceContextTextMapPropagator,
            )
        except ImportError as error:
            raise TracingError(
                "SLA_TRACING_ENDPOINT is set, but OpenTelemetry is not installed; install "
                "'sla-tracker[tracing]'"
            ) from error
        self._context = TraceContextTextMapPropagator()
        self._provider = TracerProvider(resource=Resource.create({"service.name": program}))
        exporter = OTLPSpanExporter(endpoint, timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        self._tracer = self._provider.get_tracer("sla")

    def begin(self, name: str, parent: str, **attributes: str) -> Span:
        """A span in the trace of ``parent`` (a traceparent); an invalid parent starts a new
        trace.
        """
        context = self._context.extract({TRACEPARENT: parent})
        return self._tracer.start_span(name, context, attributes=attributes)

    def traceparent(self, span: Span) -> str:
        """The traceparent to send along from ``span``."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415  see above

        carrier: dict[str, str] = {}
        self._context.inject(carrier, set_span_in_context(span))
        return carrier[TRACEPARENT]

    def stop(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def make_tracing(program: str) -> Tracing | None:
    """Tracing as set by the environment; ``None`` if it is off. Raises ``TracingError``."""
    endpoint = TracingSettings().endpoint
    return None if endpoint is None else Tracing(program, str(endpoint))


def traceparent_in(headers: Mapping[str, Any]) -> str | None:
    """The traceparent among a record's headers."""
    found = headers.get(TRACEPARENT)
    return found.decode("ascii", "replace") if isinstance(found, bytes) else None
