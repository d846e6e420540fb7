"""Access control: bearer tokens from a file, and what each of them may see."""

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

#: The cookie that holds a browser's token.
COOKIE: Final = "sla_board"


class AccessError(UserFacingError):
    """The board must not be served with this configuration; the message says what to do."""


class Token(StrictSection):
    """A token, stored as its SHA-256 so that the file itself gives nobody access.

    A ``lead`` sees everything. A ``client`` sees the tickets of its client, without the names of
    those who work on them.
    """

    name: Annotated[Id, Field(description="Who the token is for; shown when they are signed in.")]
    sha256: Annotated[
        str,
        StringConstraints(pattern="^[0-9a-f]{64}$"),
        Field(description="SHA-256 of the token, in hex."),
    ]
    role: Literal["lead", "client"]
    client: Annotated[
        Id | None, Field(description="Needed for the role `client`: whose tickets it sees.")
    ] = None

    def model_post_init(self, _: object) -> None:
        """A token with the role client must name its client."""
        if self.role == "client" and self.client is None:
            raise ValueError(f"token {self.name!r} has the role client but names no client")


class _File(StrictSection):
    tokens: Annotated[list[Token], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking; if ``client`` is set, it sees only the tickets of that client."""

    name: str
    client: str | None = None

    @property
    def sees_staff(self) -> bool:
        """Whether analysts and teams are shown."""
        return self.client is None


#: The viewer of a board without tokens.
ANYONE: Final = Viewer("anyone")


class Access:
    """The tokens; without any, everyone who can reach the port may read."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens

    @property
    def open(self) -> bool:
        """Whether no token is needed."""
        return not self._tokens

    def viewer(self, secret: str | None) -> Viewer | None:
        """The viewer that ``secret`` belongs to; ``None`` if it is nobody's."""
        if self.open:
            return ANYONE
        if not secret:
            return None
        digest = hashlib.sha256(secret.encode()).hexdigest()
        found = None
        for token in self._tokens:
            # All are compared, so that the time taken reveals nothing.
            if hmac.compare_digest(token.sha256, digest):
                found = Viewer(token.name, token.client)
        return found


def read_access(path: Path | None) -> Access:
    """The tokens of a TOML file. Raises ``AccessError``."""
    if path is None:
        return Access([])
    return Access(read_toml(path, _File, "tokens file", AccessError).tokens)


def check_bind(host: str, access: Access) -> None:
    """Refuse to serve without tokens on an address others can reach. Raises ``AccessError``."""
    if access.open and not is_loopback(host):
        raise AccessError(
            f"{host} can be reached from other machines and there are no tokens; name a tokens "
            "file with SLA_BOARD_TOKENS, or serve on 127.0.0.1"
        )
