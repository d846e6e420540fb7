"""The board in a terminal: the same figures and lists, from a board's API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import aiohttp
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Footer, Static

from sla_lab.errors import CommandError
from sla_text.gravity import Tone, tone
from sla_text.language import Texts
from sla_text.standing import Stand, notice, undelivered, watched
from sla_text.times import left, percent

TOKEN_VARIABLE: Final = "SLA_BOARD_TOKEN"  # noqa: S105  a variable's name
#: Seconds between two requests to the board.
_EVERY: Final = 1.0
_ROWS: Final = 15
_LISTS: Final = (("next", "open"), ("breached", "breached"), ("waiting", "waiting"))
#: The style of notices about the trackers that are not alarms.
_NOTICES: Final = dict.fromkeys(("loading", "behind", "unknown"), "bold yellow")
_STYLES: Final[Mapping[Tone, str]] = {"gravest": "bold red", "grave": "red", "middling": "yellow"}


async def ask(
    session: aiohttp.ClientSession, board: str, filters: Mapping[str, str]
) -> dict[str, Any]:
    """The summary and the three lists. Raises ``CommandError``."""
    token = os.environ.get(TOKEN_VARIABLE)
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def get(path: str, **more: str) -> Any:
        url = f"{board.rstrip('/')}/api/v1/{path}"
        try:
            async with session.get(url, params={**filters, **more}, headers=headers) as answer:
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, ValueError, TimeoutError) as error:
            raise CommandError(
                f"no board answers at {board} ({type(error).__name__}); start one with 'sla board' "
                "or name it with --board"
            ) from error
        if answer.status == 401:
            raise CommandError(f"the board at {board} requires a token; set {TOKEN_VARIABLE}")
        if answer.status >= 400:
            raise CommandError(f"the board at {board} answered: {told.get('detail')}")
        return told

    summary, *lists = await asyncio.gather(
        get("summary"),
        *(get("tickets", status=status, limit=str(_ROWS)) for _, status in _LISTS),
    )
    return {"summary": summary} | {
        name: found["tickets"] for (name, _), found in zip(_LISTS, lists, strict=True)
    }


async def ask_once(board: str, filters: Mapping[str, str]) -> dict[str, Any]:
    """The same for programs."""
    async with aiohttp.ClientSession() as session:
        return await ask(session, board, filters)


def _stand(summary: Mapping[str, Any]) -> Stand:
    watch = summary["watch"]
    return Stand(
        freshness=summary["freshness"],
        tickets=summary["counts"]["open"],
        trackers=watch["trackers"],
        partitions=watch["partitions"],
        all_partitions=watch["all_partitions"],
        behind_ms=watch["behind_ms"],
        last=None if watch["last_heard"] is None else _utc(watch["last_heard"]),
        stopped=watch["stopped"],
        reason=watch["reason"],
        undelivered=summary["undelivered_alerts"],
    )


def _utc(instant: str) -> str:
    return instant[:16].replace("T", " ") + " UTC"


class Top(App[None]):
    """Polls the board every second until the user quits."""

    CSS = """
    #figures { height: auto; padding: 0 1; }
    .title { padding: 1 1 0 1; text-style: bold; }
    DataTable { height: 1fr; min-height: 4; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("s", "severity", "severity"),
        Binding("tab", "app.focus_next", "next list", show=True),
    ]

    def __init__(self, board: str, filters: Mapping[str, str], texts: Texts) -> None:
        super().__init__()
        self._board = board
        self._wanted = dict(filters)
        self._texts = texts
        self._session: aiohttp.ClientSession | None = None
        #: The policy's, as the board says, the gravest first.
        self._severities: list[str] = []

    def compose(self) -> ComposeResult:
        """Figures above, three lists below."""
        yield Static(id="figures")
        for name, _ in _LISTS:
            with Vertical():
                yield Static(self._texts(f"live.{name}"), classes="title")
                yield DataTable[Any](id=name, cursor_type="row", zebra_stripes=False)
        yield Footer()

    async def on_mount(self) -> None:
        """Start polling."""
        names = ("ticket", "due", "left", "severity", "promise", "holder", "client", "team")
        for name, _ in _LISTS:
            table = self.query_one(f"#{name}", DataTable)
            table.add_columns(*(self._texts(f"live.{column}") for column in names))
        self._session = aiohttp.ClientSession()
        await self._refresh()
        self.set_interval(_EVERY, self._refresh)

    async def on_unmount(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()

    async def action_severity(self) -> None:
        """Show only the next severity, and after the last one all of them."""
        each = [None, *self._severities]
        now = self._wanted.get("severity")
        wanted = each[(each.index(now) + 1) % len(each)] if now in each else None
        self._wanted.pop("severity", None)
        if wanted is not None:
            self._wanted["severity"] = wanted
        await self._refresh()

    async def _refresh(self) -> None:
        assert self._session is not None, "asked after the start"
        figures = self.query_one("#figures", Static)
        try:
            found = await ask(self._session, self._board, self._wanted)
        except CommandError as error:
            figures.update(Text(str(error), style="bold red"))
            return
        figures.update(self._figures(found["summary"]))
        self._severities = found["summary"]["severities"]
        for name, _ in _LISTS:
            table = self.query_one(f"#{name}", DataTable)
            row = table.cursor_row
            table.clear()
            for ticket in found[name]:
                table.add_row(*self._cells(ticket, name, found["summary"]["as_of"]))
            table.move_cursor(row=row)

    def _figures(self, summary: Mapping[str, Any]) -> Text:
        texts, counts = self._texts, summary["counts"]
        told = Text()
        for name in ("open", "breached", "waiting"):
            told.append(f"{counts[name]} ", "bold")
            told.append(f"{texts(f'live.{name}')}   ")
        for period, kept in summary["attainment"].items():
            share = "-" if kept["share"] is None else percent(kept["share"])
            told.append(f"{share} ", "bold")
            told.append(f"{texts(f'live.{period}')}   ")
        told.append(" ".join(f"{name}={value}" for name, value in self._wanted.items()), "italic")
        stand = _stand(summary)
        if said := notice(stand, texts):
            told.append(f"\n{said}", _NOTICES.get(stand.freshness, "bold red"))
        elif said := watched(stand, texts):
            told.append(f"\n{said}", "dim")
        if said := undelivered(stand, texts):
            told.append(f"; {said}", "dim")
        return told

    def _cells(self, ticket: Mapping[str, Any], name: str, as_of: str) -> list[Text]:
        texts = self._texts
        outcome = "breached" if name == "breached" else "running"
        clocks = [each for each in ticket["clocks"] if each["outcome"] == outcome and each["due"]]
        clock = min(clocks, key=lambda each: str(each["breaches_at"] or each["due"]), default=None)
        remaining = None if clock is None else clock["remaining_ms"]
        told = Text("")
        if remaining is not None:
            told = Text(left(remaining, texts), "red" if remaining < 0 else "")
        if clock is not None and outcome == "running" and remaining is not None and remaining <= 0:
            breaks = clock["breaches_at"] or clock["due"]
            if breaks > as_of:
                told = Text(texts("live.breaches", at=_utc(breaks)))
        severity = ticket["severity"] or ""
        return [
            Text(ticket["ticket_id"]),
            Text("" if clock is None else _utc(clock["due"])),
            told,
            Text(severity, _STYLES.get(tone(severity, self._severities), "")),
            Text("" if clock is None else texts.word("clock", clock["clock"])),
            Text(texts.word("holder", ticket["holder"] or "nobody")),
            Text(ticket["client_id"]),
            Text(ticket["team"] or ""),
        ]
