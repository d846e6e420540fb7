"""What is known of a ticket by which its contract chooses a promise."""

from __future__ import annotations

from typing import Final

from sla_domain.event import Facts

INCIDENT: Final = "incident"
#: What policies may ask of a ticket that is no attribute of it.
FACTS: Final = ("client", "plan", "kind", "channel", "affects", "built_by", "severity")


class Profile:
    """Client, plan, attributes and kind of a ticket, its severity, and what its ``created`` said
    beside them.
    """

    __slots__ = ("_created", "attributes", "client_id", "kind", "plan", "severity")

    def __init__(self, created: Facts) -> None:
        self._created = created
        self.client_id = created.get("client_id", "")
        self.plan = created.get("plan", "")
        self.attributes = created.get("attributes", {})
        self.kind = created.get("kind", INCIDENT)
        self.severity: str | None = None

    def change(self, facts: Facts) -> None:
        """Take what ``facts`` say of client, plan and attributes, each on its own."""
        self.client_id = facts.get("client_id", self.client_id)
        self.plan = facts.get("plan", self.plan)
        self.attributes = {**self.attributes, **facts.get("attributes", {})}

    def fact(self, name: str) -> tuple[str, ...]:
        """The values of what policies call ``name``; one that is none of these is an attribute."""
        told: str | None
        if name == "client":
            told = self.client_id
        elif name == "plan":
            told = self.plan
        elif name == "kind":
            told = self.kind
        elif name == "severity":
            told = self.severity
        elif name == "affects":
            return tuple(self._created.get("affects", ()))
        elif name == "channel":
            told = self._created.get("channel")
        elif name == "built_by":
            told = self._created.get("integration", {}).get("built_by")
        else:
            told = self.attributes.get(name)
        return (told,) if told else ()
