"""``sla topics``: list and create the topics."""

from __future__ import annotations

from typing import Annotated

import typer

from sla_cli.options import DEFAULT_PARTITIONS, Bootstrap, Json, Partitions, kafka_settings

app = typer.Typer(no_args_is_help=True, help="The topics that the programs share.")


@app.command("list")
def list_topics(as_json: Json = False) -> None:
    """List the topics: purpose, key, who writes and who reads them."""
    from sla_cli.console import listing
    from sla_schemas.topics import TOPICS

    rows = [
        {
            "topic": topic.name,
            "key": topic.key,
            "cleanup": topic.config["cleanup.policy"],
            "made by": ", ".join(topic.made_by),
            "used by": ", ".join(topic.used_by),
            "purpose": topic.purpose,
        }
        for topic in TOPICS
    ]
    listing(rows, ["topic", "key", "cleanup", "made by", "used by"], as_json=as_json)


@app.command()
def create(
    bootstrap: Bootstrap = None,
    partitions: Partitions = DEFAULT_PARTITIONS,
    replicas: Annotated[int, typer.Option(min=1, help="Copies of each partition.")] = 1,
    as_json: Json = False,
) -> None:
    """Create the missing topics; existing ones are not changed.

    sla topics create --bootstrap broker:9092 --replicas 3
    """
    import asyncio

    from sla_cli.console import out, print_json
    from sla_kafka.admin import create_topics

    created = asyncio.run(create_topics(kafka_settings(bootstrap), partitions, replicas))
    if as_json:
        print_json({"created": created})
    else:
        out.print("\n".join(f"created {name}" for name in created) or "all topics exist")
