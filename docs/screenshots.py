"""Take the pictures of the board for these pages: ``make picture``.

Plays the packaged recording through everything, as ``sla demo`` does, and takes pictures when
most of it is over.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from support.browser import chromium

from sla_cli.demo.services import DemoServices
from sla_lab import sample
from sla_lab.feed import Feed
from sla_lab.processes import Harness
from sla_lab.recording import read_lines
from sla_schemas.topics import DEFAULT_PARTITIONS

HERE: Final = Path(__file__).parent
TICKET: Final = "INC0003731"
#: What of the recording is played: the ticket shown is in it, and its quiet last part is not.
PART: Final = 0.7


async def play(harness: Harness, around: DemoServices) -> None:
    """The first part of the recording, at once."""
    lines = [line for line in read_lines([Path(sample.NAME)]) if line.occurred is not None]
    lines = lines[: int(len(lines) * PART)]
    async with around, Feed(harness.settings) as feed:
        await around.send(lines)
        await feed.move_frontier(lines[-1].occurred or 0)
        await asyncio.sleep(8)


def main() -> None:
    """Play and photograph."""
    with Harness(partitions=DEFAULT_PARTITIONS) as harness:
        around = DemoServices(harness)
        around.wait_until_ready()
        asyncio.run(play(harness, around))
        with chromium() as browser:

            def photograph(name: str, path: str, width: int, height: int, **look: Any) -> None:
                context = browser.new_context(
                    viewport={"width": width, "height": height}, base_url=around.board_url, **look
                )
                page = context.new_page()
                page.goto(path)
                page.wait_for_timeout(1500)
                page.screenshot(path=str(HERE / f"{name}.png"))
                context.close()

            photograph("board", "/?lang=en", 1200, 760)
            photograph("board-phone", "/?lang=es", 390, 760, color_scheme="dark")
            photograph("board-ticket", f"/tickets/{TICKET}?lang=en", 1200, 620)


if __name__ == "__main__":
    with ThreadPoolExecutor(1) as pool:
        pool.submit(main).result()
