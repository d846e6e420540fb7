"""Alerts: what the tracker publishes on the warning and breach topics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sla_schemas.types import Id, Instant, Milliseconds, Text, Word
from sla_schemas.words import NoticeKind, RetractionReason


class Strict(BaseModel):
    """A record of ours: nothing in it that is not listed."""

    model_config = ConfigDict(extra="forbid")


class PauseRecord(Strict):
    """A span that did not count, its open part on the clock's calendar, and whose it is (C12)."""

    start: Instant
    end: Annotated[Instant | None, Field(description="Null where it lasted beyond the alert.")]
    party: Word
    counted_ms: Milliseconds


class ClockFigures(Strict):
    """A clock as an alert tells it, at the alert's instant."""

    start: Instant
    counted_from: Annotated[
        Instant, Field(description="Where the limit begins: the start, or the guard's contact.")
    ]
    due: Annotated[
        Instant | None, Field(description="First instant at which the used time equals the target.")
    ]
    target_ms: Milliseconds
    boundary: Literal["exclusive", "inclusive"]
    calendar: Text
    used_ms: Milliseconds
    paused_ms: Annotated[Milliseconds, Field(description="Open part of the pauses.")]
    pauses: list[PauseRecord]
    follows: Annotated[list[Id], Field(description="Ids of the events the figures follow from.")]


class TicketData(Strict):
    """Which ticket a record is about, and the policy it is pinned to."""

    ticket_id: Id
    client_id: Text
    severity: Word | None
    policy: Text
    late_ms: Annotated[
        Milliseconds,
        Field(
            description="By how long after the instant it speaks of the event that made it owed "
            "was appended; 0 for a deadline that fired in its time."
        ),
    ] = 0


class AlertData(TicketData):
    """Which promise an alert is about, and which of the clock's limits (clause C5): ``severity``,
    or the name of a plan.
    """

    clock: Text
    cycle: Annotated[int, Field(ge=1)]
    occurrence: Annotated[int, Field(ge=1)]
    limit: Text


class WarningData(AlertData, ClockFigures):
    """The used time reached this fraction of the target."""

    fraction: Text


class BreachData(AlertData, ClockFigures):
    """The promise was broken at ``breached_at``, by the limit named."""

    breached_at: Instant


class RetractionData(AlertData):
    """Takes ``retracts`` back. The figures are those the clock has now at the alert's instant;
    they are absent where the clock no longer exists.
    """

    retracts: Id
    reason: RetractionReason
    start: Instant | None = None
    counted_from: Instant | None = None
    due: Instant | None = None
    target_ms: Milliseconds | None = None
    boundary: Literal["exclusive", "inclusive"] | None = None
    calendar: Text | None = None
    used_ms: Milliseconds | None = None
    paused_ms: Milliseconds | None = None
    pauses: list[PauseRecord] | None = None
    follows: list[Id] | None = None


class WarningRetractionData(RetractionData):
    """Takes the warning of this fraction back."""

    fraction: Text


class BreachRetractionData(RetractionData):
    """Takes the breach of this limit back."""


class NoticeData(TicketData):
    """Something about a ticket is not as the contract has it; said once and not taken back.

    ``contact`` is the contact it concerns (clauses C14, C17), null for the ticket as a whole.
    """

    kind: NoticeKind
    contact: Text | None


class FeatureApprovedData(TicketData):
    """The feature request that ``subscriber_id`` added or subscribed to is approved (C16)."""

    subscriber_id: Id


class OutputEnvelope(Strict):
    """CloudEvents 1.0 context attributes of what the tracker emits."""

    specversion: Literal["1.0"]
    id: Id
    source: Text
    subject: Annotated[Id, Field(description="The ticket id.")]
    time: Annotated[Instant, Field(description="The instant the alert speaks of.")]
    partitionkey: Id
    causationid: Annotated[Id, Field(description="Id of the event it follows from.")]
    dataschema: Text
    datacontenttype: Literal["application/json"]


class SlaWarning(OutputEnvelope):
    type: Literal["sla.warning"]
    data: WarningData


class SlaWarningRetracted(OutputEnvelope):
    type: Literal["sla.warning_retracted"]
    data: WarningRetractionData


class SlaBreach(OutputEnvelope):
    type: Literal["sla.breach"]
    data: BreachData


class SlaBreachRetracted(OutputEnvelope):
    type: Literal["sla.breach_retracted"]
    data: BreachRetractionData


class SlaNotice(OutputEnvelope):
    type: Literal["sla.notice"]
    data: NoticeData


class FeatureApproved(OutputEnvelope):
    type: Literal["feature.approved"]
    data: FeatureApprovedData


WarningRecord = Annotated[SlaWarning | SlaWarningRetracted | SlaNotice, Field(discriminator="type")]
BreachRecord = Annotated[SlaBreach | SlaBreachRetracted, Field(discriminator="type")]
