"""A sample alert of each kind, to try templates before a real alert depends on them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from sla_domain.policy import PolicyBook
from sla_notifier.alert import ReceivedAlert
from sla_notifier.requests import Composer
from sla_notifier.routes import Routes, kinds_of

_CLOCK: Final[dict[str, Any]] = {
    "clock": "resolution",
    "cycle": 1,
    "occurrence": 1,
    "limit": "severity",
    "start": "2026-11-23T12:00:00.000Z",
    "counted_from": "2026-11-23T12:00:00.000Z",
    "due": "2026-11-23T21:00:00.000Z",
    "target_ms": 28_800_000,
    "boundary": "inclusive",
    "calendar": "business",
    "used_ms": 14_400_000,
    "paused_ms": 0,
    "pauses": [],
    "follows": ["1"],
}
_ESCALATION: Final = {"name": "manager", "number": 1}
_BACK: Final = {"retracts": "2", "reason": "late_event"}
#: The content of each kind of alert, besides the ticket it is about.
_DATA: Final[dict[str, dict[str, Any]]] = {
    "sla.warning": _CLOCK | {"fraction": "0.5"},
    "sla.breach": _CLOCK | {"breached_at": "2026-11-23T21:00:00.001Z"},
    "sla.warning_retracted": _CLOCK | _BACK | {"fraction": "0.5"},
    "sla.breach_retracted": _CLOCK | _BACK,
    "sla.escalation": _CLOCK | _ESCALATION,
    "sla.escalation_retracted": _CLOCK | _BACK | _ESCALATION,
    "sla.notice": {"kind": "written_record_missing", "contact": "call-7"},
    "feature.approved": {"subscriber_id": "lucia", "severity": None},
}


def failing_templates(routes: Routes, book: PolicyBook) -> Iterator[str]:
    """How each destination's template fails, in sentences: one per kind of alert that a route
    sends there. Raises ``RoutesError`` if a secret is missing.
    """
    board = None if routes.board is None else str(routes.board)
    for destination in routes.destinations:
        composer = Composer(destination, board, book)
        words = {
            word
            for route in routes.routes
            if destination.name in route.to
            for word in kinds_of(route)
        }
        for alert in _samples(book):
            if alert.word not in words:
                continue
            try:
                composer.request([alert], time.time_ns() // 1_000_000)
            except Exception as error:  # noqa: BLE001  a template may raise anything
                yield (
                    f"the template of destination {destination.name!r} fails on alerts of kind "
                    f"{alert.word}: {type(error).__name__}: {error}"
                )


def _samples(book: PolicyBook) -> Iterator[ReceivedAlert]:
    about = {
        "ticket_id": "48213",
        "client_id": "acme",
        "severity": next(iter(book.severities), None),
    }
    for name, data in _DATA.items():
        record = {
            "specversion": "1.0",
            "id": "1",
            "source": "/sla-tracker",
            "type": name,
            "subject": about["ticket_id"],
            "time": "2026-11-23T17:00:00.000Z",
            "data": about | {"policy": str(book.latest.ref)} | data,
        }
        yield ReceivedAlert.read(json.dumps(record).encode())
