"""Coverage-guided fuzzing: ``make fuzz-coverage``. atheris (libFuzzer) mutates the corpus to reach
new code, and saves interesting inputs to the given directory.
"""

from __future__ import annotations

import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["sla_tracker", "sla_domain", "sla_schemas", "pydantic"]):
    from sla_engine.frontier import TimeRule
    from sla_engine.partition import Partition
    from sla_lab.recording import Recorded
    from sla_schemas.topics import EVENTS

from support import default_book

from fuzz.check import BEGIN

#: Records after which a partition is thrown away.
_LIFETIME = 2_000


class Target:
    """A partition that reads whatever it is given."""

    def __init__(self) -> None:
        self._book = default_book()
        self._begin()

    def _begin(self) -> None:
        self._partition = Partition(0, EVENTS.name, self._book, TimeRule())
        self._offset = 0

    def __call__(self, data: bytes) -> None:
        """Read one record; the first byte says how it is sent."""
        how, value = (data[0], data[1:]) if data else (0, b"")
        key: bytes | None = (b"T1", b"48213", None, value[:8])[how % 4]
        headers: list[tuple[str, Any]] = []
        if how & 4:
            headers = [("ce_specversion", b"1.0"), ("ce_type", value[:20]), ("ce_id", b"x")]
        appended = BEGIN + self._offset * 50
        self._partition.apply(Recorded(EVENTS.name, 0, self._offset, appended, key, value, headers))
        self._offset += 1
        self._partition.drain()
        tally = self._partition.tally
        parts = tally.applied + tally.duplicates + tally.conflicts + tally.rekeyed
        assert tally.events == self._offset == parts + tally.dead_letters
        if self._offset == _LIFETIME:
            self._begin()


if __name__ == "__main__":
    atheris.Setup(sys.argv, Target())
    atheris.Fuzz()
