"""How far a partition is done: up to the first record that is not, whatever is done behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import MutableMapping
from typing import Generic, TypeVar

Partition = TypeVar("Partition")


class Taken:
    """A record that was taken. It is done when as many parts of it are as there were to do."""

    __slots__ = ("left", "offset")

    def __init__(self, offset: int, parts: int) -> None:
        self.offset = offset
        self.left = parts


class Positions(Generic[Partition]):
    """Writes to ``done`` the offset of each partition before which everything is done."""

    def __init__(self, done: MutableMapping[Partition, int]) -> None:
        self._done = done
        self._taken: dict[Partition, deque[Taken]] = {}
        self._next: dict[Partition, int] = {}

    def take(self, partition: Partition, offset: int, parts: int) -> Taken:
        """A record was taken, the next of its partition; ``parts`` things are to be done for it."""
        record = Taken(offset, parts)
        self._taken.setdefault(partition, deque()).append(record)
        self._next[partition] = offset + 1
        if not parts:
            self._advance(partition)
        return record

    def finish(self, partition: Partition, record: Taken) -> None:
        """One part of a record is done."""
        record.left -= 1
        self._advance(partition)

    def done(self, partition: Partition) -> int | None:
        """The offset before which everything is done; ``None`` before something was."""
        return self._done.get(partition)

    def next(self, partition: Partition) -> int | None:
        """The offset behind the last that was taken."""
        return self._next.get(partition)

    def left(self, partition: Partition) -> int:
        """How many of those that were taken are not done."""
        return sum(record.left > 0 for record in self._taken.get(partition, ()))

    def forget(self, partition: Partition) -> None:
        """The partition is no longer ours: what is under way for it counts for nothing."""
        self._taken.pop(partition, None)
        self._next.pop(partition, None)
        self._done.pop(partition, None)

    def _advance(self, partition: Partition) -> None:
        taken = self._taken.get(partition, deque())
        while taken and taken[0].left <= 0:
            self._done[partition] = taken.popleft().offset + 1
