"""The topics: what each is for, who writes and reads it, and how it must be configured.

This is the one definition; topic creation, ``sla doctor``, the topic files under ``schemas/topics``
and the AsyncAPI document are derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sla_domain.instant import DAY, MINUTE

#: Partitions of every topic unless told otherwise; fixed for life, since keys map to partitions.
DEFAULT_PARTITIONS: Final = 12

#: The largest record accepted on the input topic, in bytes; larger than a valid event may be, so
#: that an oversized one reaches the dead letters instead of failing at its producer unseen.
MAX_INPUT_BYTES: Final = 2 * 1024 * 1024
#: A dead letter carries the original record and its reason and origin.
MAX_DEAD_LETTER_BYTES: Final = MAX_INPUT_BYTES + 64 * 1024
#: The largest record of the ticket table. A ticket is refused more events long before
#: (``sla_engine.partition.MAX_TICKET_WEIGHT``).
MAX_TICKET_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``model`` names the records on it in ``sla_schemas``."""

    name: str
    purpose: str
    key: str
    model: str
    made_by: tuple[str, ...]
    used_by: tuple[str, ...]
    config: Mapping[str, str] = field(default_factory=dict)
    #: Whether the programs do their work without it.
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
    "Promises about to break, and warnings taken back.",
    "ticket id",
    "WarningRecord",
    ("sla_tracker",),
    ("sla_notifier", "alerting"),
    _deleted(30),
)
BREACHES: Final = Topic(
    "support.sla-breaches.v1",
    "Promises broken, and breaches taken back.",
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
        # What was overwritten or erased is gone a day later, however little is written.
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
    # Its append times are how a tracker knows the broker's time.
    {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"},
)
APPROVALS: Final = Topic(
    "support.feature-approvals.v1",
    "Approved feature requests, one record a subscriber.",
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
    "Alerts that a destination did not take, unchanged; destination and reason in headers. With "
    "sla-retried instead of a reason, one that is to be delivered again.",
    "ticket id",
    "bytes",
    ("sla_notifier", "sla dlq"),
    ("people", "sla dlq", "sla_notifier"),
    _deleted(90),
)
HEARTBEATS: Final = Topic(
    "support.sla-heartbeats.v1",
    "That each program is at work, how far it has come, and what it lacks.",
    "program/instance",
    "Heartbeat",
    ("sla_tracker", "sla_board", "sla_notifier", "sla_intake"),
    ("sla_board", "sla doctor"),
    {
        # The last heartbeat of each program, for as long as it is worth asking what became of it.
        "cleanup.policy": "compact,delete",
        "retention.ms": str(7 * DAY),
        "segment.ms": str(10 * MINUTE),
        # The append times tell the programs the broker's time.
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
