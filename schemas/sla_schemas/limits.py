"""Limits of the contract that no field's type tells."""

from __future__ import annotations

from typing import Final

from sla_domain.instant import MINUTE

#: Bytes of an event's record, and how deep its JSON may nest.
MAX_RECORD_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 8
#: How far ahead of its append time an event may say it occurred, in milliseconds.
FUTURE_TOLERANCE: Final = 5 * MINUTE
