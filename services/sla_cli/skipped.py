"""The alerts that the notifier's routes skip because they came too late, found on the alert topics
with the notifier's own rule, so that it need not keep a list.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sla_domain.policy import PolicyBook
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_notifier.alert import RETRACTIONS, ReceivedAlert, UnreadableError, chosen
from sla_notifier.routes import Routes
from sla_schemas.topics import APPROVALS, BREACHES, WARNINGS


def skipped_alerts(
    settings: KafkaSettings, routes: Routes, book: PolicyBook
) -> list[dict[str, Any]]:
    """Each of them as a line of a listing, by the instant it is about; a retraction of such an
    alert is among them, and counts as just as late.
    """
    rows = asyncio.run(_skipped(settings, routes, book))
    return sorted(rows, key=lambda row: (row["time"], row["ticket"]))


async def _skipped(
    settings: KafkaSettings, routes: Routes, book: PolicyBook
) -> list[dict[str, Any]]:
    rows = []
    for topic in (WARNINGS, BREACHES, APPROVALS):
        # By alert; a retraction comes after its alert, in the same partition.
        lateness: dict[str, int] = {}
        for record in await read_topic(settings, topic.name):
            try:
                alert = ReceivedAlert.read(record.value)
            except UnreadableError:
                continue
            if alert.word in RETRACTIONS:
                late = lateness.get(alert.retracts, 0)
            else:
                late = lateness[alert.id] = alert.late
            # Most are not late at all.
            ways = chosen(routes.routes, alert, book, late) if late else None
            if ways is not None and ways.skipped:
                rows.append(_row(alert, late, ways.skipped))
    return rows


def _row(alert: ReceivedAlert, late: int, destinations: list[str]) -> dict[str, Any]:
    return {
        "id": alert.id,
        "ticket": alert.ticket_id,
        "client": alert.client,
        "kind": alert.word,
        "clock": alert.data.get("clock"),
        "severity": alert.severity,
        "time": alert.record["time"],
        "late_ms": late,
        "not_sent_to": destinations,
    }
