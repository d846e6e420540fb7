"""Ticket events: what ticketing systems publish on ``support.tickets.v1``.

The envelope is CloudEvents 1.0 in structured JSON. ``data`` holds no free text: fields that are
not listed here are dropped on arrival, so that our topics hold no personal data beyond ids.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sla_schemas.types import Attributes, Id, Instant, SeverityText, Text, Word
from sla_schemas.words import CancelReason, Kind, ReplyKind

#: The CloudEvents type of a ticket event is this prefix and the name of the event.
TYPE_PREFIX: Final = "ticket."


class Data(BaseModel):
    """The data of an event."""

    model_config = ConfigDict(extra="ignore")


class Integration(Data):
    """The integration a ticket is about."""

    name: Text | None = None
    built_by: Word | None = None


class CreatedData(Data):
    """A client's communication became a ticket.

    The clocks start at ``communicated_at`` (clause C10), or at the event's own time if it is
    absent. The severity is given, or derived from ``impact`` and ``scope`` (clause C8).
    """

    client_id: Id
    communicated_at: Instant | None = None
    channel: Text | None = None
    kind: Kind | None = None
    requester_id: Id | None = None
    severity: SeverityText | None = None
    impact: Word | None = None
    scope: Word | None = None
    affects: list[Word] | None = None
    plan: Word | None = None
    attributes: Annotated[
        Attributes | None,
        Field(description="Region, product and what else agreements and calendars ask for."),
    ] = None
    integration: Integration | None = None


class AttributesChangedData(Data):
    """What is known of the client is another from now on, each only where it is given; the ticket
    may come under another agreement by it.
    """

    client_id: Id | None = None
    plan: Word | None = None
    attributes: Attributes | None = None


class AbsorbedData(Data):
    """Another ticket was merged into this one. With `merge = "earliest"` in the contract the client
    communicated this one, too, when it communicated that one.
    """

    ticket_id: Id
    communicated_at: Instant


class AssignedData(Data):
    """The ticket was assigned to an analyst; the first time counts as first response (C9)."""

    analyst_id: Id
    group: Text | None = None


class WaitingData(Data):
    """Work is waiting for the client, or for a third party of the client (clause C12)."""

    party: Word | None = None
    reason: Text | None = None


class WaitingForData(WaitingData):
    """Work is waiting for a party; the ticket's clocks pause for whom their contract says."""

    party: Word


class RepliedData(Data):
    """A public reply by the vendor to the client, never a bot's; an `answer` unless it says that it
    is only an `update`.
    """

    analyst_id: Id | None = None
    kind: ReplyKind | None = None


class MilestoneReachedData(Data):
    """Something that the contract promises beside an answer and a resolution, such as a workaround
    or a plan of action.
    """

    name: Word


class QueuedData(Data):
    """The ticket lies with a team, without an analyst."""

    group: Text


class NoData(Data):
    """No data: the type of the event says everything."""


class ResolvedData(Data):
    """The ticket was resolved or answered (clause C11), and where the fault lay (clause C20)."""

    origin: Word | None = None
    evidence: Text | None = None


class SeverityChangedData(Data):
    """The ticket has a different severity from now on, given or derived."""

    severity: SeverityText | None = None
    impact: Word | None = None
    scope: Word | None = None


class ReclassifiedData(SeverityChangedData):
    """The ticket is of a different kind from now on (clause C15)."""

    kind: Kind


class GuardContactedData(Data):
    """The client contacted the guard (clauses C18, C19)."""

    medium: Text | None = None


class ContactLoggedData(Data):
    """A contact with the client, and where its written record is (clause C14)."""

    contact_id: Id
    medium: Word
    record: Text | None = None


class ExceptionGrantedData(Data):
    """Time that is agreed not to count: a span, or a clock from its beginning to its end where
    neither `from` nor `until` is given. Without `clock` it is about all clocks of the ticket.
    """

    model_config = ConfigDict(extra="ignore", serialize_by_alias=True)

    exception_id: Id
    clock: Text | None = None
    from_: Annotated[Instant | None, Field(alias="from")] = None
    until: Instant | None = None
    reason: Text
    approved_by: Id


class ExceptionWithdrawnData(Data):
    """What was granted under this id before counts no longer."""

    exception_id: Id


