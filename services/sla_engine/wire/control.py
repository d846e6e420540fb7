"""Control records: orders to the tracker on the input topic."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from sla_engine.wire.records import Record
from sla_schemas.headers import ERASE_HEADER, REPLAY_FRONTIER_HEADER

#: An instant in a replay's frontier header, in UTC milliseconds.
_INSTANT: Final = re.compile(rb"[0-9]{1,13}")


class AdvanceOrder(NamedTuple):
    """In a replay: no more events that occurred up to this instant will follow."""

    to: int


class EraseOrder(NamedTuple):
    """Erase the ticket with this key; ``signed`` is the signed header value."""

    key: bytes
    signed: bytes | None


def read_control(record: Record, *, replay: bool) -> AdvanceOrder | EraseOrder | None:
    """The order in ``record``; ``None`` if it is not a control record."""
    headers = dict(record.headers)
    to = headers.get(REPLAY_FRONTIER_HEADER)
    if replay and to is not None and _INSTANT.fullmatch(to):
        return AdvanceOrder(int(to))
    if record.value is None and record.key and ERASE_HEADER in headers:
        return EraseOrder(record.key, headers[ERASE_HEADER])
    return None
