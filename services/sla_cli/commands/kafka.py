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
        Path | None,
        typer.Option(help="Keep the data in this directory. Default: deleted when Kafka stops."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port on loopback; 0 picks a free one.")] = 9092,
    partitions: Partitions = DEFAULT_PARTITIONS,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Only download Kafka and prepare it for a faster start."),
    ] = False,
) -> None:
    """Run a real Apache Kafka on loopback, with all topics, until Ctrl-C.

    For first steps and tests: it is a single node and keeps one copy of the data.

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
        with working("preparing the JVM for a faster start, once"):
            embedded.train()
        return
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with embedded.EmbeddedKafka(data, port) as broker:
        created = asyncio.run(create_topics(KafkaSettings(bootstrap=broker.bootstrap), partitions))
        err.print(f"Kafka is running on {broker.bootstrap}; its log is {broker.log}")
        err.print(f"{counted(len(created), 'topic')} created; press Ctrl-C to stop Kafka")
        while not stopped.wait(0.5):
            if not broker.running:
                raise embedded.EmbeddedKafkaError(
                    f"Kafka stopped unexpectedly; look for the cause in its log, {broker.log}"
                )
