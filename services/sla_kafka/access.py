"""Who may do what on the broker: the minimum that each program needs.

This is the one definition; the users under ``deploy/kubernetes`` and the table in
``docs/security.md`` are derived from it, and a test runs every program with exactly this much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sla_schemas.topics import (
    ALERT_DEAD_LETTERS,
    APPROVALS,
    BREACHES,
    DEAD_LETTERS,
    EVENTS,
    HEARTBEATS,
    PROGRESS,
    TICKETS,
    TOPICS,
    WARNINGS,
    Topic,
)

ResourceType = Literal["topic", "group", "transactionalId"]
Operation = Literal["Read", "Write", "Describe", "DescribeConfigs"]


@dataclass(frozen=True, slots=True)
class Permission:
    """What may be done to one resource, or to all whose names begin with ``name``. ``Read`` and
    ``Write`` include ``Describe``.
    """

    resource: ResourceType
    name: str
    operations: tuple[Operation, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A user of the broker: the program that signs in as this user, and all that it may do."""

    name: str
    purpose: str
    permissions: tuple[Permission, ...]


def _on(topic: Topic, *operations: Operation) -> Permission:
    return Permission("topic", topic.name, operations)


#: Both are prefixes, so that trackers and notifiers may run under other names, such as
#: ``sla-tracker-eu``.
_TRACKERS: Final = "sla-tracker"
_NOTIFIERS: Final = "sla-notifier"

TRACKER: Final = User(
    "sla-tracker",
    "the tracker",
    (
        # Written to as well: an event under a wrong key is published again under the right one.
        _on(EVENTS, "Read", "Write", "DescribeConfigs"),
        *(_on(topic, "Read", "Write", "DescribeConfigs") for topic in (TICKETS, PROGRESS)),
        *(
            _on(topic, "Write", "DescribeConfigs")
            for topic in (WARNINGS, BREACHES, APPROVALS, DEAD_LETTERS)
        ),
        _on(HEARTBEATS, "Write", "DescribeConfigs"),
        Permission("group", _TRACKERS, ("Read",), prefix=True),
        Permission("transactionalId", _TRACKERS, ("Write",), prefix=True),
    ),
)
BOARD: Final = User(
    "sla-board",
    "the board",
    (
        *(_on(topic, "Read") for topic in (TICKETS, PROGRESS)),
        # How far the tracker is behind; the events themselves are not read.
        _on(EVENTS, "Describe"),
        _on(HEARTBEATS, "Read", "Write"),
    ),
)
NOTIFIER: Final = User(
    "sla-notifier",
    "the notifier",
    (
        *(_on(topic, "Read") for topic in (WARNINGS, BREACHES, APPROVALS, TICKETS)),
        # Read as well: an alert that somebody retries goes to its destination.
        _on(ALERT_DEAD_LETTERS, "Read", "Write"),
        _on(HEARTBEATS, "Write"),
        Permission("group", _NOTIFIERS, ("Read",), prefix=True),
    ),
)
INTAKE: Final = User(
    "sla-intake",
    "the intake",
    (_on(EVENTS, "Write"), _on(DEAD_LETTERS, "Write"), _on(HEARTBEATS, "Write")),
)
#: Transactional id with which a retry of dead letters fences off every other one (KIP-98).
DLQ_RETRY_ID: Final = "sla-dlq-retry"
#: Operators: ``sla doctor``, ``explain``, ``dlq``, ``publish``, ``erase``.
OPERATOR: Final = User(
    "sla-operator",
    "people at the command line",
    (
        *(
            _on(topic, "Read", "Write", "DescribeConfigs")
            if topic in (EVENTS, DEAD_LETTERS, ALERT_DEAD_LETTERS)
            else _on(topic, "Read", "DescribeConfigs")
            for topic in TOPICS
        ),
        Permission("transactionalId", DLQ_RETRY_ID, ("Write",)),
        # To see the members of the groups.
        Permission("group", _TRACKERS, ("Describe",), prefix=True),
        Permission("group", _NOTIFIERS, ("Describe",), prefix=True),
    ),
)

#: Starts more trackers when they are behind, such as KEDA: it sees the lag, but no records.
SCALER: Final = User(
    "sla-scaler",
    "the scaler of the trackers",
    (_on(EVENTS, "Describe"), Permission("group", _TRACKERS, ("Describe",), prefix=True)),
)

USERS: Final = (TRACKER, BOARD, NOTIFIER, INTAKE, OPERATOR, SCALER)
