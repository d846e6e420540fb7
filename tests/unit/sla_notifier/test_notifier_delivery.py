"""Deliveries to a real HTTP receiver: what delays them, what dead-letters an alert, and that no
alert blocks the ones behind it.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from support.alerts import Told, example, nothing_stored
from support.live import until
from support.receiver import Answer, Receiver

from sla_domain.policy import PolicyBook
from sla_notifier.alert import ReceivedAlert
from sla_notifier.delivery import MOST_TOGETHER, Deliverer, Job, Room
from sla_notifier.metrics import NotifierMetrics
from sla_notifier.requests import Composer
from sla_notifier.retry_after import retry_after
from sla_notifier.routes import Destination, Route

NOW = datetime(2026, 11, 25, 15, 0, 0, tzinfo=UTC)
GROUPED = Route(to=["chat"], group_by=["client"], group_wait=0.1)


def alert(ticket: str, **data: Any) -> ReceivedAlert:
    record = example("sla.breach", ticket, **data) | {"id": ticket.encode().hex()}
    return ReceivedAlert.read(json.dumps(record).encode())


ROOM = Room(kept=10, waiting=100)


class Delivering:
    """A deliverer to a receiver, and what it dead-lettered and finished."""

    def __init__(
        self,
        receiver: Receiver,
        book: PolicyBook,
        session: aiohttp.ClientSession,
        room: Room = ROOM,
        **more: Any,
    ) -> None:
        given = {"name": "chat", "kind": "slack", "url": receiver.url, **more}
        destination = Destination.model_validate(given)
        self.dead_lettered: list[tuple[str, str]] = []
        self.done: list[str] = []
        self.deliverer = Deliverer(
            destination,
            Composer(destination, None, book),
            session,
            self._dead_letter,
            nothing_stored,
            NotifierMetrics(CollectorRegistry(), ["chat"]),
            at_once=4,
            room=room,
        )

    async def _dead_letter(
        self, alerts: Sequence[ReceivedAlert], _: Destination, reason: str
    ) -> None:
        self.dead_lettered += [(each.ticket_id, reason) for each in alerts]

    async def put(self, *tickets: str, route: Route | None = None, **data: str) -> None:
        for ticket in tickets:
            told = Told(lambda ticket=ticket: self.done.append(ticket))  # type: ignore[misc]
            given = {name + "_id": value for name, value in data.items()}
            await self.deliverer.put(Job(alert(ticket, **given), told, route))

    async def all_done(self, *tickets: str) -> None:
        async def look() -> bool | None:
            return set(tickets) <= set(self.done) or None

        await until(look)


Answering = Callable[[dict[str, str], bytes], Answer]


@asynccontextmanager
async def delivering(
    answer: Answering, book: PolicyBook, **more: Any
) -> AsyncIterator[tuple[Receiver, Delivering]]:
    """A receiver that answers so, and a deliverer to it."""
    with Receiver(answer) as receiver:
        async with aiohttp.ClientSession() as session:
            found = Delivering(receiver, book, session, **more)
            found.deliverer.start()
            try:
                yield receiver, found
            finally:
                await found.deliverer.stop()


def texts(receiver: Receiver) -> str:
    return "\n".join(json.loads(each.body)["text"] for each in receiver.taken)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 25 Nov 2026 15:02:00 GMT", 120.0),
        ("Wednesday, 25-Nov-26 15:02:00 GMT", 120.0),
        ("Wed Nov 25 15:02:00 2026", 120.0),
        ("Wed, 25 Nov 2026 14:00:00 GMT", 0.0),
        *(
            (nonsense, 0.0)
            for nonsense in (
                None,
                "",
                "²",
                "١٢",
                "-5",
                "+5",
                "1.5",
                "1e3",
                "inf",
                "nan",
                "9" * 400,
                "soon",
                "Wed, 99 Nov 2026 15:02:00 GMT",
                "Wed, 25 Foo 2026 15:02:00 GMT",
                "Wed, 25 Nov 2026 99:99:99 GMT",
                "2026-11-25T15:02:00Z",
            )
        ),
    ],
)
def test_what_a_receiver_asks_for_is_read_strictly(header: str | None, seconds: float) -> None:
    assert retry_after(header, NOW.timestamp()) == seconds


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_receiver_that_asks_for_peace_gets_it_for_all_alerts(
    book: PolicyBook, form: str
) -> None:
    def asks_once(_headers: dict[str, str], _body: bytes) -> Answer:
        if seen:
            return 200
        seen.append(1)
        at = datetime.now(UTC) + timedelta(seconds=3)
        after = "2" if form == "seconds" else format_datetime(at, usegmt=True)
        return 429, {"Retry-After": after}

    seen: list[int] = []
    async with delivering(asks_once, book) as (receiver, found):
        await found.put("first")

        async def asked() -> bool | None:
            return bool(receiver.received) or None

        await until(asked)
        await found.put("a", "b", "c", "d", "e")
        await found.all_done("first", "a", "b", "c", "d", "e")
        first, *others = receiver.received
        assert len(others) == 6
        assert min(each.at for each in others) - first.at > 1.8
        assert found.dead_lettered == []


@pytest.mark.parametrize(
    "header", ["²", "-1", "9" * 400, "tomorrow", "Wed, 99 Nov 2026 00:00:00 GMT"]
)
async def test_nonsense_for_a_time_is_as_none(book: PolicyBook, header: str) -> None:
    def once(_headers: dict[str, str], _body: bytes) -> Answer:
        seen.append(1)
        return (503, {"Retry-After": header.encode().decode("latin-1")}) if len(seen) == 1 else 200

    seen: list[int] = []
    async with delivering(once, book) as (_, found):
        await found.put("x")
        await found.all_done("x")
        assert found.dead_lettered == []


async def test_peace_ends_no_later_than_the_alerts_patience(book: PolicyBook) -> None:
    def never(_headers: dict[str, str], _body: bytes) -> Answer:
        return 503, {"Retry-After": "999999999"}

    async with delivering(never, book, retry_for="1s") as (_, found):
        await found.put("x")
        await found.all_done("x")
        assert found.dead_lettered == [("x", "http_503")]


async def test_peace_that_is_asked_for_late_is_shorter(book: PolicyBook) -> None:
    """What is left of an alert's patience is all that its answer can ask for: the next alert's
    begins anew.
    """

    def later(_headers: dict[str, str], _body: bytes) -> Answer:
        asked.append(1)
        if len(asked) == 2:
            time.sleep(3)
            return 503, {"Retry-After": "999999999"}
        return 503 if len(asked) == 1 else 200

    asked: list[int] = []
    async with delivering(later, book, retry_for="4s") as (_, found):
        begun = time.monotonic()
        await found.put("x")

        async def second() -> bool | None:
            return len(asked) == 2 or None

        await until(second)
        await found.put("y")
        await found.all_done("x", "y")
        assert time.monotonic() - begun < 6, "four seconds, and as many from the answer on before"
        assert "y" not in dict(found.dead_lettered)


async def test_no_alert_waits_for_a_resting_destination_longer_than_it_may(
    book: PolicyBook,
) -> None:
    more = {"retry_for": "1s", "breaker_failures": 1, "breaker_rest": "1h"}
    async with delivering(lambda *_: 500, book, **more) as (_, found):
        await found.put("x", "y", "z")
        await found.all_done("x", "y", "z")
        assert {ticket for ticket, _ in found.dead_lettered} == {"x", "y", "z"}


async def test_a_ticket_with_a_thousand_alerts_keeps_no_other_waiting(book: PolicyBook) -> None:
    def takes_its_time(*_: object) -> Answer:
        time.sleep(0.01)
        return 200

    async with delivering(takes_its_time, book, room=Room(10_000, 10_000)) as (_, found):
        many = ["flood"] * 1000
        await found.put(*many, "x", "y", "z")
        await found.all_done("x", "y", "z")
        last = max(map(found.done.index, ("x", "y", "z")))
        assert found.done[:last].count("flood") < 20, "each of the others had a turn beside it"


async def test_a_client_with_a_thousand_tickets_keeps_no_other_waiting(book: PolicyBook) -> None:
    def takes_its_time(*_: object) -> Answer:
        time.sleep(0.01)
        return 200

    async with delivering(takes_its_time, book, room=Room(10_000, 10_000)) as (_, found):
        await found.put(*(f"flood-{number}" for number in range(1000)), client="loud")
        await found.put("x", "y", "z", client="quiet")
        await found.all_done("x", "y", "z")
        assert max(map(found.done.index, ("x", "y", "z"))) < 30, "clients took turns"


async def test_a_group_goes_out_whole_and_in_order_though_it_is_large(book: PolicyBook) -> None:
    async with delivering(lambda *_: 200, book, room=Room(1000, 1000)) as (receiver, found):
        tickets = [f"{number:03}" for number in range(MOST_TOGETHER + 10)]
        await found.put(*tickets, route=GROUPED)
        await found.all_done(*tickets)
        assert found.done == tickets
        lines = [json.loads(each.body)["text"].splitlines() for each in receiver.taken]
        assert [len(each) for each in lines] == [MOST_TOGETHER, 10]


async def test_a_template_that_fails_parks_its_alert_and_no_other(book: PolicyBook) -> None:
    template = "{% if ticket == 'bad' %}{{ alert.data.no.such }}{% endif %}{{ sentence }}"
    async with delivering(lambda *_: 200, book, template=template) as (receiver, found):
        await found.put("good-1", "bad", "good-2", route=GROUPED)
        await found.all_done("good-1", "bad", "good-2")
        await found.put("good-3", "bad", "good-4")
        await found.all_done("good-3", "good-4")
        told = texts(receiver)
        assert all(f"good-{number}" in told for number in (1, 2, 3, 4))
        assert "bad" not in told
        assert [ticket for ticket, _ in found.dead_lettered] == ["bad", "bad"]
        assert "UndefinedError" in found.dead_lettered[0][1]


async def test_what_fails_in_an_unforeseen_way_parks_its_alert(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with delivering(lambda *_: 200, book) as (receiver, found):

        async def broken(*_: object) -> None:
            raise OverflowError("unforeseen")

        with monkeypatch.context() as patched:
            patched.setattr(found.deliverer, "_call", broken)
            await found.put("x")
            await found.all_done("x")
        assert found.dead_lettered == [("x", "OverflowError: unforeseen")]
        await found.put("x", "y")
        await found.all_done("x", "y")
        assert len(receiver.taken) == 2


HOSTILE = "<!channel> <https://evil.example|click> & @here\n[so](https://evil.example)"


async def test_what_a_ticket_says_is_no_markup_of_a_chat(book: PolicyBook) -> None:
    template = "<!here> {{ sentence }} <https://board|{{ ticket }}>"
    for more in ({}, {"template": template}):
        async with delivering(lambda *_: 200, book, **more) as (receiver, found):
            await found.put(HOSTILE)
            await found.all_done(HOSTILE)
            told = texts(receiver)
        assert "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; @\u200bhere [so]" in told
        assert "\n" not in told
        # The template's own markup stands.
        assert told.startswith("<!here> ") is bool(more)
        assert told.count("<") == (2 if more else 0)
        assert "](" not in told
