"""The board's table and its API, without a broker or a browser."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
import re
from collections import Counter
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.board import World, record

from sla_board.access import ANYONE, Access, AccessError, Token, check_bind, read_access
from sla_board.board import read_cursor, write_cursor
from sla_board.models import LedgerAnswer, SummaryAnswer, TicketsAnswer
from sla_board.ranking import Place
from sla_board.reader import Freshness, Standing
from sla_board.row import Row, read_row
from sla_board.table import STATUSES, days_of
from sla_domain.instant import HOUR, format_instant
from sla_domain.policy import PolicyBook
from sla_runtime.pulse import Verdict, Watch
from sla_runtime.rate import RateLimit


@pytest.fixture
def world(book: PolicyBook) -> World:
    """A board without tickets."""
    return World(book)


def found(answer: Any) -> list[str]:
    """The tickets of an answer, in order."""
    return [ticket["ticket_id"] for ticket in answer.json()["tickets"]]


def test_counts_and_lists_are_what_a_look_at_every_row_finds(world: World) -> None:
    draw = random.Random(7)  # noqa: S311  the same every time
    rows: dict[str, Row] = {}
    for _ in range(3000):
        ticket = f"T-{draw.randrange(120)}"
        if draw.random() < 0.1:
            world.table.remove(ticket)
            rows.pop(ticket, None)
            continue
        outcome = draw.choice(["running", "breached", "paused", "met"])
        closed = draw.random() < 0.3
        told = record(
            ticket,
            client_id=draw.choice("abc"),
            severity=draw.choice(["high", "low", None]),
            team=draw.choice(["x", None]),
            state="resolved" if closed else draw.choice(["open", "waiting"]),
            holder=draw.choice(["vendor", "client"]),
            closed_at="2026-11-25T12:00:00.000Z" if closed else None,
            due=None if outcome == "paused" else f"2026-11-{draw.randrange(10, 29)}T12:00:00.000Z",
            stopped="2026-11-25T12:00:00.000Z" if outcome == "met" else None,
            outcome=outcome,
        )
        world.put(told)
        rows[ticket] = read_row(json.dumps(told).encode())
    for filters in ({}, {"client": "a"}, {"severity": "high", "team": "x"}, {"holder": "client"}):
        chosen = [
            row
            for row in rows.values()
            if filters.items()
            <= {
                "client": row.client_id,
                "severity": row.severity,
                "team": row.team,
                "holder": row.holder,
            }.items()
        ]
        counts: Counter[str] = Counter()
        for status in STATUSES:
            expected = sorted(
                (places[status], row.ticket_id)
                for row in chosen
                if status in (places := row.places())
            )
            counts[status] = len(expected)
            shown = world.table.page(status, filters, 1000, backwards=False).rows  # type: ignore[arg-type]
            assert [row.ticket_id for row in shown] == [ticket for _, ticket in expected]
        assert +world.table.counts(filters) == +counts  # type: ignore[arg-type, comparison-overlap]
    kept = world.table.attainment(0, 10**7, {})
    clocks = [clock for row in rows.values() for clock in row.clocks]
    assert kept[""].kept == sum(clock.outcome == "met" for clock in clocks)
    assert kept[""].broken == sum(clock.outcome == "breached" for clock in clocks)


def test_pages_go_on_where_the_last_one_ended_whatever_happens_between(world: World) -> None:
    world.put(*(record(f"T-{number:02}") for number in range(25)))
    client = world.client()
    seen: list[str] = []
    cursor = None
    while True:
        asked = {"limit": 10} | ({"cursor": cursor} if cursor else {})
        answer = client.get("/api/v1/tickets", params=asked)
        seen += found(answer)
        cursor = answer.json()["next"]
        if cursor is None:
            break
        world.put(record("T-000", due="2026-11-25T15:30:00.000Z"))
    assert seen == [f"T-{number:02}" for number in range(25)]
    assert read_cursor(write_cursor(Place("k", "ñ"))) == Place("k", "ñ")
    assert client.get("/api/v1/tickets", params={"cursor": "!"}).status_code == 422


def test_every_answer_is_as_its_schema_says(world: World) -> None:
    world.put(record("T/1"), record("T-2", outcome="breached", state="waiting"))
    client = world.client()
    TicketsAnswer.model_validate(client.get("/api/v1/tickets").json())
    SummaryAnswer.model_validate(client.get("/api/v1/summary").json())
    told = client.get("/api/v1/tickets/T%2F1").json()
    LedgerAnswer.model_validate(told)
    assert told["ledger"]["clocks"][1]["limits"][0]["spans"]
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"token": []}]
    for operations in document["paths"].values():
        assert "application/problem+json" in operations["get"]["responses"]["422"]["content"]


def test_time_left_is_time_of_the_clocks_own_calendar(world: World) -> None:
    # Friday noon in Buenos Aires, due on Monday at ten: the weekend does not count.
    world.put(record("T-1", due="2026-11-30T13:00:00.000Z"))
    (ticket,) = world.client().get("/api/v1/tickets").json()["tickets"]
    # From Wednesday noon: 6 h, then Thursday and Friday whole, then an hour of Monday.
    assert ticket["clocks"][1]["remaining_ms"] == (6 + 9 + 9 + 1) * HOUR
    assert ticket["next_due"] == "2026-11-30T13:00:00.000Z"


def test_attainment_counts_each_clock_on_its_local_day(world: World) -> None:
    # 01:00 UTC is still the day before in Buenos Aires.
    late = {"outcome": "met", "state": "resolved", "closed_at": "2026-11-25T01:00:00.000Z"}
    world.put(record("T-1", stopped="2026-11-25T01:00:00.000Z", **late))
    answer = world.client().get("/api/v1/attainment", params={"period": "week", "by": "day"})
    assert set(answer.json()["groups"]) == {"2026-11-23", "2026-11-24"}
    today = world.client().get("/api/v1/attainment", params={"period": "today"}).json()
    assert (today["total"]["kept"], today["total"]["share"]) == (0, None)
    assert days_of("week", date(2026, 11, 25)) == (
        date(2026, 11, 23).toordinal(),
        date(2026, 11, 25).toordinal(),
    )


def test_errors_are_problem_documents(world: World) -> None:
    client = world.client()
    for path, status in (
        ("/api/v1/tickets?limit=0", 422),
        ("/api/v1/tickets?status=odd", 422),
        ("/api/v1/tickets/none", 404),
        ("/api/v1/nothing", 404),
    ):
        answer = client.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["detail"]


def test_what_has_not_changed_costs_a_304(world: World) -> None:
    world.put(record("T-1"))
    client = world.client()
    first = client.get("/api/v1/tickets")
    again = client.get("/api/v1/tickets", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    world.put(record("T-2"))
    third = client.get("/api/v1/tickets", headers={"If-None-Match": first.headers["etag"]})
    assert third.status_code == 200


def test_the_export_has_every_page_and_no_formulas(world: World) -> None:
    world.put(*(record(f"T-{number:04}", client_id="=cmd()") for number in range(1200)))
    answer = world.client().get("/api/v1/tickets.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 2400
    assert {row["client_id"] for row in rows} == {"'=cmd()"}
    assert rows[0]["clock"] == "first_response"


def test_too_many_requests_are_told_when_to_come_again(world: World) -> None:
    client = world.client(requests_per_second=2)
    answers = [client.get("/api/v1/summary") for _ in range(6)]
    assert [answer.status_code for answer in answers[:4]] == [200] * 4
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert client.get("/healthz").status_code == 200
    limit = RateLimit(1.0)
    assert [limit.wait("a", 0.0) > 0 for _ in range(3)] == [False, False, True]
    assert limit.wait("b", 0.0) == 0
    assert limit.wait("a", 1.5) == 0


def token(name: str, role: Any, client: str | None = None) -> Token:
    """A token whose secret is its name."""
    return Token(name=name, sha256=sha256(name.encode()).hexdigest(), role=role, client=client)


def test_a_clients_token_sees_its_own_and_no_staff(world: World) -> None:
    world.put(record("T-1", client_id="acme", team="core"), record("T-2", client_id="globex"))
    client = world.client(Access([token("lead", "lead"), token("acme", "client", "acme")]))
    bearer = {"Authorization": "Bearer acme"}
    assert client.get("/api/v1/tickets").status_code == 401
    assert client.get("/api/v1/tickets", headers={"Authorization": "Bearer no"}).status_code == 401
    assert client.get("/", headers={"Accept": "text/html"}).headers["location"] == "/login"
    for asked in ("/api/v1/tickets", "/api/v1/tickets?client=globex", "/api/v1/tickets?team=core"):
        (ticket,) = client.get(asked, headers=bearer).json()["tickets"]
        assert (ticket["ticket_id"], ticket["team"], ticket["analyst_id"]) == ("T-1", None, None)
    assert client.get("/api/v1/tickets/T-2", headers=bearer).status_code == 404
    assert '"ana"' not in client.get("/api/v1/tickets/T-1", headers=bearer).text
    assert "core" not in client.get("/api/v1/tickets.csv", headers=bearer).text
    assert client.get("/api/v1/summary", headers=bearer).json()["by_team"] == {}
    lead = client.get("/api/v1/tickets", headers={"Authorization": "Bearer lead"})
    assert found(lead) == ["T-1", "T-2"]


def test_what_teams_promise_each_other_is_shown_to_staff_only_and_counts_for_no_client(
    world: World,
) -> None:
    told = record("T-1")
    stay = told["clocks"][1] | {"clock": "stay", "team": "level2", "outcome": "breached"}
    earlier = [
        {
            "clock": "stay",
            "team": "level1",
            "severity": "high",
            "outcome": "met",
            "date": "2026-11-25",
            "cycles": [[1, 3]],
        }
    ]
    world.put(told | {"clocks": [*told["clocks"], stay], "earlier_cycles": earlier})
    client = world.client(Access([token("lead", "lead"), token("acme", "client", "acme")]))
    for name, shown in (("lead", True), ("acme", False)):
        bearer = {"Authorization": f"Bearer {name}"}
        answer = client.get("/api/v1/tickets", headers=bearer)
        assert ("stay" in answer.text) is shown
        assert ("stay" in client.get("/api/v1/tickets.csv", headers=bearer).text) is shown
        (ticket,) = answer.json()["tickets"]
        assert ticket["breached"] is False
        summary = client.get("/api/v1/summary", headers=bearer).json()
        assert summary["counts"]["breached"] == 0
        # The other clock, which the client was promised.
        total = client.get("/api/v1/attainment", headers=bearer).json()["total"]
        assert (total["kept"], total["broken"]) == (1, 0)


def test_attainment_is_told_with_and_without_exceptions(world: World) -> None:
    stopped = {"stopped": "2026-11-25T13:00:00.000Z", "state": "resolved"}
    closed = {"closed_at": "2026-11-25T13:00:00.000Z"}
    excused = record("T-1", outcome="excused", due=None, **stopped, **closed)
    excused["clocks"][1]["without_exceptions"] = "breached"
    spared = record("T-2", outcome="met", **stopped, **closed)
    spared["clocks"][1]["without_exceptions"] = "breached"
    world.put(excused, spared, record("T-3", outcome="met", **stopped, **closed))
    client = world.client()
    found = client.get("/api/v1/attainment?period=today&by=clock").json()["groups"]["resolution"]
    assert (found["kept"], found["broken"], found["share"]) == (2, 0, 1.0)
    assert found["share_without_exceptions"] == pytest.approx(1 / 3)
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert "without exceptions" in page


def test_cycles_that_are_summed_up_count_as_if_each_were_there(world: World) -> None:
    earlier = [
        {"clock": "update", "severity": "high", "outcome": outcome, "date": date, "cycles": cycles}
        for outcome, date, cycles in (
            ("met", "2026-11-25", [[1, 4], [6, 6]]),
            ("breached", "2026-11-25", [[5, 5]]),
            ("met", "2026-11-24", [[7, 8]]),
        )
    ]
    world.put(record("T-1", earlier_cycles=earlier))
    groups = world.client().get("/api/v1/attainment?period=today&by=clock").json()["groups"]
    assert (groups["update"]["kept"], groups["update"]["broken"]) == (5, 1)


def test_without_tokens_it_serves_only_loopback(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        check_bind(host, Access([]))
    for host in ("0.0.0.0", "192.168.1.4", "board.example", "::"):
        with pytest.raises(AccessError, match="SLA_BOARD_TOKENS"):
            check_bind(host, Access([]))
        check_bind(host, Access([token("lead", "lead")]))
    file = tmp_path / "tokens.toml"
    for text, told in (
        ("", "tokens"),
        ('[[tokens]]\nname="a"\nrole="client"\nsha256="' + "0" * 64 + '"', "names no client"),
        ('[[tokens]]\nname="a"\nrole="lead"\nsha256="secret"', "sha256"),
        ("nonsense", "not TOML"),
    ):
        file.write_text(text)
        with pytest.raises(AccessError, match=told):
            read_access(file)


def test_a_record_that_was_replaced_is_read_where_it_is_now(world: World) -> None:
    world.put(record("T-1"))
    row = world.table.get("T-1")
    assert row is not None
    world.reader.records.clear()

    async def replaced() -> dict[str, Any]:
        asyncio.get_running_loop().call_later(0.1, world.put, record("T-1"))
        return await world.board.ledger(row, ANYONE)

    assert asyncio.run(replaced())["ticket_id"] == "T-1"


def test_an_unknown_form_is_refused_and_instants_sort_as_text() -> None:
    with pytest.raises(msgspec.DecodeError):
        read_row(b'{"ticket_id": 1}')
    instants = sorted(random.Random(1).sample(range(4_000_000_000_000), 50))  # noqa: S311  the same every time
    assert sorted(map(format_instant, instants)) == [format_instant(each) for each in instants]


def test_a_promise_used_up_at_closing_says_when_it_breaks_and_is_not_over(world: World) -> None:
    # Noon of Wednesday: due at Tuesday's closing, allowed to be reached, broken on Thursday.
    told = record("T-1", due="2026-11-24T21:00:00.000Z")
    told["clocks"][1]["breaches_at"] = "2026-11-26T12:00:00.001Z"
    other = record("T-2", due="2026-11-26T11:00:00.000Z")
    other["clocks"][1]["breaches_at"] = other["clocks"][1]["due"]
    old = record("T-3")
    del old["clocks"][1]["breaches_at"]
    world.put(told, other, old)
    client = world.client()
    answer = client.get("/api/v1/tickets").json()["tickets"]
    # By what breaks next; a record of an older tracker breaks when it is due.
    assert [each["ticket_id"] for each in answer] == ["T-3", "T-2", "T-1"]
    assert answer[2]["next_due"] == "2026-11-24T21:00:00.000Z"
    assert answer[2]["next_breach"] == "2026-11-26T12:00:00.001Z"
    page = client.get("/?lang=en").text
    [row] = re.findall(r'<tr id="next-T-1">.*?</tr>', page, re.DOTALL)
    assert "breaches Thu 2026-11-26 09:00" in row
    assert 'class="left"' in row, "it is not over"
    assert "0 s" not in row
    assert "se incumple el jue 2026-11-26 09:00" in client.get("/?lang=es").text


def test_the_page_and_the_summary_say_who_is_at_work(world: World) -> None:
    client = world.client()
    assert "1 tracker running" in client.get("/?lang=en").text
    world.reader.stands = Standing(Freshness.NO_TRACKER, Verdict(Watch.NO_TRACKER))
    page = client.get("/?lang=en").text
    assert 'class="notice no_tracker"' in page
    assert "No tracker is running: no alerts are sent." in page
    assert "tracker running" not in page
    summary = client.get("/api/v1/summary").json()
    assert summary["freshness"] == "no_tracker"
    assert summary["watch"]["trackers"] == 0


def test_alerts_that_wait_are_told_to_staff_and_to_no_client(world: World) -> None:
    world.reader.stands = Standing(Freshness.FRESH, Verdict(Watch.FRESH, 1), undelivered=7)
    client = world.client(Access([token("lead", "lead"), token("acme", "client", "acme")]))
    lead, acme = ({"Authorization": f"Bearer {name}"} for name in ("lead", "acme"))
    said = "7 alerts waiting to be delivered"
    assert said in client.get("/?lang=en", headers=lead).text
    assert said not in client.get("/?lang=en", headers=acme).text
    for headers, told in ((lead, 7), (acme, None)):
        assert client.get("/api/v1/summary", headers=headers).json()["undelivered_alerts"] == told
