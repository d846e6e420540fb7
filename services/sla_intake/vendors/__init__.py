"""What each vendor sends, as events of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sla_intake.delivery import Delivery
from sla_intake.draft import Translation
from sla_intake.sources import Vendor
from sla_intake.vendors import cloudevents, freshdesk, github, jira, zendesk
from sla_runtime.tracing import TRACEPARENT

#: What a delivery comes to. Raises ``UnusableError`` where nothing of it can be understood.
Translate = Callable[[Delivery], Translation]

_KEPT: Final = frozenset({"content-type", TRACEPARENT, github.DELIVERY_ID})

TRANSLATE: Final[dict[Vendor, Translate]] = {
    "zendesk": zendesk.translate,
    "jira": jira.translate,
    "freshdesk": freshdesk.translate,
    "github": github.translate,
    "cloudevents": cloudevents.translate,
}


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The HTTP headers that reading a delivery needs; none of them proves anything."""
    return {
        name: value
        for name, value in headers.items()
        if name in _KEPT or name.startswith(cloudevents.ATTRIBUTE)
    }
