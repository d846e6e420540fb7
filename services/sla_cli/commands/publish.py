"""``sla publish``: publish recorded events on the input topic."""

from __future__ import annotations

from sla_cli.options import Bootstrap, EventFiles, Json, kafka_settings


def publish(events: EventFiles, bootstrap: Bootstrap = None, as_json: Json = False) -> None:
    """Publish recorded events unchanged, each with its ticket id as the key.

    sla publish events.jsonl\n
    sla import servicenow log.csv | sla publish -
    """
    import asyncio

    from sla_cli.console import out, print_json
    from sla_domain.counting import counted
    from sla_lab.feed import Feed
    from sla_lab.progress import working
    from sla_lab.recording import read_lines

    async def run() -> int:
        async with Feed(kafka_settings(bootstrap)) as feed:
            with working("publishing events") as progress:
                for line in read_lines(events):
                    await feed.add(line)
                    if feed.sent % 5000 == 0:
                        progress(feed.sent)
                await feed.flush()
            return feed.sent

    sent = asyncio.run(run())
    if as_json:
        print_json({"published": sent})
    else:
        out.print(f"published {counted(sent, 'event')}")
