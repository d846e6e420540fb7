"""Memory for requests that are not verified yet, and which of them is dropped when it runs out.

Until a delivery is verified, its sender is unknown, so nobody may be shut out for what others do.
All unverified requests share one limit. When it is reached, the oldest request of the heaviest
group is dropped, where a group is an address together with a source. So many requests from one
address, or for one source, displace each other, and another delivery still gets the milliseconds
that it needs.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, ClassVar, Final, Protocol

from sla_runtime.header_timeout import TimedProtocol, plain_answer, timed_protocol

#: Bytes that a connection counts for in addition to what it sends.
COST: Final = 16 * 1024
#: Key of a request's sender in the state of its ASGI scope.
GUEST: Final = "sla.guest"
#: The sender's network and the path of the requested source, as far as known.
Group = tuple[str, str]


class Guest(Protocol):
    """Somebody inside."""

    def turn_out(self) -> None:
        """Go, since there is no room."""


class Known(Protocol):
    """Who sent a request, once its delivery is proven."""

    def vouched_for(self) -> None:
        """A delivery is proven: it is its source's, and no stranger's any more."""

    def as_stranger(self) -> None:
        """Nothing that is proven is under way any more."""


class Door:
    """Keeps ``room`` bytes and ``seats`` guests at most; ``told`` is called for each turned out."""

    def __init__(self, room: int, seats: int, told: Callable[[], None] = lambda: None) -> None:
        self._room = room
        self._seats = seats
        self._told = told
        self._held = 0
        self._groups: dict[Group, dict[Guest, int]] = {}
        self._weights: dict[Group, int] = {}
        self._group_of: dict[Guest, Group] = {}

    @property
    def held(self) -> int:
        """Bytes that all inside count for."""
        return self._held

    def come(self, guest: Guest, group: Group) -> None:
        """Come in, or begin anew: with nothing brought, as the last of a group."""
        self.go(guest)
        self._put(guest, group, COST)
        self._make_room()

    def bring(self, guest: Guest, size: int) -> None:
        """Bring so many bytes more."""
        if guest not in self._group_of:
            # It was known, and sends more before it was answered.
            self.come(guest, ("", ""))
        group = self._group_of.get(guest)
        if group is not None:
            self._groups[group][guest] += size
            self._weights[group] += size
            self._held += size
            self._make_room()

    def move(self, guest: Guest, group: Group) -> None:
        """Belong to another group, as its last, with what was brought."""
        weight = self.go(guest)
        if weight:
            self._put(guest, group, weight)

    def go(self, guest: Guest) -> int:
        """Go, or be no stranger any more; what the guest counted for."""
        group = self._group_of.pop(guest, None)
        if group is None:
            return 0
        inside = self._groups[group]
        weight = inside.pop(guest)
        self._held -= weight
        self._weights[group] -= weight
        if not inside:
            del self._groups[group], self._weights[group]
        return weight

    def _put(self, guest: Guest, group: Group, weight: int) -> None:
        self._group_of[guest] = group
        self._groups.setdefault(group, {})[guest] = weight
        self._weights[group] = self._weights.get(group, 0) + weight
        self._held += weight

    def _make_room(self) -> None:
        while self._held > self._room or len(self._group_of) > self._seats:
            heaviest = max(self._weights, key=self._weights.__getitem__)
            first = next(iter(self._groups[heaviest]))
            self.go(first)
            self._told()
            first.turn_out()


@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """Where ``host`` is, as far as one holder of addresses is told from another: of IPv6 its first
    64 bits, since whoever has one address has all those.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


class _Guarded(TimedProtocol):
    """A connection is a guest from its beginning to its end, but for the time in which a delivery
    of it is proven and waits for Kafka.
    """

    door: ClassVar[Door]
    #: Paths of the sources.
    places: ClassVar[frozenset[str]]

    _from = ""
    _place = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._from = network_of(self.client[0]) if self.client else ""
        self.door.come(self, (self._from, ""))

    def data_received(self, data: bytes) -> None:
        self.door.bring(self, len(data))
        if not self.transport.is_closing():
            super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][GUEST] = self

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        path = self.scope["path"]
        self._place = path if path in self.places else ""
        self.door.move(self, (self._from, self._place))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.as_stranger()

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.go(self)
        super().connection_lost(exc)

    def vouched_for(self) -> None:
        """A delivery is proven: it is its source's, and no stranger's any more."""
        self.door.go(self)

    def as_stranger(self) -> None:
        """Nothing that is proven is under way any more."""
        if not self.transport.is_closing():
            self.door.come(self, (self._from, self._place))

    def turn_out(self) -> None:
        """Close the connection, with an answer where one is waited for."""
        cycle, transport = self.cycle, self.transport
        asked = cycle is not None and not cycle.response_complete
        if transport.is_closing() or transport.get_write_buffer_size():
            # Whoever does not take its answer would stay for ever.
            transport.abort()
            return
        if self.coming or asked:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            transport.write(
                plain_answer(status, "too many connections; try again", "retry-after: 1")
            )
        self.end()


def guarded_protocol(
    door: Door, places: frozenset[str], at_once: int, head_seconds: float, body_seconds: float
) -> type[TimedProtocol]:
    """The patient protocol of one server, each of whose connections comes in by ``door``."""
    patient = timed_protocol(at_once, head_seconds, body_seconds)
    return type("Guarded", (_Guarded, patient), {"door": door, "places": places})
