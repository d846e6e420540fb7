"""Delivers to one destination: in order per ticket, retrying until accepted or dead-lettered."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import aiohttp
import structlog

from sla_notifier.alert import Origin, ReceivedAlert, UnreadableError
from sla_notifier.breaker import Breaker
from sla_notifier.metrics import NotifierMetrics
from sla_notifier.positions import Part
from sla_notifier.recall import GoneError
from sla_notifier.requests import Composer, Request, StoppedClock
from sla_notifier.retry_after import retry_after
from sla_notifier.routes import Destination, Route
from sla_notifier.turns import Turns
from sla_runtime.background import Background
from sla_runtime.tracing import TRACEPARENT, Tracing

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
#: The most alerts in one message.
MOST_TOGETHER: Final = 50
#: How far ahead of a receiver's clock ours may be.
_SKEW_MS: Final = 5_000
#: Statuses that mean "later", besides 500 and above.
_LATER: Final = frozenset({408, 425, 429})
_SEEN_OF_ANSWER: Final = 200

log = structlog.get_logger("sla_notifier")


@dataclass(slots=True)
class Job:
    """Something to deliver to a destination. ``part`` is marked done once it is delivered or
    dead-lettered.
    """

    what: ReceivedAlert | StoppedClock | Origin
    part: Part
    route: Route | None = None
    taken: float = field(default_factory=time.monotonic)
    #: What the jobs of one message have in common; ``None`` if it is sent alone.
    group: str | None = field(init=False, default=None)
    #: What must keep its order: a ticket, or a group.
    lane: tuple[str, str] = field(init=False, default=("", ""))
    #: Clients take turns.
    client: str = field(init=False, default="")

    def __post_init__(self) -> None:
        assert not isinstance(self.what, Origin), "a job begins with what it is about"
        if self.route is not None and self.route.group_by and isinstance(self.what, ReceivedAlert):
            self.group = "\x00".join(self.what.side(name) for name in self.route.group_by)
        self.client = self.what.client
        self.lane = ("ticket", self.what.ticket_id) if self.group is None else ("group", self.group)

    def lay_aside(self) -> None:
        """Keep only the alert's location, if it is known."""
        if isinstance(self.what, ReceivedAlert) and self.what.origin is not None:
            self.what = self.what.origin


class RefusedError(Exception):
    """The receiver will never accept this."""


class ComposingError(Exception):
    """The message can't be composed for the destination; the error says why."""


