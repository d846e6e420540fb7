"""What is known of each client: plan, region and other attributes, in a file of their own, so that
a new client needs no new policy version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from sla_config.configuration import StrictSection, read_toml
from sla_config.errors import UserFacingError
from sla_schemas.types import MAX_ATTRIBUTES, MAX_ID, Attributes, Id, Word

_ATTRIBUTES: TypeAdapter[dict[str, str]] = TypeAdapter(Attributes)


class ClientsError(UserFacingError):
    """The clients file can't be used; the message names file, line and field."""


class Client(BaseModel):
    """A client: its plan, and any attribute beside it (`region = "emea"`)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    plan: Word | None = Field(None, description="The plan it has bought.", examples=['"gold"'])

    @model_validator(mode="after")
    def _only_words(self) -> Self:
        try:
            _ATTRIBUTES.validate_python(self.attributes)
        except ValidationError:
            raise ValueError(
                f"attributes are at most {MAX_ATTRIBUTES} words with a text of 1 to {MAX_ID} "
                'characters, like region = "emea"'
            ) from None
        return self

    @property
    def attributes(self) -> dict[str, Any]:
        """What is said of it beside the plan."""
        return dict(self.model_extra or {})


class _File(StrictSection):
    clients: dict[Id, Client] = Field(description="Clients by their ids.")


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients that are known, by their ids."""

    known: Mapping[str, Client] = field(default_factory=dict)

    def fill(self, event: dict[str, Any]) -> None:
        """Put into a ``ticket.created`` what is known of its client and the event does not say."""
        if event["type"] != "ticket.created":
            return
        data = event["data"]
        client = self.known.get(data.get("client_id", ""))
        if client is None:
            return
        if client.plan is not None:
            data.setdefault("plan", client.plan)
        if attributes := client.attributes | data.get("attributes", {}):
            data["attributes"] = attributes


def read_clients(path: Path) -> Clients:
    """The clients in a TOML file. Raises ``ClientsError``."""
    return Clients(read_toml(path, _File, "clients file", ClientsError).clients)
