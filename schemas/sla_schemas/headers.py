"""Headers of records on our topics."""

from __future__ import annotations

from typing import Final

REKEYED_HEADER: Final = "sla-rekeyed"
REPLAY_FRONTIER_HEADER: Final = "sla-replay-frontier"
#: On an input record without a value: the ticket of its key is to be forgotten.
ERASE_HEADER: Final = "sla-erase"
REASON_HEADER: Final = "sla-reason"
DETAIL_HEADER: Final = "sla-detail"
TOPIC_HEADER: Final = "sla-topic"
PARTITION_HEADER: Final = "sla-partition"
OFFSET_HEADER: Final = "sla-offset"
#: On an event: it was a dead letter and comes again. On the dead-letter topic: a record without a
#: value that says so of the one it names.
RETRIED_HEADER: Final = "sla-retried"
#: On an alert that a destination did not take: which.
DESTINATION_HEADER: Final = "sla-destination"