class FailedError(Exception):
    """The receiver does not accept it now; it asked for a pause of ``after`` seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class HeldError(Exception):
    """No call is allowed before the time for retries ends."""


DeadLetter = Callable[[Sequence[ReceivedAlert], Destination, str], Awaitable[None]]
Recalled = Callable[[Origin], Awaitable[ReceivedAlert]]


@dataclass(frozen=True, slots=True)
class Room:
    """How many jobs of one destination are kept in memory, and how many may wait in total."""

    kept: int
    waiting: int


class Deliverer:
    """Delivers to one destination, several messages at a time. Jobs that must stay in order share a
    lane; lanes take turns, one message each.
    """

    def __init__(
        self,
        destination: Destination,
        composer: Composer,
        session: aiohttp.ClientSession,
        dead_letter: DeadLetter,
        recall: Recalled,
        metrics: NotifierMetrics,
        at_once: int,
        room: Room,
        tracing: Tracing | None = None,
    ) -> None:
        self.destination = destination
        self.breaker = Breaker(destination.breaker_failures, destination.breaker_rest)
        self._composer = composer
        self._session = session
        self._dead_letter = dead_letter
        self._recall = recall
        self._metrics = metrics
        self._room = room
        self._free = asyncio.Semaphore(room.waiting)
        self._waiting = 0
        self._tracing = tracing
        self._at_once = at_once
        #: The jobs of each lane that has some, in order.
        self._lanes: dict[tuple[str, str], deque[Job]] = {}
        #: The lanes from which nothing is being delivered.
        self._turns: Turns[tuple[str, str]] = Turns()
        self._working: list[Background] = []

    def start(self) -> None:
        """Start delivering."""
        name = self.destination.name
        self._working = [
            Background(f"delivery {number} to {name}", self._work())
            for number in range(self._at_once)
        ]

    async def stop(self) -> None:
        """Stop; deliveries in progress do not count as done."""
        await asyncio.gather(*(each.stop() for each in self._working))

    @property
    def ended(self) -> str | None:
        """Why part of it no longer delivers; ``None`` while everything does."""
        return next((each.ended for each in self._working if each.ended), None)

    async def put(self, job: Job) -> None:
        """Deliver ``job`` after those of the same lane; blocks while too many are waiting."""
        await self._free.acquire()
        self._waiting += 1
        if self._waiting > self._room.kept:
            job.lay_aside()
        lane = self._lanes.setdefault(job.lane, deque())
        lane.append(job)
        if len(lane) == 1:
            self._line_up(job)

    def _line_up(self, first: Job) -> None:
        """Queue the lane that begins with ``first``, a group once it is complete."""
        if first.group is None or first.route is None:
            self._turns.put(first.client, first.lane)
            return
        wait = max(0.0, first.taken + first.route.group_wait - time.monotonic())
        loop = asyncio.get_running_loop()
        loop.call_later(wait, self._turns.put, first.client, first.lane)

    async def _work(self) -> None:
        while True:
            lane = self._lanes[await self._turns.get()]
            together = list(islice(lane, 1 if lane[0].group is None else MOST_TOGETHER))
            await self._see_to(together)
            self._waiting -= len(together)
            for _ in together:
                lane.popleft()
                self._free.release()
            if lane:
                self._line_up(lane[0])
            else:
                del self._lanes[together[0].lane]

    async def _see_to(self, together: list[Job]) -> None:
        begun = [job for job in together if job.part.begin()]
        there = [job for job in begun if await self._is_there(job)]
        if there:
            await self._deliver(there)

    async def _is_there(self, job: Job) -> bool:
        """Whether there is something to deliver; reads it again if it was not kept in memory."""
        if isinstance(job.what, Origin):
            try:
                job.what = await self._recall(job.what)
            except (GoneError, UnreadableError) as error:
                name = self.destination.name
                log.error("alert lost", destination=name, lane=job.lane, reason=repr(error))  # noqa: TRY400  the message is for people
                self._metrics.dead_lettered.labels(name).inc()
                job.part.done()
                return False
        return True

    async def _deliver(self, jobs: list[Job]) -> None:
        alerts = [job.what for job in jobs if isinstance(job.what, ReceivedAlert)]
        try:
            done = await self._delivered(jobs, alerts)
        except ComposingError as error:
            if len(jobs) > 1:
                # One alert of a message must not hold up the others.
                for job in jobs:
                    await self._deliver([job])
                return
            await self._give_up(alerts, str(error))
            done = True
        for job in jobs:
            if done:
                job.part.done()
            else:
                job.part.drop()

    async def _delivered(self, jobs: list[Job], alerts: list[ReceivedAlert]) -> bool:
        """Try until they are accepted or dead-lettered; ``False`` if they went to another notifier
        first. Raises ``ComposingError``.
        """
        name, what = self.destination.name, jobs[0].what
        assert not isinstance(what, Origin), "it was read again"
        pause, reason = FIRST_PAUSE, ""
        until = jobs[0].taken + self.destination.retry_for
        while any(job.part.wanted for job in jobs):
            try:
                await self._attempt(what, alerts, until)
            except RefusedError as error:
                await self._give_up(alerts, str(error))
                return True
            except ComposingError:
                raise
            except FailedError as error:
                self._metrics.failures.labels(name).inc()
                if not reason:
                    log.warning("delivery failed", destination=name, reason=str(error))
                reason = str(error)
            except HeldError:
                await self._give_up(alerts, reason or "its destination takes nothing")
                return True
            except Exception as error:  # noqa: BLE001  whatever it is, it must not end the lane
                await self._give_up(alerts, f"{type(error).__name__}: {error}")
                return True
            else:
                self._metrics.delivered.labels(name).inc(len(jobs))
                self._metrics.seconds.labels(name).observe(time.monotonic() - jobs[0].taken)
                return True
            left = until - time.monotonic()
            if left <= 0:
                await self._give_up(alerts, reason)
                return True
            # Jitter, so that lanes that failed together don't come back together.
            wait = random.uniform(pause / 2, pause)  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(min(wait, left))
        return False

    async def _attempt(
        self, what: ReceivedAlert | StoppedClock, alerts: Sequence[ReceivedAlert], until: float
    ) -> None:
        """Call once, as soon as allowed. Raises ``HeldError`` if that is not before ``until``."""
        while (wait := self.breaker.wait(time.monotonic())) > 0:
            left = until - time.monotonic()
            if left <= 0:
                raise HeldError
            await asyncio.sleep(min(wait, left))
        try:
            # Composed only now: it contains the time it was made, and may have waited long.
            await self._traced(self._composed(what, alerts), alerts)
        except RefusedError:
            # It does respond, just not to this.
            self.breaker.succeeded()
            raise
        except FailedError as error:
            now = time.monotonic()
            # No longer than this alert may wait, so that the next one can ask again.
            self.breaker.failed(now, min(error.after, max(until - now, 0.0)))
            raise
        except BaseException:
            self.breaker.given_up()
            raise
        else:
            self.breaker.succeeded()
        finally:
            held = self.breaker.holds(time.monotonic())
            self._metrics.breaker.labels(self.destination.name).set(held)

    def _composed(
        self, what: ReceivedAlert | StoppedClock, alerts: Sequence[ReceivedAlert]
    ) -> Request:
        now = int(time.time() * 1000) - _SKEW_MS * (self.destination.kind == "alertmanager")
        try:
            if isinstance(what, StoppedClock):
                return self._composer.resolution(what, now)
            return self._composer.request(alerts, now)
        except Exception as error:
            # A template may raise anything.
            raise ComposingError(f"{type(error).__name__}: {error}") from error

    async def _traced(self, request: Request, alerts: Sequence[ReceivedAlert]) -> None:
        """Call within the trace of the first alert that has one; the receiver may continue it."""
        parent = next((each.traceparent for each in alerts if each.traceparent), None)
        if self._tracing is None or parent is None:
            await self._call(request, {} if parent is None else {TRACEPARENT: parent})
            return
        span = self._tracing.begin("deliver", parent, destination=self.destination.name)
        try:
            await self._call(request, {TRACEPARENT: self._tracing.traceparent(span)})
        except FailedError as error:
            span.set_attribute("error.type", str(error))
            raise
        finally:
            span.end()

    async def _call(self, request: Request, context: Mapping[str, str]) -> None:
        url = (
            str(self.destination.url).rstrip("/") + request.path
            if request.path
            else str(self.destination.url)
        )
        try:
            async with self._session.post(
                url,
                data=request.body,
                headers={**request.headers, **context},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.destination.timeout),
            ) as answer:
                told = (await answer.content.read(_SEEN_OF_ANSWER)).decode(errors="replace")
                status, after = answer.status, answer.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise FailedError(type(error).__name__) from error
        if status in _LATER or status >= 500:
            raise FailedError(f"http_{status}", retry_after(after, time.time()))
        if not 200 <= status < 300:
            raise RefusedError(f"http_{status}: {' '.join(told.split())}")

    async def _give_up(self, alerts: Sequence[ReceivedAlert], reason: str) -> None:
        name = self.destination.name
        if alerts:
            tickets = [alert.ticket_id for alert in alerts]
            log.error("alerts dead-lettered", destination=name, reason=reason, tickets=tickets)
            await self._dead_letter(alerts, self.destination, reason)
        else:
            log.warning("the end of an alert was not accepted", destination=name, reason=reason)
        self._metrics.dead_lettered.labels(self.destination.name).inc(len(alerts))
