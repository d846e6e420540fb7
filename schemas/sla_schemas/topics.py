"""The topics: what each is for, who writes and reads it, and how it must be configured.

This is the one definition; topic creation, ``sla doctor``, the topic files under ``schemas/topics``
and the AsyncAPI document are derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sla_domain.instant import DAY, MINUTE

#: Default number of partitions of every topic; it can't be changed later, since keys map to
#: partitions.
DEFAULT_PARTITIONS: Final = 12

#: The largest record accepted on the input topic, in bytes. It is larger than a valid event may be,
#: so that an oversized one becomes a dead letter instead of failing unseen at its producer.
MAX_INPUT_BYTES: Final = 2 * 1024 * 1024
#: A dead letter carries the original record and its reason and origin.
MAX_DEAD_LETTER_BYTES: Final = MAX_INPUT_BYTES + 64 * 1024
#: The largest record of the ticket table. More events for a ticket are refused long before that
#: (``sla_engine.partition.MAX_TICKET_WEIGHT``).
MAX_TICKET_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``model`` is the name of its record type in ``sla_schemas``."""

    name: str
    purpose: str
    key: str
    model: str
    made_by: tuple[str, ...]
    used_by: tuple[str, ...]
    config: Mapping[str, str] = field(default_factory=dict)
    #: Whether the programs can do their work without it.
    spare: bool = False

    def concerns(self, program: str) -> bool:
        """Whether ``program`` reads or writes it."""
        return program in self.made_by or program in self.used_by


def _deleted(days: int, **config: str) -> dict[str, str]:
    named = {name.replace("_", "."): value for name, value in config.items()}
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY), **named}


EVENTS: Final = Topic(
    "support.tickets.v1",
    "What happens to tickets.",
    "ticket id",
    "TicketEvent",
    ("ticketing systems", "sla_intake"),
    ("sla_tracker",),
    _deleted(30, message_timestamp_type="LogAppendTime", max_message_bytes=str(MAX_INPUT_BYTES)),
)
WARNINGS: Final = Topic(
    "support.sla-warnings.v1",
    "Warnings that a promise is about to be broken, and their retractions.",
    "ticket id",
    "WarningRecord",
    ("sla_tracker",),
    ("sla_notifier", "alerting"),
    _deleted(30),
)
BREACHES: Final = Topic(
    "support.sla-breaches.v1",
    "Breaches, which are broken promises, and their retractions.",
    "ticket id",
    "BreachRecord",
    ("sla_tracker",),
    ("sla_notifier", "alerting"),
    _deleted(90),
)
TICKETS: Final = Topic(
    "support.sla-tickets.v1",
    "The SLA state of every ticket; the tracker's table.",
    "ticket id",
    "TicketRecord",
    ("sla_tracker",),
    ("sla_board", "sla_notifier", "sla_tracker"),
    {
        "cleanup.policy": "compact",
        "max.message.bytes": str(MAX_TICKET_BYTES),
        # What was overwritten or erased is deleted within a day, however little is written.
        "max.compaction.lag.ms": str(DAY),
    },
)
PROGRESS: Final = Topic(
    "support.sla-progress.v1",
    "How far each input partition has been processed.",
    "application",
    "ProgressRecord",
    ("sla_tracker",),
    ("sla_tracker",),
    # A tracker learns the broker's time from its append times.
    {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"},
)
APPROVALS: Final = Topic(
    "support.feature-approvals.v1",
    "Approved feature requests, one record per subscriber.",
    "ticket id",
    "FeatureApproved",
    ("sla_tracker",),
    ("sla_notifier",),
    _deleted(30),
)
DEAD_LETTERS: Final = Topic(
    "support.tickets-dlq.v1",
    "Records that could not be used, unchanged; reason and origin in headers.",
    "original key",
    "bytes",
    ("sla_tracker", "sla_intake"),
    ("people", "sla dlq"),
    _deleted(90, max_message_bytes=str(MAX_DEAD_LETTER_BYTES)),
)
ALERT_DEAD_LETTERS: Final = Topic(
    "support.sla-alerts-dlq.v1",
    "Alerts that could not be delivered, unchanged; destination and reason in headers. One with "
    "sla-retried instead of a reason is to be delivered again.",
    "ticket id",
    "bytes",
    ("sla_notifier", "sla dlq"),
    ("people", "sla dlq", "sla_notifier"),
    _deleted(90),
)
HEARTBEATS: Final = Topic(
    "support.sla-heartbeats.v1",
    "Heartbeats: each program is running, how far it has got, and what keeps it from its work.",
    "program/instance",
    "Heartbeat",
    ("sla_tracker", "sla_board", "sla_notifier", "sla_intake"),
    ("sla_board", "sla doctor"),
    {
        # The last heartbeat of each program, for as long as anyone may ask what became of it.
        "cleanup.policy": "compact,delete",
        "retention.ms": str(7 * DAY),
        "segment.ms": str(10 * MINUTE),
        # The programs learn the broker's time from the append times.
        "message.timestamp.type": "LogAppendTime",
    },
    spare=True,
)

TOPICS: Final = (
    EVENTS,
    WARNINGS,
    BREACHES,
    TICKETS,
    PROGRESS,
    APPROVALS,
    DEAD_LETTERS,
    ALERT_DEAD_LETTERS,
    HEARTBEATS,
)
