"""The progress topic: how far each partition has been processed."""

from __future__ import annotations

from typing import Final

import msgspec

from sla_engine.memory import STATE_VERSION, NewerStateError


class Counts(msgspec.Struct):
    """The number of records by result (``sla_schemas.tables.Counts``)."""

    events: int = 0
    applied: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rekeyed: int = 0
    dead_letters: int = 0


class Progress(msgspec.Struct):
    """A progress record (``sla_schemas.tables.ProgressRecord``)."""

    offset: int
    frontier: int | None
    counts: Counts
    #: The number of tickets in the table and of input partitions; ``None`` in format 1.
    tickets: int | None = None
    partitions: int | None = None
    state_version: int = 1
    #: The digest of the policies under which its tickets were last evaluated.
    rules: str | msgspec.UnsetType = msgspec.UNSET


_PROGRESS: Final = msgspec.json.Decoder(Progress)


def read_progress(value: bytes) -> Progress:
    """Decode a progress record. Raises ``NewerStateError``."""
    progress = _PROGRESS.decode(value)
    if progress.state_version > STATE_VERSION:
        raise NewerStateError(progress.state_version)
    return progress


def write_progress(
    offset: int,
    frontier: int | None,
    counts: Counts,
    tickets: int | None = None,
    partitions: int | None = None,
    rules: str | msgspec.UnsetType = msgspec.UNSET,
) -> bytes:
    """Encode a progress record; ``offset`` is the next input offset."""
    return msgspec.json.encode(
        Progress(offset, frontier, counts, tickets, partitions, STATE_VERSION, rules)
    )
