"""Signed orders to erase a ticket: permission to write events does not include erasing."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from typing import Final

#: The largest accepted difference between signing and append, in milliseconds.
VALID_MS: Final = 5 * 60_000
_ORDER: Final = re.compile(rb"([0-9]{1,14})\.([0-9a-f]{64})")

#: From ticket id, header value and append time (UTC milliseconds), the reason to refuse an order,
#: or ``None`` to accept it.
Refusal = Callable[[bytes, bytes | None, int], str | None]


def erase_order(ticket: bytes, now: int, key: bytes) -> bytes:
    """The header value of an order, signed at ``now``, to erase the ticket with this id."""
    return b"%d.%s" % (now, _digest(ticket, b"%d" % now, key))


def refusal_without(key: bytes | None) -> Refusal:
    """Refuses orders not signed with ``key``; without a key, refuses all."""

    def refusal(ticket: bytes, told: bytes | None, appended: int) -> str | None:
        if key is None:
            return "the tracker has no key for orders to erase: SLA_TRACKER_ERASE_KEY_FILE"
        found = _ORDER.fullmatch(told or b"")
        if found is None or not hmac.compare_digest(_digest(ticket, found[1], key), found[2]):
            return "the order to erase is not signed with the tracker's key"
        if abs(appended - int(found[1])) > VALID_MS:
            return "the order to erase was signed more than five minutes before or after"
        return None

    return refusal


def obeyed(_ticket: bytes, _told: bytes | None, _appended: int) -> str | None:
    """Refuses nothing: for replays of orders that were already accepted."""
    return None


def _digest(ticket: bytes, at: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"erase\n" + at + b"\n" + ticket, "sha256").hex().encode()
