"""Mutations of the corpus, drawn from a seed: of bytes, JSON, keys and headers."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any, Final

from support import ROOT

from sla_domain.instant import HOUR, format_instant, parse_instant
from sla_lab.recording import Recorded
from sla_schemas.headers import REKEYED_HEADER, REPLAY_FRONTIER_HEADER, RETRIED_HEADER
from sla_schemas.topics import EVENTS

CORPUS: Final = Path(__file__).parent / "corpus"
#: What a value may be put in the place of another.
HOSTILE: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    2**63,
    10**400,
    1e308,
    "",
    " ",
    "\x00",
    "\ud800",
    "é" * 1_025,
    "x" * 201,
    "2026-02-30T00:00:00Z",
    "2026-11-23T12:00:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "2026-11-23T12:00:00.123456789+14:00",
    "2026-11-23t12:00:00z",
    "Blocker",
    "blocker",
    "incident",
    "client",
    [],
    {},
    [[]],
    {"a": {"b": {"c": {"d": {}}}}},
    ["x"] * 1_000,
)
NOON: Final = parse_instant("2026-11-23T12:00:00Z")
TICKETS: Final = tuple(f"T{number}" for number in range(200))


@cache
def corpus() -> tuple[bytes, ...]:
    """Examples of every event, and records kept because they were once trouble."""
    examples = sorted((ROOT / "schemas" / "examples").glob("ticket.*.json"))
    kept = sorted(path for path in CORPUS.iterdir() if path.suffix != ".md")
    return tuple(path.read_bytes() for path in [*examples, *kept])


@cache
def created() -> bytes:
    """The example of a ticket's creation."""
    return (ROOT / "schemas" / "examples" / "ticket.created.json").read_bytes()


def record(draw: random.Random, offset: int, timestamp: int) -> Recorded:
    """A record made from one of the corpus; some are left as they are."""
    # Without a created an event is only kept for a while.
    value = created() if draw.random() < 0.25 else draw.choice(corpus())
    ticket = draw.choice(TICKETS)
    how = draw.random()
    if how < 0.85:
        value = _json(draw, value, ticket)
    if how > 0.7:
        for _ in range(draw.choice((1, 1, 2, 8))):
            value = _bytes(draw, value)
    key: bytes | None = ticket.encode()
    if draw.random() < 0.05:
        key = draw.choice((None, b"", b"\xff", b"other"))
    sent = None if draw.random() < 0.005 else value
    return Recorded(EVENTS.name, 0, offset, timestamp, key, sent, _headers(draw))


def _json(draw: random.Random, value: bytes, ticket: str) -> bytes:
    """The event about one of our tickets, some of its values others."""
    try:
        event = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if not isinstance(event, dict):
        return value
    event.update(subject=ticket, id=f"e{draw.randrange(4_000)}")
    event["time"] = format_instant(NOON + draw.randrange(8 * HOUR))
    for _ in range(draw.choice((0, 0, 0, 1, 1, 2, 5))):
        _alter(draw, event)
    text = json.dumps(event, ensure_ascii=draw.random() < 0.5, allow_nan=True)
    return text.encode("utf-8", "surrogatepass")


def _alter(draw: random.Random, holder: dict[str, Any]) -> None:
    """Replace, remove or move a value somewhere in ``holder``."""
    if not holder:
        return
    name = draw.choice(sorted(holder))
    inner, action = holder[name], draw.random()
    if isinstance(inner, dict) and draw.random() < 0.7:
        _alter(draw, inner)
    elif action < 0.6:
        holder[name] = draw.choice(HOSTILE)
    elif action < 0.8:
        del holder[name]
    else:
        holder[draw.choice(("time", "data", "id", "extra", "severity"))] = inner


def _bytes(draw: random.Random, value: bytes) -> bytes:
    """``value`` with something cut, flipped, put in, grafted on or repeated."""
    at = draw.randrange(len(value) + 1)
    head, tail, other = value[:at], value[at:], draw.choice(corpus())
    tokens = (b'"', b"{", b"}", b",", b":", b"\\u0000", b"1e999", b"\xff")
    return draw.choice(
        (
            head,
            head + bytes(byte ^ 1 << draw.randrange(8) for byte in tail[:1]) + tail[1:],
            head + draw.randbytes(draw.randrange(1, 9)) + tail,
            head + other[draw.randrange(len(other) + 1) :],
            head + tail[:64] * 3 + tail,
            head + draw.choice(tokens) + tail,
            draw.choice((b"\x00\x00\x00\x00\x01", b"\xef\xbb\xbf", b"[" * 64)) + value,
        )
    )


def _headers(draw: random.Random) -> list[tuple[str, bytes]]:
    if draw.random() < 0.85:
        return []
    known = (
        ("ce_specversion", b"1.0"),
        ("ce_type", b"ticket.assigned"),
        ("ce_subject", b"T1"),
        ("ce_time", b"2026-11-23T12:00:00Z"),
        ("content-type", b"application/cloudevents+json"),
        (REKEYED_HEADER, b"x"),
        (RETRIED_HEADER, b"0/1"),
        (REPLAY_FRONTIER_HEADER, b"not a number"),
        ("traceparent", b"\xff\x00"),
    )
    return [draw.choice(known) for _ in range(draw.randrange(1, 6))]
