"""A background task that has stopped is noticed, whether an error or a cancellation ended it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from support.alerts import nothing_stored
from support.live import until

from sla_board.reader import Reader
from sla_board.table import BoardTable
from sla_domain.policy import PolicyBook
from sla_kafka.clients import KafkaClients
from sla_kafka.settings import KafkaSettings
from sla_notifier.delivery import Deliverer, Room
from sla_notifier.metrics import NotifierMetrics
from sla_notifier.notifier import Notifier
from sla_notifier.requests import Composer
from sla_notifier.routes import Destination
from sla_runtime.background import Background
from sla_runtime.heartbeat import Condition, Heart
from sla_tracker.metrics import TrackerMetrics
from sla_tracker.settings import TrackerSettings
from sla_tracker.tracker import Tracker

NOBODY = KafkaClients(KafkaSettings(bootstrap="127.0.0.1:1"))


async def failing() -> None:
    raise ValueError("a fault")


async def waiting() -> None:
    await asyncio.Event().wait()


def task_called(name: str) -> asyncio.Task[Any]:
    (found,) = [each for each in asyncio.all_tasks() if each.get_name().startswith(name)]
    return found


async def test_a_task_that_fails_is_told_and_one_that_was_stopped_is_not() -> None:
    told: list[str] = []
    with capture_logs() as logs:
        failed = Background("failing", failing(), told.append)
        cancelled = Background("cancelled", waiting(), told.append)
        stopped = Background("stopped", waiting(), told.append)
        done = Background("done", asyncio.sleep(0), told.append)
        await asyncio.sleep(0)
        task_called("cancelled").cancel()
        await stopped.stop()
        await asyncio.sleep(0.01)
    assert told == [
        "its task 'failing' has ended (ValueError('a fault'))",
        "its task 'cancelled' has ended",
    ]
    assert [each.ended for each in (failed, cancelled)] == told
    assert stopped.ended is None
    assert done.ended is None
    assert [line["reason"] for line in logs] == told


async def test_a_heart_that_stopped_is_a_program_that_is_not_ready() -> None:
    heart = Heart("intake", NOBODY, lambda: Condition(progressing=True))
    heart.start()
    await asyncio.sleep(0)
    task_called("heartbeat").cancel()
    await until_true(lambda: heart.silence is not None)
    assert "heartbeat" in (heart.silence or "")
    await heart.stop()


async def until_true(condition: Callable[[], bool]) -> None:
    async def asked() -> bool | None:
        return condition() or None

    await until(asked)


@pytest.fixture
async def deliverer(book: PolicyBook) -> AsyncIterator[Deliverer]:
    destination = Destination.model_validate(
        {"name": "there", "kind": "alertmanager", "url": "http://127.0.0.1:1/"}
    )
    async with aiohttp.ClientSession() as session:

        async def dead_letter(*_: Any) -> None: ...

        made = Deliverer(
            destination,
            Composer(destination, None, book),
            session,
            dead_letter,
            nothing_stored,
            NotifierMetrics(CollectorRegistry(), ["there"]),
            at_once=3,
            room=Room(10, 100),
        )
        made.start()
        yield made
        await made.stop()


async def test_a_lane_that_ended_is_a_notifier_that_is_not_ready(deliverer: Deliverer) -> None:
    notifier = Notifier.__new__(Notifier)
    notifier._deliverers = {"there": deliverer}
    assert notifier.ended is None
    task_called("delivery 1 to there").cancel()
    await until_true(lambda: notifier.ended is not None)
    assert notifier.ended == "its task 'delivery 1 to there' has ended"


async def test_a_board_that_hears_no_heartbeats_any_more_is_not_ready(book: PolicyBook) -> None:
    table = BoardTable(ZoneInfo(book.latest.business_calendar.zone))
    reader = Reader(NOBODY, table, CollectorRegistry(), 15.0, replay=False)
    running = asyncio.create_task(reader.run())
    try:
        await asyncio.sleep(0.05)
        task_called("listening").cancel()
        await until_true(lambda: (reader.unready() or "").startswith("its task"))
    finally:
        running.cancel()
        await reader.stop()


async def test_a_tracker_that_nobody_watches_any_more_ends(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Consumer:
        def subscribe(self, *_: Any, **__: Any) -> None: ...
        async def stop(self) -> None: ...

    async def connected(_: Tracker) -> Any:
        return Consumer()

    async def nothing(_: Tracker, __: Any, stopping: asyncio.Task[Any]) -> None:
        await stopping

    monkeypatch.setattr(Tracker, "_connect", connected)
    monkeypatch.setattr(Tracker, "_dispatch", nothing)
    metrics = TrackerMetrics(book, CollectorRegistry())
    tracker = Tracker(book, NOBODY, TrackerSettings(), metrics)
    running = asyncio.create_task(tracker.run())
    await asyncio.sleep(0.05)
    task_called("watch").cancel()
    with pytest.raises(Exception, match="its task 'watch' has ended"):
        await asyncio.wait_for(running, 10)
