"""Recorded events: JSON Lines, plain or gzipped, from a file or standard input."""

from __future__ import annotations

import io
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

import msgspec

from sla_domain.instant import parse_instant
from sla_kafka.partitioning import partition_for
from sla_lab import sample
from sla_lab.errors import CommandError
from sla_lab.unpacking import unpacked
from sla_schemas.limits import MAX_RECORD_BYTES

STDIN = Path("-")
#: Bytes of a line that are kept; an event may have an eighth of it.
_MOST_OF_A_LINE: Final = 8 * MAX_RECORD_BYTES
#: Lines without a ticket that a file may have, though they be most of it. Each becomes a dead
#: letter, for which there are hundreds of bytes of memory to three of the file.
_ODD_ANYWAY: Final = 100_000


class Line(NamedTuple):
    """One recorded event as bytes, its key, and when it says it occurred (if it says)."""

    key: bytes | None
    value: bytes
    occurred: int | None


class Recorded(NamedTuple):
    """A line in the place a topic would give it (the shape of a consumed record)."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    occurred: int | None = None


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, of ``-`` standard input, of ``sample`` the packaged sample; gzip is
    recognised by its first bytes. Reading raises ``UnpackingError``.
    """
    if path == STDIN:
        yield sys.stdin.buffer
        return
    packaged = path == Path(sample.NAME) and not path.exists()
    with _packaged_sample() if packaged else path.open("rb") as raw:
        if raw.peek(2)[:2] == b"\x1f\x8b":
            with unpacked(raw, str(path)) as file:
                yield file
        else:
            yield raw


def _packaged_sample() -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(sample.sample_bytes()))


def read_lines(paths: Iterable[Path]) -> Iterator[Line]:
    """The events of ``paths``, in the order written; blank lines are passed over, and the mark with
    which some editors begin a file. Of a line that no tracker takes, since it is too large, the
    beginning is kept. Raises ``CommandError`` for a file of something else.
    """
    for path in paths:
        odd = 0
        with opened(path) as file:
            for number, raw in enumerate(_lines(file)):
                value = (raw.removeprefix(BOM_UTF8) if number == 0 else raw).strip()
                if not value:
                    continue
                line = as_line(value)
                odd += line.key is None
                if odd > _ODD_ANYWAY and 2 * odd > number:
                    raise CommandError(
                        f"most of the first {number:,} lines of {path} are not events; convert "
                        "other logs into events with 'sla import'"
                    )
                yield line


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(_MOST_OF_A_LINE):
        rest = line
        while len(rest) == _MOST_OF_A_LINE and not rest.endswith(b"\n"):
            rest = file.readline(_MOST_OF_A_LINE)
        yield line


class _Addressed(msgspec.Struct):
    """As much of an event as it takes to publish it."""

    subject: str
    time: str | None = None


_ADDRESSED = msgspec.json.Decoder(_Addressed)


def as_line(value: bytes) -> Line:
    """``value`` with the key a producer gives it: the ticket id, none where it can't be read."""
    try:
        event = _ADDRESSED.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _as_odd_line(value)
    key = event.subject.encode()
    try:
        return Line(key, value, None if event.time is None else parse_instant(event.time))
    except ValueError:
        return Line(key, value, None)


def _as_odd_line(value: bytes) -> Line:
    """Whatever of subject and time there is in what is no event."""
    try:
        event = json.loads(value)
        subject, time = event["subject"], event.get("time")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Line(None, value, None)
    key = subject.encode() if isinstance(subject, str) else None
    try:
        return Line(key, value, parse_instant(time))
    except (ValueError, TypeError, AttributeError):
        return Line(key, value, None)


def laid_out(lines: Iterable[Line], topic: str, partitions: int) -> Iterator[Recorded]:
    """``lines`` as the records they are on ``topic`` when published in this order."""
    offsets = [0] * partitions
    for line in lines:
        partition = partition_for(line.key, partitions)
        yield Recorded(
            topic, partition, offsets[partition], 0, line.key, line.value, (), line.occurred
        )
        offsets[partition] += 1
