"""Alerts: what the tracker publishes on the warning and breach topics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sla_schemas.types import Id, Instant, Milliseconds, Text, Word
from sla_schemas.words import NoticeKind, RetractionReason


class Strict(BaseModel):
    """A record that our programs write; fields that are not listed are forbidden."""

    model_config = ConfigDict(extra="forbid")


class PauseRecord(Strict):
    """A pause: its span, its business time on the clock's calendar, and whom it waits for (C12)."""

    start: Instant
    end: Annotated[Instant | None, Field(description="Null where it lasted beyond the alert.")]
    party: Word
    counted_ms: Milliseconds


class ClockFigures(Strict):
    """The figures of a clock at the alert's instant."""

    start: Instant
    counted_from: Annotated[
        Instant,
        Field(description="When the limit starts to count: at the start, or at the guard contact."),
    ]
    due: Annotated[
        Instant | None, Field(description="First instant at which the used time equals the target.")
    ]
    target_ms: Milliseconds
    boundary: Literal["exclusive", "inclusive"]
    calendar: Text
    used_ms: Milliseconds
    paused_ms: Annotated[Milliseconds, Field(description="Business time of the pauses.")]
    pauses: list[PauseRecord]
    follows: Annotated[list[Id], Field(description="Ids of the events the figures result from.")]


class TicketData(Strict):
    """The ticket a record is about, and the policy version it is pinned to."""

    ticket_id: Id
    client_id: Text
    severity: Word | None
    policy: Text
    agreement: Annotated[
        Text | None,
        Field(description="Whose target it is, where the policy has agreements; else absent."),
    ] = None
    late_ms: Annotated[
        Milliseconds,
        Field(
            description="How long after the alert's own `time` the event that caused it was "
            "appended; 0 for a deadline that fired on time."
        ),
    ] = 0


class AlertData(TicketData):
    """The promise an alert is about, and the limit of the clock (clause C5): ``severity``, or the
    name of a plan.
    """

    clock: Text
    cycle: Annotated[int, Field(ge=1)]
    team: Annotated[
        Text | None, Field(description="Whose promise it is, between teams; else absent.")
    ] = None
    occurrence: Annotated[int, Field(ge=1)]
    limit: Text


class WarningData(AlertData, ClockFigures):
    """The used time has reached this fraction of the target (`0.75`), or this much before its end
    (`-30m`).
    """

    fraction: Text


class BreachData(AlertData, ClockFigures):
    """The promise was broken at ``breached_at``, under the limit named."""

    breached_at: Instant


class EscalationFields(Strict):
    """Which step past the breach: its name in the policy, and which of those with that name."""

    name: Word
    number: Annotated[int, Field(ge=1)]


class EscalationData(AlertData, ClockFigures, EscalationFields):
    """The promise has been broken for so long that the policy escalates it."""


class RetractionData(AlertData):
    """Retracts the alert with the id ``retracts``. The figures are the clock's corrected figures at
    the alert's instant; they are absent if the clock no longer exists.
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
    """Retracts the warning for this fraction."""

    fraction: Text


class BreachRetractionData(RetractionData):
    """Retracts the breach of this limit."""


class EscalationRetractionData(RetractionData, EscalationFields):
    """Retracts this escalation."""


class NoticeData(TicketData):
    """Something about a ticket does not match the contract; sent once and never retracted.

    ``contact`` is the contact it concerns (clauses C14, C17), or null if it concerns the ticket.
    """

    kind: NoticeKind
    contact: Text | None


class FeatureApprovedData(TicketData):
    """The feature request that ``subscriber_id`` made or subscribed to was approved (C16)."""

    subscriber_id: Id


class OutputEnvelope(Strict):
    """CloudEvents 1.0 context attributes of the alerts that the tracker publishes."""

    specversion: Literal["1.0"]
    id: Id
    source: Text
    subject: Annotated[Id, Field(description="The ticket id.")]
    time: Annotated[Instant, Field(description="The instant the alert is about.")]
    partitionkey: Id
    causationid: Annotated[Id, Field(description="Id of the event that caused it.")]
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


class SlaEscalation(OutputEnvelope):
    type: Literal["sla.escalation"]
    data: EscalationData


class SlaEscalationRetracted(OutputEnvelope):
    type: Literal["sla.escalation_retracted"]
    data: EscalationRetractionData


class SlaNotice(OutputEnvelope):
    type: Literal["sla.notice"]
    data: NoticeData


class FeatureApproved(OutputEnvelope):
    type: Literal["feature.approved"]
    data: FeatureApprovedData


WarningRecord = Annotated[SlaWarning | SlaWarningRetracted | SlaNotice, Field(discriminator="type")]
BreachRecord = Annotated[
    SlaBreach | SlaBreachRetracted | SlaEscalation | SlaEscalationRetracted,
    Field(discriminator="type"),
]
