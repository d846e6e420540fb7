"""The progress topic: how far a partition has come."""

from __future__ import annotations

from typing import Final

import msgspec

from sla_engine.memory import STATE_VERSION, NewerStateError


class Counts(msgspec.Struct):
    """Records by what became of them (``sla_schemas.tables.Counts``)."""

    events: int = 0
    applied: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rekeyed: int = 0
    dead_letters: int = 0


class Progress(msgspec.Struct):
    """How far a partition has come (``sla_schemas.tables.ProgressRecord``)."""

    offset: int
    frontier: int | None
    counts: Counts
    #: How many tickets the table has, and how many partitions the input; ``None`` in form 1.
    tickets: int | None = None
    partitions: int | None = None
    state_version: int = 1
    #: The digest of the policies by which its tickets were judged last.
    rules: str | msgspec.UnsetType = msgspec.UNSET


_PROGRESS: Final = msgspec.json.Decoder(Progress)


def read_progress(value: bytes) -> Progress:
    """A record of the progress topic. Raises ``NewerStateError``."""
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
    """A record for the progress topic: the next input offset and all that is known with it."""
    return msgspec.json.encode(
        Progress(offset, frontier, counts, tickets, partitions, STATE_VERSION, rules)
    )
