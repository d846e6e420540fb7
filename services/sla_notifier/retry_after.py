"""The pause that a receiver asks for with ``Retry-After`` (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: RFC 9110 allows ASCII digits only; ``str.isdigit`` accepts others that ``float`` does not.
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
#: Its three date formats, all in UTC.
_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT"
    r"|[A-Z][a-z]+, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9:]{8} GMT"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}",
    re.ASCII,
)


def retry_after(header: str | None, now: float) -> float:
    """How many seconds from ``now`` (seconds since 1970) the header asks to wait; 0 if it is
    missing, in the past or in none of the formats.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    if not _DATE.fullmatch(text):
        return 0.0
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(_utc(at).timestamp() - now, 0.0)


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
