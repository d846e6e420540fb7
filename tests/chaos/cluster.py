"""Brokers that can be killed and restarted: one node, or three with full replication."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from sla_kafka.embedded import HOST, EmbeddedKafka, free_port, new_cluster_id

#: Small segments: after a kill the broker reads its last ones again, and the rest is compacted.
_SEGMENTS: Final = {
    "log.segment.bytes": str(16 * 1024 * 1024),
    "log.cleaner.backoff.ms": "2000",
    "log.cleaner.min.cleanable.ratio": "0.3",
}


class Cluster:
    """``nodes`` brokers in ``directory``; with three, a write counts when two of them have it."""

    def __init__(self, directory: Path, nodes: int) -> None:
        self.replicas = min(nodes, 3)
        self.nodes = [EmbeddedKafka(directory / "1", overrides=_SEGMENTS)]
        if nodes > 1:
            self.nodes = _together(directory, nodes)

    @property
    def bootstrap(self) -> str:
        """Every node's address."""
        return ",".join(node.bootstrap for node in self.nodes)

    async def __aenter__(self) -> Self:
        try:
            # Together, since one alone has no quorum to start with; in the loop's own threads,
            # since a broker goes when the thread that started it does.
            await asyncio.gather(*(asyncio.to_thread(node.start) for node in self.nodes))
        except BaseException:
            self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all of them. What they keep is thrown away after, so none need be asked politely."""
        for node in self.nodes:
            node.kill()


def _together(directory: Path, count: int) -> Sequence[EmbeddedKafka]:
    cluster = new_cluster_id()
    ports = [(free_port(), free_port()) for _ in range(count)]
    voters = ",".join(f"{at}@{HOST}:{control}" for at, (_, control) in enumerate(ports, 1))
    copies = str(count)
    return [
        EmbeddedKafka(
            directory / str(number),
            port,
            cluster_id=cluster,
            overrides={
                **_SEGMENTS,
                "node.id": str(number),
                "controller.quorum.voters": voters,
                "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{control}",
                "default.replication.factor": copies,
                "min.insync.replicas": "2",
                "unclean.leader.election.enable": "false",
                "offsets.topic.replication.factor": copies,
                "transaction.state.log.replication.factor": copies,
                "transaction.state.log.min.isr": "2",
                "share.coordinator.state.topic.replication.factor": copies,
            },
        )
        for number, (port, control) in enumerate(ports, 1)
    ]