class CancelledData(Data):
    """The ticket no longer counts: it is spam, a duplicate, merged or deleted."""

    reason: CancelReason | None = None
    merged_into: Id | None = None


class FeatureSubscribedData(Data):
    """Somebody wants to be notified about a feature request (clause C16)."""

    subscriber_id: Id


class Envelope(BaseModel):
    """The CloudEvents 1.0 context attributes that are used."""

    model_config = ConfigDict(extra="ignore")

    specversion: Literal["1.0"]
    id: Id
    source: Annotated[Text, Field(min_length=1)]
    subject: Annotated[Id, Field(description="The ticket id; also the record's key.")]
    time: Annotated[Instant, Field(description="When it occurred.")]
    sequence: Id | None = None
    traceparent: Text | None = None


class TicketCreated(Envelope):
    type: Literal["ticket.created"]
    data: CreatedData


class TicketAbsorbed(Envelope):
    type: Literal["ticket.absorbed"]
    data: AbsorbedData


class TicketAttributesChanged(Envelope):
    type: Literal["ticket.attributes_changed"]
    data: AttributesChangedData


class TicketAssigned(Envelope):
    type: Literal["ticket.assigned"]
    data: AssignedData


class TicketWaitingOnClient(Envelope):
    type: Literal["ticket.waiting_on_client"]
    data: WaitingData = WaitingData()


class TicketWaiting(Envelope):
    type: Literal["ticket.waiting"]
    data: WaitingForData


class TicketReplied(Envelope):
    type: Literal["ticket.replied"]
    data: RepliedData = RepliedData()


class TicketMilestoneReached(Envelope):
    type: Literal["ticket.milestone_reached"]
    data: MilestoneReachedData


class TicketQueued(Envelope):
    type: Literal["ticket.queued"]
    data: QueuedData


class TicketClientResponded(Envelope):
    type: Literal["ticket.client_responded"]
    data: NoData = NoData()


class TicketResolved(Envelope):
    type: Literal["ticket.resolved"]
    data: ResolvedData = ResolvedData()


class TicketReopened(Envelope):
    type: Literal["ticket.reopened"]
    data: NoData = NoData()


class TicketSeverityChanged(Envelope):
    type: Literal["ticket.severity_changed"]
    data: SeverityChangedData


class TicketReclassified(Envelope):
    type: Literal["ticket.reclassified"]
    data: ReclassifiedData


class TicketGuardContacted(Envelope):
    type: Literal["ticket.guard_contacted"]
    data: GuardContactedData = GuardContactedData()


class TicketContactLogged(Envelope):
    type: Literal["ticket.contact_logged"]
    data: ContactLoggedData


class TicketExceptionGranted(Envelope):
    type: Literal["ticket.exception_granted"]
    data: ExceptionGrantedData


class TicketExceptionWithdrawn(Envelope):
    type: Literal["ticket.exception_withdrawn"]
    data: ExceptionWithdrawnData


class TicketCancelled(Envelope):
    type: Literal["ticket.cancelled"]
    data: CancelledData = CancelledData()


class TicketFeatureSubscribed(Envelope):
    type: Literal["ticket.feature_subscribed"]
    data: FeatureSubscribedData


class TicketFeatureApproved(Envelope):
    type: Literal["ticket.feature_approved"]
    data: NoData = NoData()


TicketEvent = Annotated[
    TicketCreated
    | TicketAbsorbed
    | TicketAttributesChanged
    | TicketAssigned
    | TicketWaitingOnClient
    | TicketWaiting
    | TicketReplied
    | TicketMilestoneReached
    | TicketQueued
    | TicketClientResponded
    | TicketResolved
    | TicketReopened
    | TicketSeverityChanged
    | TicketReclassified
    | TicketGuardContacted
    | TicketContactLogged
    | TicketExceptionGranted
    | TicketExceptionWithdrawn
    | TicketCancelled
    | TicketFeatureSubscribed
    | TicketFeatureApproved,
    Field(discriminator="type"),
]

#: Validates any ticket event in a few microseconds; building this adapter takes milliseconds.
TICKET_EVENT: Final[TypeAdapter[TicketEvent]] = TypeAdapter(TicketEvent)
