"""What is kept of a record that is too large for a dead letter."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, NamedTuple

from sla_schemas.headers import LENGTH_HEADER, SHA256_HEADER

#: Bytes of a key, and of a value.
KEPT_KEY: Final = 1024
KEPT_VALUE: Final = 64 * 1024


class Cut(NamedTuple):
    """The first bytes of a record; ``headers`` hold the length and the hash of the whole value."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def cut(key: bytes | None, value: bytes | None) -> Cut:
    """The first bytes of the record with this ``key`` and ``value``."""
    whole = value or b""
    return Cut(
        None if key is None else key[:KEPT_KEY],
        None if value is None else value[:KEPT_VALUE],
        [
            (LENGTH_HEADER, str(len(whole)).encode()),
            (SHA256_HEADER, sha256(whole).hexdigest().encode()),
        ],
    )
