"""Which partition a key belongs to, as in Kafka's default partitioner (murmur2)."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


def partition_for(key: bytes | None, count: int) -> int:
    """The partition of ``key`` among ``count``; a record without a key goes to the first, so that
    a recording is always laid out the same way.
    """
    return 0 if key is None else _hash(key) % count


@lru_cache(maxsize=65536)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF
