"""Poison records, made to stop a tracker, and the required result for each.

Large records are as large as a tracker can receive: compressed, a record may be a thousand times
larger than the broker's batch limit.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from sla_domain.instant import HOUR, MINUTE, format_instant
from sla_engine.memory import Headers
from sla_schemas.headers import ERASE_HEADER, REKEYED_HEADER
from sla_schemas.limits import FUTURE_TOLERANCE, MAX_DEPTH, MAX_RECORD_BYTES
from sla_schemas.topics import MAX_INPUT_BYTES
from sla_schemas.words import DeadLetterReason

#: The largest record, in bytes.
LARGEST: Final = 3 * MAX_INPUT_BYTES
#: The ticket that gets hundreds of events out of order.
LATE: Final = b"T-LATE"
#: Its events in order, then the late ones. Applying all of them again for each late one is more
#: work than one transaction should do.
IN_ORDER: Final = 500
TOO_LATE: Final = 60


class Poison(NamedTuple):
    """A record, and the reason for its dead letter; ``None`` for a valid event."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: DeadLetterReason | None


def event(ticket: str, number: int, word: str, at: int, data: dict[str, Any], **more: Any) -> bytes:
    """An event of a ticket; ``at`` is in UTC milliseconds."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"p{number}",
            "source": "/poison",
            "type": f"ticket.{word}",
            "subject": ticket,
            "time": format_instant(at),
            "data": data,
            **more,
        }
    ).encode()


def _created(draw: random.Random, now: int, **more: Any) -> bytes:
    number = draw.getrandbits(32)
    told = {"client_id": "acme", "severity": "low"}
    return event(f"T-{number}", number, "created", now - MINUTE, told, **more)


def _blanks(draw: random.Random, _now: int) -> Poison:
    return Poison(b"T0", b" " * draw.randint(MAX_INPUT_BYTES, LARGEST), [], "too_large")


def _key(_draw: random.Random, _now: int) -> Poison:
    return Poison(b"k" * 2 * MAX_INPUT_BYTES, b"{", [], "not_json")


def _headers(draw: random.Random, _now: int) -> Poison:
    many = [(f"h{number}", b"x" * draw.randint(900, 1100)) for number in range(3000)]
    return Poison(b"T0", b"{}", many, "too_large")


def _null_header(_draw: random.Random, _now: int) -> Poison:
    return Poison(b"T0", b"{", [("ce_specversion", None), ("x", b"\xff")], "not_json")


def _wrong_key(draw: random.Random, now: int) -> Poison:
    """Fits as it arrives, but not with the added header that names its origin."""
    room = MAX_INPUT_BYTES - len(_created(draw, now, more="")) - 32
    return Poison(b"somebody", _created(draw, now, more="x" * room), [], "too_large")


def _wrong_key_again(draw: random.Random, now: int) -> Poison:
    told: Headers = [(REKEYED_HEADER, b"nowhere")]
    return Poison(b"somebody", _created(draw, now), told, "wrong_key")


def _deep(draw: random.Random, now: int) -> Poison:
    levels = draw.choice((MAX_DEPTH, 500, 100_000))
    deep = b"[" * levels + b"]" * levels
    value = _created(draw, now, deep=0).replace(b'"deep": 0', b'"deep": ' + deep)
    return Poison(b"T0", value, [], "too_large")


def _no_value(draw: random.Random, _now: int) -> Poison:
    return Poison(draw.choice((None, b"T0")), None, [], "not_json")


def _erase(_draw: random.Random, _now: int) -> Poison:
    return Poison(b"T0", None, [(ERASE_HEADER, b"1")], "not_allowed")


def _next_year(draw: random.Random, now: int) -> Poison:
    return Poison(b"T0", _created(draw, now + 2 * FUTURE_TOLERANCE), [], "from_the_future")


ONE: Final[tuple[Callable[[random.Random, int], Poison], ...]] = (
    _blanks,
    _key,
    _headers,
    _null_header,
    _wrong_key,
    _wrong_key_again,
    _deep,
    _no_value,
    _erase,
    _next_year,
)


def _many_late(draw: random.Random, now: int) -> Iterator[Poison]:
    """Late events of one old ticket; each causes all its events to be applied again."""
    ticket, begin = LATE.decode(), now - 10 * HOUR
    first = {"client_id": "acme", "severity": "low"}
    yield Poison(LATE, event(ticket, 0, "created", begin, first), [], None)
    for number in range(1, IN_ORDER + TOO_LATE):
        late = number > IN_ORDER
        at = begin + MINUTE + (draw.randrange(1000) if late else number * 4000)
        yield Poison(LATE, event(ticket, number, "assigned", at, {"analyst_id": "x"}), [], None)


def _held(_draw: random.Random, now: int) -> Iterator[Poison]:
    """Large events of a ticket without ``created``: their records are held in its row."""
    large = "x" * (MAX_RECORD_BYTES - 1000)
    for number in range(40):
        value = event("T-HELD", number, "assigned", now, {"analyst_id": "x"}, more=large)
        yield Poison(b"T-HELD", value, [], None)


def _flood(draw: random.Random, _now: int) -> Iterator[Poison]:
    """Large records, faster than they can be processed."""
    for _ in range(40):
        yield Poison(b"T0", b" " * draw.randint(200_000, 250_000), [], "not_json")


MANY: Final[tuple[Callable[[random.Random, int], Iterator[Poison]], ...]] = (
    _many_late,
    _held,
    _flood,
)


def poison(draw: random.Random, now: int) -> Iterator[Poison]:
    """A few records of any kind, or many of one; ``now`` is in UTC milliseconds."""
    if draw.random() < 0.2:
        yield from draw.choice(MANY)(draw, now)
        return
    for _ in range(draw.randint(1, 3)):
        yield draw.choice(ONE)(draw, now)
