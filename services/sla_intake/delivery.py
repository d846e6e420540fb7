"""A delivery as it came, and how to take values out of it whose shape nobody vouches for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sla_domain.instant import NaiveTimeError, format_instant, parse_instant
from sla_intake.sources import Source
from sla_schemas.types import MAX_ID
from sla_schemas.words import DeadLetterReason

#: How much of a word that is not understood is told.
_TOLD: Final = 80


class UnusableError(Exception):
    """Something of a proven delivery that no event can be made of; it goes to the dead letters."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """A proven delivery: headers with lower-case names, its JSON, and when it arrived (RFC 3339,
    microseconds). ``body`` is what was sent, ``None`` for an event of a batch.

    Of Zendesk, Jira and GitHub the proof covers the body and no header but that of Zendesk's
    time: what a delivery means, and its id, come from the body alone.
    """

    source: Source
    headers: Mapping[str, str]
    json: Any
    arrived: str
    body: bytes | None = None

    def digest(self) -> str:
        """Which bytes these are: the id of a delivery whose JSON has none."""
        return hashlib.blake2b(self.body or b"", digest_size=16).hexdigest()


def at(value: Any, path: str) -> Any:
    """What is at ``a.b.0.c`` in JSON, ``None`` where nothing is; a number is a place in a list."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def needed(value: Any, path: str) -> Any:
    """The same, which must be there. Raises ``UnusableError``."""
    found = at(value, path)
    if found is None:
        raise UnusableError("invalid_data", f"there is no {path}")
    return found


def word(value: Any, path: str) -> str | None:
    """A word or number at ``path`` as text; ``None`` for none, which some write as an empty text.
    Raises ``UnusableError`` for anything else: a list or object is never turned into text.
    """
    found = at(value, path)
    if found is None:
        return None
    if isinstance(found, str):
        return found.strip() or None
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    raise UnusableError("invalid_data", f"{path} is {_SHAPES.get(type(found), 'no text')}")


_SHAPES: Final[dict[type, str]] = {list: "a list", dict: "an object"}


def needed_word(value: Any, path: str) -> str:
    """The same, which must be there. Raises ``UnusableError``."""
    found = word(value, path)
    if found is None:
        raise UnusableError("invalid_data", f"there is no {path}")
    return found


def ident(value: Any, path: str) -> str | None:
    """The same for an identifier, which is not long. Raises ``UnusableError``."""
    found = word(value, path)
    if found is not None and len(found) > MAX_ID:
        raise UnusableError("too_large", f"{path} has more than {MAX_ID} characters")
    return found


def instant(source: Source, value: Any, path: str) -> str | None:
    """A time at ``path``, as RFC 3339 in UTC; one without an offset is of the source's zone.

    Of a local time that exists twice the first is taken, and one that does not exist is read with
    the offset before the change. Raises ``UnusableError``.
    """
    text = word(value, path)
    if text is None:
        return None
    # "2026-11-23 12:00:00 UTC" and "… -0300" are how some languages print times.
    day, rest = text[:11].replace(" ", "T"), text[11:].replace(" UTC", "Z").replace(" ", "")
    try:
        moment = datetime.fromisoformat(day + rest if day.endswith("T") else "")
        if moment.tzinfo is None and source.zone is not None:
            moment = moment.replace(tzinfo=ZoneInfo(source.zone))
        return format_instant(parse_instant(moment.isoformat()))
    except NaiveTimeError:
        raise UnusableError(
            "naive_time",
            f"{path} has no offset; say in which zone source {source.name!r} writes its times, "
            "in its setting zone",
        ) from None
    except (ValueError, OverflowError):
        raise UnusableError("invalid_data", f"{path} is no time") from None


def needed_instant(source: Source, value: Any, path: str) -> str:
    """The same, which must be there. Raises ``UnusableError``."""
    found = instant(source, value, path)
    if found is None:
        raise UnusableError("invalid_data", f"there is no {path}")
    return found


def shown(text: str) -> str:
    """A word as a message quotes it."""
    return repr(text[:_TOLD])
