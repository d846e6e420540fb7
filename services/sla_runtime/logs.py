"""JSON lines on standard error."""

from __future__ import annotations

import logging
import sys

import structlog


class _Passed(logging.Handler):
    """Passes on what is logged with the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(record.levelno, record.getMessage())


def configure_logs() -> None:
    """Log as JSON, in the same way for every program. Lines contain ids at most, never payloads."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.EventRenamer("message"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # The libraries log every retry and internal detail; what matters is raised as an exception.
    for name in ("aiokafka", "faust", "mode", "opentelemetry", "uvicorn"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    policies = logging.getLogger("sla_policy")
    policies.handlers, policies.propagate = [_Passed()], False
