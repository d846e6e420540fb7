"""Capacity that several share, of whom none may take all."""

from __future__ import annotations


class Shares:
    """``room`` for ``sharers``. None may hold more than remains free, so that there is always some
    left: if one takes all it can get, half is left; if two do, a third.
    """

    def __init__(self, room: int, sharers: int) -> None:
        self._free = room
        self._alone = sharers == 1
        self._held: dict[str, int] = {}

    def take(self, who: str, size: int) -> bool:
        """Take so much, if there is so much for ``who``."""
        held = self._held.get(who, 0)
        free = self._free - size
        if free < 0 or (not self._alone and held + size > free):
            return False
        self._held[who] = held + size
        self._free = free
        return True

    def give_back(self, who: str, size: int) -> None:
        """Give back what was taken."""
        self._held[who] -= size
        self._free += size
