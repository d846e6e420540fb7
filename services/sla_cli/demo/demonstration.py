"""The demo: the packaged sample with its time compressed, through a broker and a tracker."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.live import Live

from sla_cli.console import out, print_json, print_table
from sla_cli.demo.board import DemoView, draw
from sla_cli.demo.services import DemoServices
from sla_cli.options import DEFAULT_PARTITIONS
from sla_domain.counting import counted
from sla_domain.instant import format_instant
from sla_kafka.reading import end_offsets, follower
from sla_kafka.settings import KafkaSettings
from sla_lab import sample
from sla_lab.feed import Feed
from sla_lab.processes import Harness
from sla_lab.progress import working
from sla_lab.recording import Line, read_lines
from sla_lab.replaying import collect, output_ends
from sla_lab.simulation import Summary
from sla_policy.loading import load_policy
from sla_schemas.topics import BREACHES, EVENTS, PROGRESS, TICKETS, WARNINGS
from sla_text.language import Texts

#: Rich's SVG template, without the fonts that it would fetch from the network.
_SVG: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
_FOLLOWED: Final = (TICKETS.name, WARNINGS.name, BREACHES.name, PROGRESS.name)
#: Seconds between redraws, and between batches of published events.
_FRAME: Final = 0.125
#: Seconds between the records that give the time to partitions without events.
_TELL_TIME: Final = 0.5
#: Seconds after the last event within which everything must have been processed.
_SETTLE: Final = 20.0


def run_demo(
    seconds: int, picture: Path | None, texts: Texts, *, as_json: bool, stay: bool
) -> None:
    """Run the demo, with the sample's three weeks compressed into ``seconds``.

    ``picture`` is where the view is saved after a third of the time. With ``stay``, on a terminal,
    the board keeps running until Ctrl-C.
    """
    lines = [line for line in read_lines([Path(sample.NAME)]) if line.occurred is not None]
    with Harness(partitions=DEFAULT_PARTITIONS) as harness:
        around = DemoServices(harness)
        with working("starting intake, board and notifier"):
            for tracker in harness.trackers:
                tracker.wait_until_ready()
            around.wait_until_ready()
        if not as_json:
            out.print(f"The board: {around.board_url}", highlight=False)
        summary = asyncio.run(_run(harness, _Show(lines, seconds, picture, texts, around)))
        if out.is_terminal and stay and not as_json:
            out.print(
                f"The board keeps running at {around.board_url} until Ctrl-C.", highlight=False
            )
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    harness.check()
                    time.sleep(1)
    if as_json:
        print_json(summary.as_dict())
        return
    rows = [(name.replace("_", " "), value) for name, value in summary.as_dict().items()]
    print_table(["", "count"], rows, title="Results")
    out.print(
        "\nTry next:\n"
        "  sla explain INC0003731 --events sample    why one ticket's figures are what they are\n"
        "  sla simulate sample --out result          the same without a broker, as files\n"
        "  sla policy check                          what is promised; to change it, edit\n"
        "                                            deploy/policies/aivo.toml",
        highlight=False,
    )


class _Show:
    """The running demo."""

    def __init__(
        self,
        lines: list[Line],
        seconds: int,
        picture: Path | None,
        texts: Texts,
        around: DemoServices,
    ) -> None:
        self.lines = lines
        self.around = around
        self._picture = picture
        self.board = DemoView(texts, load_policy().severity_names)
        self.sent = 0
        self.started = time.monotonic()
        self._first = lines[0].occurred or 0
        self._pace = ((lines[-1].occurred or 0) - self._first) / seconds

    def story_time(self) -> int:
        """The instant of the recording that corresponds to now."""
        return round(self._first + (time.monotonic() - self.started) * self._pace)

    def header(self) -> str:
        """One line of figures."""
        elapsed = max(time.monotonic() - self.started, 0.001)
        last = self.lines[-1].occurred or 0
        now = format_instant(min(self.story_time(), last))[:16].replace("T", " ")
        return (
            f"{now} UTC   {self.sent:,} of {counted(len(self.lines), 'event')}   "
            f"{self.sent / elapsed:.0f} events/s   "
            f"lag {max(self.sent - self.board.processed, 0)}   "
            f"{counted(self.board.counts['sla.warning'], 'warning')}   "
            f"{counted(self.board.counts['sla.breach'], 'breach')}   "
            f"{self.around.notified} notified"
        )

    def save_picture(self) -> None:
        """Save the view once, after a third of the recording."""
        first, last = self._first, self.lines[-1].occurred or 0
        if self._picture is not None and self.story_time() > first + (last - first) // 3:
            canvas = Console(record=True, width=112, file=io.StringIO())
            canvas.print(draw(self.board, self.header()))
            svg = canvas.export_svg(title="sla demo", code_format=_SVG)
            self._picture.write_text(svg, encoding="utf-8")
            self._picture = None


async def _run(harness: Harness, show: _Show) -> Summary:
    settings = harness.settings
    starts = await output_ends(settings)
    async with show.around, _watching(settings, show):
        await _feed(settings, show)
        ends = sum((await end_offsets(settings, EVENTS.name)).values())
        deadline = time.monotonic() + _SETTLE
        while show.board.processed < ends and time.monotonic() < deadline:
            harness.check()
            await asyncio.sleep(_FRAME)
    outputs = await collect(settings, starts)
    outputs.summary.events = show.sent
    outputs.summary.took(time.monotonic() - show.started)
    return outputs.summary


async def _feed(settings: KafkaSettings, show: _Show) -> None:
    """Send each event to the intake when its time has come."""
    due: list[Line] = []

    async def send() -> None:
        await show.around.send(due)
        show.sent += len(due)
        due.clear()

    show.started = told = time.monotonic()
    async with Feed(settings) as feed:
        for line in show.lines:
            while (line.occurred or 0) > show.story_time():
                await send()
                if time.monotonic() - told > _TELL_TIME:
                    told = time.monotonic()
                    await feed.move_frontier(show.story_time() - 1)
                await asyncio.sleep(_FRAME)
            due.append(line)
        await send()
        await feed.move_frontier(show.lines[-1].occurred or 0)


@contextlib.asynccontextmanager
async def _watching(settings: KafkaSettings, show: _Show) -> AsyncIterator[None]:
    """Follow the topics and redraw on a terminal; elsewhere print a line from time to time."""
    async with follower(settings, _FOLLOWED) as consumer:
        with Live(console=out, auto_refresh=False, transient=True) as live:
            watching = asyncio.create_task(_watch(consumer, show, live))
            try:
                yield
            finally:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching


async def _watch(consumer: AIOKafkaConsumer, show: _Show, live: Live) -> None:
    said = 0.0
    while True:
        for records in (await consumer.getmany(timeout_ms=int(_FRAME * 1000))).values():
            for record in records:
                show.board.take_in(record)
        show.save_picture()
        if out.is_terminal:
            live.update(draw(show.board, show.header()), refresh=True)
        elif time.monotonic() - said > 5:
            said = time.monotonic()
            out.print(show.header(), highlight=False)
