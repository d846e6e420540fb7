"""A board over given records, without a broker."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sla_board.access import Access
from sla_board.board import Board
from sla_board.reader import Freshness, Standing
from sla_board.row import read_row
from sla_board.server import make_server
from sla_board.settings import BoardSettings
from sla_board.table import BoardTable, Origin
from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook
from sla_runtime.metrics_access import MetricsAccess
from sla_runtime.pulse import Pulse, Verdict, Watch
from support import ROOT

BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
RECORD: dict[str, Any] = json.loads((ROOT / "schemas/examples/ticket-record.json").read_text())
NOW = parse_instant("2026-11-25T15:00:00Z")


def record(ticket: str, **given: Any) -> dict[str, Any]:
    """An open ticket's row; ``due`` and ``outcome`` are those of its resolution clock."""
    due = given.pop("due", "2026-11-25T16:00:00.000Z")
    outcome = given.pop("outcome", "running")
    first, second = RECORD["clocks"]
    clock = second | {"stopped": given.pop("stopped", None), "due": due, "outcome": outcome}
    base = {"state": "open", "holder": "vendor", "closed_at": None, "obligations": []}
    return RECORD | base | {"ticket_id": ticket, "clocks": [first, clock]} | given


class Reader:
    """A stub of the board's reader."""

    def __init__(self) -> None:
        self.records: dict[Origin, bytes] = {}
        self.pulse = Pulse(None)  # type: ignore[arg-type]  # nothing is listened to
        self.stands = Standing(Freshness.FRESH, Verdict(Watch.FRESH, 1))

    def now(self) -> int:
        return NOW

    def standing(self) -> Standing:
        return self.stands

    def unready(self) -> str | None:
        return None

    async def record(self, origin: Origin) -> bytes | None:
        return self.records.get(origin)


class World:
    """A table, and HTTP clients of a server over it."""

    def __init__(self, book: PolicyBook) -> None:
        self.table = BoardTable(BUENOS_AIRES)
        self.reader = Reader()
        self.board = Board(self.table, self.reader, book)  # type: ignore[arg-type]  # a stand-in

    def put(self, *records: dict[str, Any]) -> None:
        for each in records:
            value = json.dumps(each).encode()
            origin = Origin(0, len(self.reader.records))
            self.reader.records[origin] = value
            self.table.put(read_row(value), origin)

    def server(self, access: Access | None = None, **settings: Any) -> Starlette:
        return make_server(
            self.board,
            access or Access([]),
            MetricsAccess(),
            BoardSettings(**settings),
            CollectorRegistry(),
        )

    def client(self, access: Access | None = None, **settings: Any) -> TestClient:
        server = self.server(access, **settings)
        return TestClient(server, base_url="http://localhost", follow_redirects=False)
