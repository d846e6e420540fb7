"""Which exceptions of a ticket stand, by what is written of them in its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from support.naive import FOREVER, minute_of

#: Before all that happens: where a span has no beginning.
_FIRST: Final = -(10**9)


class Exceptions:
    """What was granted and not withdrawn afterwards, among events that take effect, in order."""

    def __init__(self, events: Iterable[dict[str, Any]], sources: list[str]) -> None:
        self._granted: list[dict[str, Any]] = []
        #: Those of a source that may grant none.
        self.not_allowed: list[str] = []
        for event in events:
            if not event["type"].startswith("ticket.exception_"):
                continue
            if event["source"] not in sources:
                self.not_allowed.append(f"{event['source']}#{event['id']}")
            elif event["type"] == "ticket.exception_granted":
                self._granted.append(event["data"])
            else:
                taken_back = event["data"]["exception_id"]
                self._granted = [
                    each for each in self._granted if each["exception_id"] != taken_back
                ]

    def _of(self, clock: str) -> list[dict[str, Any]]:
        return [each for each in self._granted if each.get("clock", clock) == clock]

    def about(self, clock: str) -> bool:
        """Whether one is about a clock."""
        return bool(self._of(clock))

    def excuse(self, clock: str) -> bool:
        """Whether one excuses a clock altogether."""
        return any("from" not in each and "until" not in each for each in self._of(clock))

    def spans(self, clock: str) -> list[tuple[int, int]]:
        """The minutes that are taken out of a clock."""
        spans = [
            (
                minute_of(each["from"]) if "from" in each else _FIRST,
                minute_of(each["until"]) if "until" in each else FOREVER,
            )
            for each in self._of(clock)
            if "from" in each or "until" in each
        ]
        return [(begin, until) for begin, until in spans if begin < until]
