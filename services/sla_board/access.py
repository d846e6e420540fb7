"""Who may ask: bearer tokens from a file, what each may see, and how much of it a second."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from sla_config.configuration import StrictSection, read_toml
from sla_config.errors import UserFacingError
from sla_config.network import is_loopback
from sla_schemas.types import Id

#: The cookie that keeps a token for a browser.
COOKIE: Final = "sla_board"


class AccessError(UserFacingError):
    """The board may not be served like that; the message says why and what to do."""


class Token(StrictSection):
    """A token by its SHA-256, so that the file gives nobody access.

    A ``lead`` sees everything. A ``client`` sees the tickets of its client, without the names of
    those who work on them.
    """

    name: Annotated[Id, Field(description="Who it is for; shown to them.")]
    sha256: Annotated[
        str,
        StringConstraints(pattern="^[0-9a-f]{64}$"),
        Field(description="SHA-256 of the token, in hex."),
    ]
    role: Literal["lead", "client"]
    client: Annotated[Id | None, Field(description="The client of a client's token.")] = None

    def model_post_init(self, _: object) -> None:
        """A client's token names its client."""
        if self.role == "client" and self.client is None:
            raise ValueError(f"token {self.name!r} has the role client and names none")


class _File(StrictSection):
    tokens: Annotated[list[Token], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: ``client`` is the only one whose tickets it sees, if there is one."""

    name: str
    client: str | None = None

    @property
    def sees_staff(self) -> bool:
        """Whether it sees analysts and teams."""
        return self.client is None


#: Who reaches a board without tokens.
ANYONE: Final = Viewer("anyone")


class Access:
    """The tokens, or none: then everybody who reaches the port may read."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens

    @property
    def open(self) -> bool:
        """Whether no token is needed."""
        return not self._tokens

    def viewer(self, secret: str | None) -> Viewer | None:
        """Who ``secret`` stands for; ``None`` where it stands for nobody."""
        if self.open:
            return ANYONE
        if not secret:
            return None
        digest = hashlib.sha256(secret.encode()).hexdigest()
        found = None
        for token in self._tokens:
            # All are compared, so that the time taken tells nothing.
            if hmac.compare_digest(token.sha256, digest):
                found = Viewer(token.name, token.client)
        return found


def read_access(path: Path | None) -> Access:
    """The tokens of a TOML file. Raises ``AccessError``."""
    if path is None:
        return Access([])
    return Access(read_toml(path, _File, "tokens file", AccessError).tokens)


def check_bind(host: str, access: Access) -> None:
    """Refuse to serve everybody on an address that others reach. Raises ``AccessError``."""
    if access.open and not is_loopback(host):
        raise AccessError(
            f"{host} is reached from elsewhere and there are no tokens; name a tokens file with "
            "SLA_BOARD_TOKENS, or serve on 127.0.0.1"
        )
