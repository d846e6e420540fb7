"""Headers of records on our topics."""

from __future__ import annotations

from typing import Final

REKEYED_HEADER: Final = "sla-rekeyed"
REPLAY_FRONTIER_HEADER: Final = "sla-replay-frontier"
#: On an input record without a value: the ticket of its key is to be forgotten. Signed (erasure).
ERASE_HEADER: Final = "sla-erase"
#: On a record that the client could not read: why. It has neither key nor value.
UNREADABLE_HEADER: Final = "sla-unreadable"
REASON_HEADER: Final = "sla-reason"
DETAIL_HEADER: Final = "sla-detail"
TOPIC_HEADER: Final = "sla-topic"
PARTITION_HEADER: Final = "sla-partition"
OFFSET_HEADER: Final = "sla-offset"
#: On a dead letter that was cut, since the whole record is larger than a dead letter may be: the
#: bytes of the original value, and their SHA-256. The whole of it lies at the origin named.
LENGTH_HEADER: Final = "sla-length"
SHA256_HEADER: Final = "sla-sha256"
#: On an event: it was a dead letter and comes again. On the dead-letter topic: a record without a
#: value that says so of the one it names.
RETRIED_HEADER: Final = "sla-retried"
#: On an alert that a destination did not take: which.
DESTINATION_HEADER: Final = "sla-destination"
#: What the origin of a dead letter of the intake begins with; the path it was sent to follows.
HTTP_ORIGIN: Final = "http:"
#: On a dead letter of the intake, so that it can be read again as it was delivered: when it
#: arrived (RFC 3339, microseconds), and the HTTP headers that its reading needs, each behind this
#: prefix; where the rest of it was published, the fields that its ``created`` lacks for what was
#: not understood, separated by commas.
ARRIVED_HEADER: Final = "sla-arrived"
HTTP_HEADER_PREFIX: Final = "sla-http-"
LACKING_HEADER: Final = "sla-lacking"
