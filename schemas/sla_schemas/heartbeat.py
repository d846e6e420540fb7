"""What each program says of itself every few seconds."""

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
            description="`running`, what it does before it is, or `failed` until it has come on "
            "again."
        ),
    ]
    offset: Annotated[
        int | None,
        Field(description="Everything before it is done; ends of transactions may lie before it."),
    ]
    unread: Annotated[
        int | None,
        Field(
            ge=0,
            description="What is not done, as last heard: the offsets from there to the end; of a "
            "notifier the records under way, and the offsets that come behind them. 0 once all is "
            "read and done. Null where that is not known.",
        ),
    ]
    frontier: Annotated[
        Instant | None, Field(description="The instant up to which this partition is known.")
    ]
    lag_ms: Annotated[
        Milliseconds | None,
        Field(
            description="How far the frontier is behind the broker's time, the grace left out; "
            "null in a replay, and before it is known."
        ),
    ]
    stalled_ms: Annotated[
        Milliseconds,
        Field(description="How long nothing was committed although there was something to read."),
    ]


class Heartbeat(Strict):
    """A program, that it is at work, how far it has come, and what it lacks."""

    program: Program
    instance: Annotated[Text, Field(description="Which of its kind: host and process.")]
    version: Text
    started_at: Annotated[Instant, Field(description="By its machine's clock.")]
    broker_time: Annotated[
        Instant | None, Field(description="The broker's time; null before the first answer.")
    ]
    every_ms: Annotated[Milliseconds, Field(description="When the next one is to be expected.")]
    stopped: Annotated[bool, Field(description="Whether it is the last one, of an orderly end.")]
    group: Annotated[Text | None, Field(description="The consumer group it belongs to.")]
    progressing: Annotated[bool, Field(description="Whether it comes on with what it is for.")]
    lacks: Annotated[list[Text], Field(description="What keeps it from its work, in sentences.")]
    partitions: list[PartitionStanding]
