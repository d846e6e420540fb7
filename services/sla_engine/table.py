"""The tickets of one partition in memory, and their deadlines.

Most tickets are idle, so only recently used ones are objects; the others are packed bytes.
Deadlines are a heap with lazy deletion: a heap entry is valid only if it equals its ticket's
current deadline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Final

import msgspec

from sla_domain.policy import PolicyBook
from sla_domain.ticket import Ticket
from sla_engine.census import Labels
from sla_engine.memory import Held, Stored, StoredRow, restored_ticket

#: How many tickets of a partition stay objects: about 2 KB each; packed, about 300 bytes.
HOT_TICKETS = 1024

_LABEL_BYTES: Final = 4
_PACK: Final = msgspec.msgpack.Encoder()
_UNPACK: Final = msgspec.msgpack.Decoder(Stored)


@dataclass(slots=True, eq=False)
class Entry:
    """A ticket and its bookkeeping.

    ``held`` is its early records, kept until ``held_until``; ``weight`` is the size of its events
    in bytes; ``known_at`` is when its latest event was appended.
    """

    ticket: Ticket
    held: list[Held] = field(default_factory=list)
    held_until: int | None = None
    weight: int = 0
    known_at: int = 0
    labels: Labels | None = None


def retention_over(ticket: Ticket) -> int | None:
    """When the retention of a resolved or cancelled ticket ends; ``None`` for an open one."""
    return None if ticket.closed_at is None else ticket.closed_at + ticket.policy.retention


def known_at_of(entry: Entry) -> int:
    """When the ticket's latest event was appended if that delays its removal, else 0."""
    over = retention_over(entry.ticket)
    return 0 if over is None or entry.known_at <= over else entry.known_at


def leaves_at(entry: Entry) -> int | None:
    """When a resolved or cancelled ticket leaves the table: not before the frontier reaches the
    append time of its latest event, since a late event may reopen it.
    """
    over = retention_over(entry.ticket)
    return None if over is None else max(over, entry.known_at)


class TicketTable:
    """Tickets by id, and their deadlines."""

    def __init__(self, book: PolicyBook) -> None:
        self._book = book
        self._hot: dict[str, Entry] = {}
        self._idle: dict[str, bytes] = {}
        self._labels: list[Labels | None] = [None]
        self._label_numbers: dict[Labels | None, int] = {None: 0}
        self._deadlines: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._hot) + len(self._idle)

    def __contains__(self, ticket_id: str) -> bool:
        return ticket_id in self._hot or ticket_id in self._idle

    def get(self, ticket_id: str) -> Entry | None:
        """The entry of a ticket, ``None`` if it is not in the table."""
        entry = self._hot.get(ticket_id)
        if entry is None and (packed := self._idle.pop(ticket_id, None)) is not None:
            entry = self._hot[ticket_id] = self._unpack(ticket_id, packed)
        return entry

    def add(self, ticket_id: str) -> Entry:
        """Add an empty ticket."""
        entry = self._hot[ticket_id] = Entry(Ticket(ticket_id, self._book))
        return entry

    def put(self, ticket_id: str, row: StoredRow, labels: Labels) -> None:
        """Add or replace a ticket from its stored row."""
        self._hot.pop(ticket_id, None)
        self._idle[ticket_id] = _packed(
            self._number(labels),
            Stored(
                row.timeline,
                row.sent,
                row.said,
                row.held,
                row.held_until,
                row.policy,
                row.weight,
                row.postponed,
                row.known_at,
            ),
        )

    def labels(self, ticket_id: str) -> Labels | None:
        """The gauge labels of a ticket; ``None`` if unset or not in the table."""
        entry = self._hot.get(ticket_id)
        if entry is not None:
            return entry.labels
        packed = self._idle.get(ticket_id)
        return None if packed is None else self._labels[_number_of(packed)]

    def remove(self, ticket_id: str) -> None:
        """Remove a ticket and its deadline."""
        self._hot.pop(ticket_id, None)
        self._idle.pop(ticket_id, None)
        self._deadlines.pop(ticket_id, None)

    def ids(self) -> list[str]:
        """The ids of all tickets."""
        return [*self._hot, *self._idle]

    def entries(self) -> Iterator[Entry]:
        """All entries; packed ones are unpacked only temporarily."""
        yield from self._hot.values()
        for ticket_id, packed in self._idle.items():
            yield self._unpack(ticket_id, packed)

    def pack_idle(self) -> None:
        """Pack the oldest unpacked entries, down to ``HOT_TICKETS``."""
        excess = len(self._hot) - HOT_TICKETS
        if excess > 0:
            for ticket_id in list(islice(self._hot, excess)):
                self._idle[ticket_id] = self._pack(self._hot.pop(ticket_id))

    def set_deadline(self, ticket_id: str, at: int | None) -> None:
        """Set when the ticket must be evaluated next; ``None`` for never."""
        if at is None:
            self._deadlines.pop(ticket_id, None)
        elif self._deadlines.get(ticket_id) != at:
            self._deadlines[ticket_id] = at
            heappush(self._heap, (at, ticket_id))
            if len(self._heap) > 2 * len(self._deadlines) + 1024:
                self._rebuild_heap()

    def deadline(self, ticket_id: str) -> int | None:
        """The ticket's current deadline."""
        return self._deadlines.get(ticket_id)

    def next_deadline(self) -> int | None:
        """The earliest deadline of any ticket."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, frontier: int) -> tuple[int, str] | None:
        """Remove and return the earliest deadline up to ``frontier``; ties in ticket id order."""
        heap, deadlines = self._heap, self._deadlines
        while heap and heap[0][0] <= frontier:
            at, ticket_id = heappop(heap)
            if deadlines.get(ticket_id) == at:
                del deadlines[ticket_id]
                return at, ticket_id
        return None

    def _drop_stale(self) -> None:
        heap, deadlines = self._heap, self._deadlines
        while heap and deadlines.get(heap[0][1]) != heap[0][0]:
            heappop(heap)

    def _rebuild_heap(self) -> None:
        """Drop the stale entries, so that memory is proportional to the open tickets."""
        self._heap = [(at, ticket_id) for ticket_id, at in self._deadlines.items()]
        heapify(self._heap)

    def _number(self, labels: Labels | None) -> int:
        """The index of these labels in ``_labels``: many tickets share few labels."""
        number = self._label_numbers.get(labels)
        if number is None:
            number = self._label_numbers[labels] = len(self._labels)
            self._labels.append(labels)
        return number

    def _pack(self, entry: Entry) -> bytes:
        ticket = entry.ticket
        stored = Stored(
            ticket.timeline,
            ticket.sent,
            ticket.said,
            entry.held,
            entry.held_until,
            ticket.pin,
            entry.weight,
            list(ticket.postponed.values()),
            known_at_of(entry),
        )
        return _packed(self._number(entry.labels), stored)

    def _unpack(self, ticket_id: str, packed: bytes) -> Entry:
        stored = _UNPACK.decode(memoryview(packed)[_LABEL_BYTES:])
        ticket = restored_ticket(ticket_id, stored, self._book)
        entry = Entry(ticket, stored.held, stored.held_until, stored.weight, stored.known_at)
        entry.labels = self._labels[_number_of(packed)]
        return entry


def _packed(number: int, stored: Stored) -> bytes:
    """An entry as bytes: the index of its labels, then its stored state."""
    return number.to_bytes(_LABEL_BYTES, "big") + _PACK.encode(stored)


def _number_of(packed: bytes) -> int:
    return int.from_bytes(packed[:_LABEL_BYTES], "big")
