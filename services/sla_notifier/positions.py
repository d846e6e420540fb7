"""How far a partition is done: up to the first record that is not, even if later ones are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, MutableMapping
from typing import Generic, Protocol, TypeVar

Partition = TypeVar("Partition")


class Taken:
    """A record that was taken. It is done when all of its parts are."""

    __slots__ = ("begun", "gone", "left", "offset")

    def __init__(self, offset: int, parts: int) -> None:
        self.offset = offset
        self.left = parts
        #: Parts in progress.
        self.begun = 0
        #: Whether somebody else does the parts that have not been started.
        self.gone = False


class Part(Protocol):
    """What one destination has to do with a record."""

    @property
    def wanted(self) -> bool:
        """Whether it is still ours to do."""

    def begin(self) -> bool:
        """Start it if it is wanted. Returns whether it is."""

    def done(self) -> None:
        """What was started is done."""

    def drop(self) -> None:
        """What was started is left to somebody else."""


class Positions(Generic[Partition]):
    """Writes to ``done``, for each partition, the offset before which everything is done."""

    def __init__(self, done: MutableMapping[Partition, int]) -> None:
        self._done = done
        self._taken: dict[Partition, deque[Taken]] = {}
        self._next: dict[Partition, int] = {}

    def take(self, partition: Partition, offset: int, parts: int) -> Taken:
        """Note that the next record of a partition was taken. It has ``parts`` things to do, each
        of which is a ``part`` of it.
        """
        record = Taken(offset, parts)
        self._taken.setdefault(partition, deque()).append(record)
        self._next[partition] = offset + 1
        if not parts:
            self.advance(partition)
        return record

    def part(self, partition: Partition, record: Taken, done: Callable[[], None]) -> Part:
        """One thing to do for a record; ``done`` is called once it is done or no longer ours."""
        return _Part(self, partition, record, done)

    def leave(self, partition: Partition) -> None:
        """Start nothing more of a partition."""
        for record in self._taken.get(partition, ()):
            record.gone = True

    def busy(self, partition: Partition) -> bool:
        """Whether anything of it is in progress."""
        return any(record.begun for record in self._taken.get(partition, ()))

    def done(self, partition: Partition) -> int | None:
        """The offset before which everything is done; ``None`` if nothing is yet."""
        return self._done.get(partition)

    def next(self, partition: Partition) -> int | None:
        """The offset after the last record taken."""
        return self._next.get(partition)

    def left(self, partition: Partition) -> int:
        """How many of the records taken are not done."""
        return sum(record.left > 0 for record in self._taken.get(partition, ()))

    def forget(self, partition: Partition) -> None:
        """The partition is no longer ours: what is in progress for it no longer counts."""
        self.leave(partition)
        self._taken.pop(partition, None)
        self._next.pop(partition, None)
        self._done.pop(partition, None)

    def advance(self, partition: Partition) -> None:
        """Update how far it is done."""
        taken = self._taken.get(partition, deque())
        while taken and taken[0].left <= 0:
            self._done[partition] = taken.popleft().offset + 1


class _Part(Generic[Partition]):
    __slots__ = ("_done", "_partition", "_positions", "_record")

    def __init__(
        self,
        positions: Positions[Partition],
        partition: Partition,
        record: Taken,
        done: Callable[[], None],
    ) -> None:
        self._positions = positions
        self._partition = partition
        self._record = record
        self._done = done

    @property
    def wanted(self) -> bool:
        return not self._record.gone

    def begin(self) -> bool:
        if self._record.gone:
            self._done()
            return False
        self._record.begun += 1
        return True

    def done(self) -> None:
        self._record.begun -= 1
        self._record.left -= 1
        self._positions.advance(self._partition)
        self._done()

    def drop(self) -> None:
        self._record.begun -= 1
        self._done()
