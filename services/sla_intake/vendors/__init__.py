"""What each vendor sends, as events of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sla_intake.draft import Delivery
from sla_intake.sources import Vendor
from sla_intake.vendors import cloudevents, freshdesk, github, jira, zendesk

#: Makes the events of a delivery; none where it says nothing that concerns a promise. Raises
#: ``UnusableError``.
Translate = Callable[[Delivery], list[dict[str, Any]]]

TRANSLATE: Final[dict[Vendor, Translate]] = {
    "zendesk": zendesk.translate,
    "jira": jira.translate,
    "freshdesk": freshdesk.translate,
    "github": github.translate,
    "cloudevents": cloudevents.translate,
}
