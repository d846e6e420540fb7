"""The tracker's memory in a ticket's record, read back: what a restart needs, and ``explain``."""

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

#: Of a record, as Kafka has them: the same name may come again, and a value may be absent.
Headers = Sequence[tuple[str, bytes | None]]


def values_of(headers: Headers) -> dict[str, bytes]:
    """The headers that have a value, by name; of several the last."""
    return {name: content for name, content in headers if content is not None}


class KeptRecord(Protocol):
    """What is kept of a record on the input topic."""

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


#: The form of what trackers store. A tracker reads its own form and every older one; 1 is that of
#: records that name none (tests/fixtures/state holds one of each).
STATE_VERSION: Final = 3


class NewerStateError(UserFacingError):
    """A record was written by a newer version of the tracker; the message says which form."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"form {version}, and this version reads forms up to {STATE_VERSION}; start the "
            "version of the tracker that wrote it, or a later one"
        )


class NotOursError(UserFacingError):
    """A record of the table is none that a tracker wrote; the message says what is wrong in it."""


class Held(msgspec.Struct, array_like=True):
    """An early event's record, kept whole until its ``created`` arrives or it is an orphan."""

    offset: int
    timestamp: int
    key: str | None
    value: str
    headers: list[tuple[str, str]]

    @classmethod
    def of(cls, record: KeptRecord) -> Held:
        """Keep ``record``; bytes as base64, since they need not be text."""
        return cls(
            record.offset,
            record.timestamp,
            None if record.key is None else b64encode(record.key).decode(),
            b64encode(record.value or b"").decode(),
            [(name, b64encode(content or b"").decode()) for name, content in record.headers],
        )


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A held record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @classmethod
    def of(cls, held: Held, topic: str, partition: int) -> HeldRecord:
        """The record that ``held`` kept."""
        return cls(
            topic,
            partition,
            held.offset,
            held.timestamp,
            None if held.key is None else b64decode(held.key),
            b64decode(held.value),
            [(name, b64decode(content)) for name, content in held.headers],
        )


#: An ``Event`` as a record holds it. msgspec can't be given the type itself, whose annotations are
#: lost where it is compiled.
EventFields = tuple[int, EventType, str, str, str | None, Mapping[str, Any]]


class Stored(msgspec.Struct, omit_defaults=True):
    """What the tracker reads back of a ticket's record: its memory and its policy, not the figures.

    ``policy`` is absent where the policy book says the same.
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
    """What of a clock's figures its sort is told by."""

    clock: str
    cycle: int
    severity: str
    outcome: str
    stopped: str | None


class StoredRow(Stored):
    """A ticket's record with what it tells of its sort and its next deadline: a ticket that was
    judged under the same policies goes back into the table as it is.
    """

    state: str = ""
    severity: str | None = None
    clocks: list[StoredClock] = []
    next_deadline: str | None = None


_STORED: Final = msgspec.json.Decoder(StoredRow)


class _Form(msgspec.Struct):
    state_version: int = 1


_FORM: Final = msgspec.json.Decoder(_Form)


def read_stored(value: bytes) -> StoredRow:
    """The memory in a record of the ticket table. Raises ``NewerStateError`` and
    ``NotOursError``.
    """
    try:
        stored = _STORED.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(value, error) from error
    if stored.state_version > STATE_VERSION:
        raise NewerStateError(stored.state_version)
    return stored


def _unreadable(value: bytes, error: Exception) -> UserFacingError:
    """Why a record can't be read: what a newer form has changed need not fit ours either."""
    try:
        form = _FORM.decode(value).state_version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return NotOursError(str(error))
    return NewerStateError(form) if form > STATE_VERSION else NotOursError(str(error))


def restored_ticket(ticket_id: str, stored: Stored, book: PolicyBook) -> Ticket:
    """The ticket that ``stored`` remembers. Raises ``UnknownPolicyError``."""
    ticket = Ticket(ticket_id, book)
    timeline = [Event._make(fields) for fields in stored.timeline]
    ticket.restore(timeline, stored.sent, stored.said, stored.postponed, stored.policy)
    return ticket


def digest_of(book: PolicyBook) -> str:
    """Of the policies and of whatever else decides what follows from them: what was judged under
    the same digest need not be judged anew.
    """
    return _digest(book.sources)


@cache
def _digest(sources: tuple[str, ...]) -> str:
    # Asked for by every partition, and the versions are read from files.
    judges = (version("sla-tracker"), version("holidays"))
    return blake2b("\0".join([*judges, *sources]).encode(), digest_size=8).hexdigest()
