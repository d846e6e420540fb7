"""A list of tickets that is always in order, also for one client, team or severity alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

from sortedcontainers import SortedList

from sla_board.row import Row

Dimension = Literal["severity", "client", "team", "holder"]
DIMENSIONS: Final[tuple[Dimension, ...]] = ("severity", "client", "team", "holder")
Filters = Mapping[Dimension, str]


class Place(NamedTuple):
    """Where a ticket stands: what it is sorted by, and its id."""

    key: str
    ticket_id: str


#: What a ticket is filtered by: a value for each of ``DIMENSIONS``, empty where it has none.
Group = tuple[str, ...]
#: Dimensions with a list for each of their values. Of ``holder`` there is none: its few values are
#: soon found in the others' lists, and every list costs with every record.
_LISTED: Final[tuple[Dimension, ...]] = ("severity", "client", "team")


def group_of(row: Row) -> Group:
    """What ``row`` is filtered by."""
    return (row.severity or "", row.client_id, row.team or "", row.holder or "")


def matches(row: Row, filters: Filters) -> bool:
    """Whether ``row`` has every value asked for."""
    if not filters:
        return True
    group = group_of(row)
    return all(group[DIMENSIONS.index(name)] == value for name, value in filters.items())


class Ranking:
    """Places in order, whole and by each value of each dimension.

    A question takes the shortest list that holds its answer, so one about a client costs what that
    client's tickets cost.
    """

    def __init__(self) -> None:
        self._whole: SortedList[Place] = SortedList()
        self._parts: dict[tuple[Dimension, str], SortedList[Place]] = {}

    def add(self, place: Place, group: Group) -> None:
        """Put a ticket in its place."""
        self._whole.add(place)
        for part in zip(_LISTED, group, strict=False):
            places = self._parts.get(part)
            if places is None:
                places = self._parts[part] = SortedList()
            places.add(place)

    def remove(self, place: Place, group: Group) -> None:
        """Take a ticket out that was added with the same place and group."""
        self._whole.remove(place)
        for part in zip(_LISTED, group, strict=False):
            places = self._parts[part]
            places.remove(place)
            if not places:
                del self._parts[part]

    def places(
        self, filters: Filters, after: Place | None = None, *, backwards: bool = False
    ) -> Iterator[Place]:
        """The places of at least the tickets that match ``filters``, from behind ``after`` on."""
        lists = [self._parts.get(part) for part in filters.items() if part[0] in _LISTED]
        if any(places is None for places in lists):
            return iter(())
        shortest = min((each for each in lists if each is not None), key=len, default=self._whole)
        if after is None:
            return reversed(shortest) if backwards else iter(shortest)
        if backwards:
            return shortest.irange(maximum=after, inclusive=(True, False), reverse=True)
        return shortest.irange(minimum=after, inclusive=(False, True))
