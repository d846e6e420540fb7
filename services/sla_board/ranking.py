"""A list of tickets that is always sorted, also for a single client, team or severity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple, get_args

from sortedcontainers import SortedList

from sla_board.row import Row

Dimension = Literal["severity", "client", "team", "holder", "agreement"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
Filters = Mapping[Dimension, str]


class Place(NamedTuple):
    """The position of a ticket: its sort key and its id."""

    key: str
    ticket_id: str


#: The filter values of a ticket: one for each of ``DIMENSIONS``, empty if it has none.
Group = tuple[str, ...]
#: Dimensions with a list for each of their values. Of ``holder`` and ``agreement`` there is none:
#: their few values are soon found in the others' lists, and every list costs with every record.
_LISTED: Final[tuple[Dimension, ...]] = ("severity", "client", "team")


def group_of(row: Row) -> Group:
    """What ``row`` is filtered by."""
    return (
        row.severity or "",
        row.client_id,
        row.team or "",
        row.holder or "",
        row.agreement or "",
    )


def matches(row: Row, filters: Filters) -> bool:
    """Whether ``row`` matches all filters."""
    if not filters:
        return True
    group = group_of(row)
    return all(group[DIMENSIONS.index(name)] == value for name, value in filters.items())


class Ranking:
    """Sorted places, in total and by each value of each dimension.

    A query uses the shortest list that contains its answer, so a query about one client costs only
    as much as that client's tickets.
    """

    def __init__(self) -> None:
        self._whole: SortedList[Place] = SortedList()
        self._parts: dict[tuple[Dimension, str], SortedList[Place]] = {}

    def add(self, place: Place, group: Group) -> None:
        """Add a ticket at its place."""
        self._whole.add(place)
        for part in zip(_LISTED, group, strict=False):
            places = self._parts.get(part)
            if places is None:
                places = self._parts[part] = SortedList()
            places.add(place)

    def remove(self, place: Place, group: Group) -> None:
        """Remove a ticket that was added with the same place and group."""
        self._whole.remove(place)
        for part in zip(_LISTED, group, strict=False):
            places = self._parts[part]
            places.remove(place)
            if not places:
                del self._parts[part]

    def places(
        self, filters: Filters, after: Place | None = None, *, backwards: bool = False
    ) -> Iterator[Place]:
        """The places after ``after``: all tickets that match ``filters``, and perhaps others."""
        lists = [self._parts.get(part) for part in filters.items() if part[0] in _LISTED]
        if any(places is None for places in lists):
            return iter(())
        shortest = min((each for each in lists if each is not None), key=len, default=self._whole)
        if after is None:
            return reversed(shortest) if backwards else iter(shortest)
        if backwards:
            return shortest.irange(maximum=after, inclusive=(True, False), reverse=True)
        return shortest.irange(minimum=after, inclusive=(False, True))
