"""What a receiver asks for when it wants to be left alone (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: RFC 9110 allows digits of ASCII only; ``str.isdigit`` takes others that ``float`` does not.
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
#: Its three forms of a date, each of which is of UTC.
_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT"
    r"|[A-Z][a-z]+, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9:]{8} GMT"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}",
    re.ASCII,
)


def retry_after(header: str | None, now: float) -> float:
    """For how many seconds from ``now`` (seconds since 1970) the header asks to be left alone; 0
    for none, for one in the past and for what is none of its forms.
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
