"""What a ticket asks of the vendor beside its clocks: records in writing, evidence, coverage, news
to subscribers. What is not as it should be becomes an announcement.
"""

from __future__ import annotations

from dataclasses import dataclass

from sla_domain.announcement import Announcement, AnnouncementKind
from sla_domain.event import Event
from sla_domain.policy import Plan, Policy


@dataclass(slots=True)
class Obligation:
    """A spoken contact whose agreement must be left in writing (clause C14).

    ``record`` tells where it was, from ``closed`` on; both are ``None`` while it is owed.
    """

    contact_id: str
    medium: str
    opened: int
    closed: int | None = None
    record: str | None = None


class Obligations:
    """Obligations, subscribers and announcements of one ticket, in the order of its timeline."""

    __slots__ = ("_policy", "announcements", "records", "subscribers")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.announcements: list[Announcement] = []
        self.records: list[Obligation] = []
        #: Who is to be told when the feature is approved, in the order they subscribed (C16).
        self.subscribers: list[str] = []

    def created(self, event: Event) -> None:
        """The ticket came by a channel, from somebody who may have asked for a feature."""
        facts = event.facts
        listed = self._policy.channels
        channel = facts.get("channel")
        if channel is not None and listed and channel not in listed:
            self._announce(AnnouncementKind.UNLISTED_CHANNEL, "", event)
        if (requester := facts.get("requester_id")) is not None:
            self.subscribers.append(requester)

    def unclassified(self, event: Event) -> None:
        """Nothing tells the severity of what ``event`` says is to be handled (C8)."""
        self._announce(AnnouncementKind.UNCLASSIFIED, "", event)

    def no_agreement(self, event: Event) -> None:
        """Since ``event`` no agreement takes the ticket, so nothing is promised for it."""
        self._announce(AnnouncementKind.NO_AGREEMENT, "", event)

    def severity_set(self, severity: str, created: Event, event: Event) -> None:
        """Question the severity that ``event`` gave where nothing affected bears it out (C13)."""
        if severity in self._policy.needs_primary:
            affects = created.facts.get("affects")
            if affects is not None and self._policy.primary_services.isdisjoint(affects):
                self._announce(AnnouncementKind.SEVERITY_QUESTIONED, "", event)

    def guard_contacted(self, event: Event, plan: Plan | None, severity: str | None) -> None:
        """The guard was contacted under ``plan`` if that covers the integration (C17, C21).

        While no severity is known nobody can say that it does not.
        """
        if plan is None or (severity is not None and severity not in plan.severities):
            about = f"{event.source}#{event.id}"
            self._announce(AnnouncementKind.GUARD_NOT_COVERED, about, event)

    def contact_logged(self, event: Event) -> None:
        """A contact with the client; a spoken one without a record owes it (C14)."""
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
        """The ticket was closed: what is still owed for it is missed."""
        for owed in self._owed():
            self._announce(AnnouncementKind.WRITTEN_RECORD_MISSING, owed.contact_id, event)
        facts = event.facts
        if facts.get("origin") in self._policy.evidence_for and not facts.get("evidence"):
            self._announce(AnnouncementKind.EVIDENCE_MISSING, "", event)

    def subscribed(self, event: Event) -> None:
        """Somebody wants to be told (C16)."""
        subscriber = event.facts["subscriber_id"]
        if subscriber not in self.subscribers:
            self.subscribers.append(subscriber)

    def approved(self, event: Event) -> None:
        """The feature was approved: all who have subscribed are told (C16)."""
        for subscriber in self.subscribers:
            self._announce(AnnouncementKind.FEATURE_APPROVED, subscriber, event)

    def _owed(self) -> list[Obligation]:
        return [owed for owed in self.records if owed.closed is None]

    def _announce(self, kind: AnnouncementKind, about: str, event: Event) -> None:
        if not any(item.kind is kind and item.about == about for item in self.announcements):
            self.announcements.append(Announcement(kind, about, event.occurred, event.id))
