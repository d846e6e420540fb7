"""The heartbeat that each program publishes every few seconds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sla_schemas.alerts import Strict
from sla_schemas.types import Instant, Milliseconds, Text

Program = Literal["tracker", "notifier", "intake", "board"]


class PartitionStanding(Strict):
    """How far a program has come with a partition it owns."""

    topic: Text
    partition: Annotated[int, Field(ge=0)]
    state: Annotated[
        Text,
        Field(
            description="`running`, the step before that, or `failed` until it makes progress "
            "again."
        ),
    ]
    offset: Annotated[
        int | None,
        Field(
            description="Everything before this offset is done; transaction markers may lie right "
            "before it."
        ),
    ]
    unread: Annotated[
        int | None,
        Field(
            ge=0,
            description="What is not done, as last known: the offsets from `offset` to the end; "
            "for a notifier, the records in flight and the offsets after them. 0 once everything "
            "is read and done; null if not known.",
        ),
    ]
    frontier: Annotated[
        Instant | None,
        Field(description="The instant up to which everything in this partition is known."),
    ]
    lag_ms: Annotated[
        Milliseconds | None,
        Field(
            description="How far the frontier is behind the broker's time, not counting the grace; "
            "null in a replay, and before it is known."
        ),
    ]
    stalled_ms: Annotated[
        Milliseconds,
        Field(description="How long nothing has been committed although there is input to read."),
    ]


class Heartbeat(Strict):
    """Shows that a program is running, how far it has got, and what keeps it from its work."""

    program: Program
    instance: Annotated[Text, Field(description="The instance of the program: host and process.")]
    version: Text
    started_at: Annotated[Instant, Field(description="By the clock of its machine.")]
    broker_time: Annotated[
        Instant | None, Field(description="The broker's time; null before the first answer.")
    ]
    every_ms: Annotated[Milliseconds, Field(description="Time until the next heartbeat.")]
    stopped: Annotated[bool, Field(description="True in the last one, sent on a clean shutdown.")]
    group: Annotated[Text | None, Field(description="The consumer group it belongs to.")]
    progressing: Annotated[bool, Field(description="Whether it is making progress.")]
    lacks: Annotated[list[Text], Field(description="What keeps it from its work, as sentences.")]
    partitions: list[PartitionStanding]
