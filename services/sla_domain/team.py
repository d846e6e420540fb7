"""The team that has a ticket."""

from __future__ import annotations

from sla_domain.event import Event, EventType


class Stay:
    """With whom a ticket lies: the group that was told last."""

    __slots__ = ("team",)

    def __init__(self) -> None:
        self.team: str | None = None

    def move(self, event: Event) -> bool:
        """Let ``event`` take effect; true if another team has the ticket since."""
        if event.type is not EventType.QUEUED and event.type is not EventType.ASSIGNED:
            return False
        group = event.facts.get("group")
        if group is None or group == self.team:
            return False
        self.team = group
        return True
