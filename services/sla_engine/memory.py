"""The stored state in a ticket's row, as needed by a restore and by ``explain``."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from typing import Any, Final, Protocol

import msgspec

from sla_config.errors import UserFacingError
from sla_domain.alert import Postponed, SentAlert, SentNotice
from sla_domain.event import Event, EventType
from sla_domain.policy import PolicyBook
from sla_domain.ticket import Ticket

#: Kafka headers of a record: a name may repeat, and a value may be ``None``.
Headers = Sequence[tuple[str, bytes | None]]


def values_of(headers: Headers) -> dict[str, bytes]:
    """The header values by name, without ``None``; the last value wins."""
    return {name: content for name, content in headers if content is not None}


class KeptRecord(Protocol):
    """The parts of an input record that are kept."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


#: The version of the storage format. A tracker reads its own and every older version; a row without
#: a version has version 1 (tests/fixtures/state has one of each).
STATE_VERSION: Final = 4


class NewerStateError(UserFacingError):
    """A row was written by a newer tracker; the message names its format version."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"form {version}, and this version reads forms up to {STATE_VERSION}; start the "
            "version of the tracker that wrote it, or a later one"
        )


class NotOursError(UserFacingError):
    """A row was not written by a tracker; the message says what is wrong with it."""


class Held(msgspec.Struct, array_like=True):
    """The complete record of an early event, held until ``created`` arrives or it is an orphan."""

    offset: int
    timestamp: int
    key: str | None
    value: str
    headers: list[tuple[str, str]]

    @classmethod
    def of(cls, record: KeptRecord) -> Held:
        """Encode ``record``: bytes as base64, since they may not be text."""
        return cls(
            record.offset,
            record.timestamp,
            None if record.key is None else b64encode(record.key).decode(),
            b64encode(record.value or b"").decode(),
            [(name, b64encode(content or b"").decode()) for name, content in record.headers],
        )


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A held record, decoded."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @classmethod
    def of(cls, held: Held, topic: str, partition: int) -> HeldRecord:
        """Decode the record in ``held``."""
        return cls(
            topic,
            partition,
            held.offset,
            held.timestamp,
            None if held.key is None else b64decode(held.key),
            b64decode(held.value),
            [(name, b64decode(content)) for name, content in held.headers],
        )


#: An ``Event`` as stored. msgspec cannot use ``Event`` itself: compiling removes its annotations.
EventFields = tuple[int, EventType, str, str, str | None, Mapping[str, Any]]


class Stored(msgspec.Struct, omit_defaults=True):
    """The stored state in a ticket's row: what a restore needs, without the figures.

    ``policy`` is the pinned version, absent if the policy book gives the same.
    """

    timeline: Sequence[EventFields]
    sent: list[SentAlert] = []
    said: list[SentNotice] = []
    held: list[Held] = []
    held_until: int | None = None
    policy: str | None = None
    weight: int = 0
    postponed: list[Postponed] = []
    known_at: int = 0
    state_version: int = 1


class StoredClock(msgspec.Struct):
    """The parts of a stored clock that give its gauge labels."""

    clock: str
    cycle: int
    severity: str
    outcome: str
    stopped: str | None


class StoredEarlier(msgspec.Struct):
    """The parts of summed up cycles that give their gauge labels."""

    clock: str
    severity: str
    outcome: str
    cycles: list[tuple[int, int]]


class StoredRow(Stored):
    """A ticket's row with its gauge labels and next deadline, so that a ticket evaluated under the
    same policies can be restored without evaluation (decision 21).
    """

    state: str = ""
    severity: str | None = None
    clocks: list[StoredClock] = []
    earlier_cycles: list[StoredEarlier] = []
    next_deadline: str | None = None


_STORED: Final = msgspec.json.Decoder(StoredRow)


class _Form(msgspec.Struct):
    state_version: int = 1


_FORM: Final = msgspec.json.Decoder(_Form)


def read_stored(value: bytes) -> StoredRow:
    """The stored state in a row of the ticket table.

    Raises ``NewerStateError`` or ``NotOursError``.
    """
    try:
        stored = _STORED.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(value, error) from error
    if stored.state_version > STATE_VERSION:
        raise NewerStateError(stored.state_version)
    return stored


def _unreadable(value: bytes, error: Exception) -> UserFacingError:
    """Why a row can't be read: a newer format may also cause the decoding error."""
    try:
        form = _FORM.decode(value).state_version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return NotOursError(str(error))
    return NewerStateError(form) if form > STATE_VERSION else NotOursError(str(error))


def restored_ticket(ticket_id: str, stored: Stored, book: PolicyBook) -> Ticket:
    """The ticket restored from ``stored``. Raises ``UnknownPolicyError``."""
    ticket = Ticket(ticket_id, book)
    timeline = [Event._make(fields) for fields in stored.timeline]
    ticket.restore(timeline, stored.sent, stored.said, stored.postponed, stored.policy)
    return ticket


def digest_of(book: PolicyBook) -> str:
    """A digest of the policies and the library versions that affect their evaluation. Tickets
    evaluated under an equal digest need no new evaluation.
    """
    return _digest(book.sources)


@cache
def _digest(sources: tuple[str, ...]) -> str:
    # Cached: called for every partition, and the versions are read from files.
    judges = (version("sla-tracker"), version("holidays"))
    return blake2b("\0".join([*judges, *sources]).encode(), digest_size=8).hexdigest()
