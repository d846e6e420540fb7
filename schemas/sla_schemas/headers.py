"""Headers of records on our topics."""

from __future__ import annotations

from typing import Final

REKEYED_HEADER: Final = "sla-rekeyed"
REPLAY_FRONTIER_HEADER: Final = "sla-replay-frontier"
#: On an input record without a value: erase the ticket whose id is the key. Signed.
ERASE_HEADER: Final = "sla-erase"
#: On a record that the Kafka client could not read: why. It has neither key nor value.
UNREADABLE_HEADER: Final = "sla-unreadable"
REASON_HEADER: Final = "sla-reason"
DETAIL_HEADER: Final = "sla-detail"
TOPIC_HEADER: Final = "sla-topic"
PARTITION_HEADER: Final = "sla-partition"
OFFSET_HEADER: Final = "sla-offset"
#: On a dead letter that was cut because the whole record is too large for one: the length of the
#: original value in bytes, and its SHA-256. The whole record is at the origin named.
LENGTH_HEADER: Final = "sla-length"
SHA256_HEADER: Final = "sla-sha256"
#: On an event: it was a dead letter and is being retried. On a dead-letter topic: a record without
#: a value that marks the dead letter it names as retried.
RETRIED_HEADER: Final = "sla-retried"
#: On an alert that was not delivered: the destination.
DESTINATION_HEADER: Final = "sla-destination"
#: The origin of a dead letter of the intake is this prefix and the path it was sent to.
HTTP_ORIGIN: Final = "http:"
#: On a dead letter of the intake, so that it can be read again as it was delivered: when it
#: arrived (RFC 3339, microseconds), and the HTTP headers needed to read it, each with this prefix.
#: If the rest of it was published: the fields that were left out of its ``created`` because they
#: were not understood, separated by commas.
ARRIVED_HEADER: Final = "sla-arrived"
HTTP_HEADER_PREFIX: Final = "sla-http-"
LACKING_HEADER: Final = "sla-lacking"
