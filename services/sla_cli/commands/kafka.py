"""``sla kafka``: a broker on this machine."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from sla_cli.options import DEFAULT_PARTITIONS, Partitions


def kafka(
    data: Annotated[
        Path | None, typer.Option(help="Keep the data here. Default: gone when it stops.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port on loopback; 0 picks a free one.")] = 9092,
    partitions: Partitions = DEFAULT_PARTITIONS,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only fetch what it needs and make it start quickly.")
    ] = False,
) -> None:
    """Run a real Apache Kafka on loopback, topics included, until Ctrl-C.

    For first steps and tests; it is one node and keeps one copy.

      sla kafka --data ./kafka-data --port 9092
    """
    import asyncio

    from sla_domain.counting import counted
    from sla_kafka import embedded
    from sla_kafka.admin import create_topics
    from sla_kafka.jars import class_path
    from sla_kafka.settings import KafkaSettings
    from sla_lab.progress import downloading, err, working

    with downloading() as progress:
        class_path(progress)
    if prepare:
        with working("teaching the JVM to start Kafka quickly, once"):
            embedded.train()
        return
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with embedded.EmbeddedKafka(data, port) as broker:
        created = asyncio.run(create_topics(KafkaSettings(bootstrap=broker.bootstrap), partitions))
        err.print(f"Kafka answers on {broker.bootstrap}, its log is {broker.log}")
        err.print(f"{counted(len(created), 'topic')} created; Ctrl-C stops it")
        while not stopped.wait(0.5):
            if not broker.running:
                raise embedded.EmbeddedKafkaError(f"Kafka ended by itself; its log: {broker.log}")
