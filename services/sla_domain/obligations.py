"""What the contract requires for a ticket besides its clocks: written records, evidence, coverage,
and telling subscribers. A violation becomes an announcement.
"""

from __future__ import annotations

from dataclasses import dataclass

from sla_domain.announcement import Announcement, AnnouncementKind
from sla_domain.event import Event
from sla_domain.granted_exceptions import allowed
from sla_domain.policy import Plan, Policy


@dataclass(slots=True)
class Obligation:
    """A spoken contact whose agreement must be put in writing (clause C14).

    ``record`` says where it was written, at ``closed``; both are ``None`` while it is missing.
    """

    contact_id: str
    medium: str
    opened: int
    closed: int | None = None
    record: str | None = None


class Obligations:
    """The obligations, subscribers and announcements of one ticket, in timeline order."""

    __slots__ = ("_policy", "announcements", "records", "subscribers")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.announcements: list[Announcement] = []
        self.records: list[Obligation] = []
        #: Told when the feature is approved, in order of subscription (C16).
        self.subscribers: list[str] = []

    def created(self, event: Event) -> None:
        """Check the channel, and subscribe the requester."""
        facts = event.facts
        listed = self._policy.channels
        channel = facts.get("channel")
        if channel is not None and listed and channel not in listed:
            self._announce(AnnouncementKind.UNLISTED_CHANNEL, "", event)
        if (requester := facts.get("requester_id")) is not None:
            self.subscribers.append(requester)

    def unclassified(self, event: Event) -> None:
        """``event`` left the ticket without a severity (C8)."""
        self._announce(AnnouncementKind.UNCLASSIFIED, "", event)

    def no_agreement(self, event: Event) -> None:
        """Since ``event`` no agreement takes the ticket, so nothing is promised for it."""
        self._announce(AnnouncementKind.NO_AGREEMENT, "", event)

    def severity_set(self, severity: str, created: Event, event: Event) -> None:
        """Question a severity that needs a primary service if none is affected (C13)."""
        if severity in self._policy.needs_primary:
            affects = created.facts.get("affects")
            if affects is not None and self._policy.primary_services.isdisjoint(affects):
                self._announce(AnnouncementKind.SEVERITY_QUESTIONED, "", event)

    def guard_contacted(self, event: Event, plan: Plan | None, severity: str | None) -> None:
        """Announce a contact with the guard that no plan covers (C17, C21).

        While the severity is unknown, any plan covers it. Under a policy without plans a contact is
        an event like any other.
        """
        if not self._policy.plans:
            return
        if plan is None or (severity is not None and severity not in plan.severities):
            self._announce(AnnouncementKind.GUARD_NOT_COVERED, _named(event), event)

    def exception_told(self, event: Event) -> None:
        """Announce an exception or withdrawal of somebody who may grant none."""
        if not allowed(event, self._policy.exception_sources):
            self._announce(AnnouncementKind.EXCEPTION_NOT_ALLOWED, _named(event), event)

    def contact_logged(self, event: Event) -> None:
        """A contact with the client; a spoken one requires a written record (C14)."""
        contact_id, medium = event.facts["contact_id"], event.facts["medium"]
        record = event.facts.get("record")
        if record is not None:
            for owed in self._owed():
                if owed.contact_id == contact_id:
                    owed.closed, owed.record = event.occurred, record
        elif medium in self._policy.spoken_media and not any(
            owed.contact_id == contact_id for owed in self._owed()
        ):
            self.records.append(Obligation(contact_id, medium, event.occurred))

    def resolved(self, event: Event) -> None:
        """Announce the written records and evidence that are missing."""
        for owed in self._owed():
            self._announce(AnnouncementKind.WRITTEN_RECORD_MISSING, owed.contact_id, event)
        facts = event.facts
        if facts.get("origin") in self._policy.evidence_for and not facts.get("evidence"):
            self._announce(AnnouncementKind.EVIDENCE_MISSING, "", event)

    def subscribed(self, event: Event) -> None:
        """Add a subscriber (C16)."""
        subscriber = event.facts["subscriber_id"]
        if subscriber not in self.subscribers:
            self.subscribers.append(subscriber)

    def approved(self, event: Event) -> None:
        """Announce the approval to every subscriber (C16)."""
        for subscriber in self.subscribers:
            self._announce(AnnouncementKind.FEATURE_APPROVED, subscriber, event)

    def _owed(self) -> list[Obligation]:
        return [owed for owed in self.records if owed.closed is None]

    def _announce(self, kind: AnnouncementKind, about: str, event: Event) -> None:
        if not any(item.kind is kind and item.about == about for item in self.announcements):
            self.announcements.append(Announcement(kind, about, event.occurred, event.id))


def _named(event: Event) -> str:
    """One of several events that a notice may be about."""
    return f"{event.source}#{event.id}"
