"""Recorded events through the tracker's own code, without a broker."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from sla_domain.alert import AlertKind
from sla_domain.clock import Outcome
from sla_domain.delay import Delay, client_delay
from sla_domain.policy import PolicyBook
from sla_domain.status import Status
from sla_domain.ticket import Ticket
from sla_engine.admission import admit
from sla_engine.effects import Effects
from sla_engine.frontier import REPLAY
from sla_engine.memory import Headers, values_of
from sla_engine.partition import Partition
from sla_engine.wire.alerts import ALERT_TOPICS, write_alert
from sla_engine.wire.events import Received
from sla_engine.wire.tables import write_json
from sla_lab.recording import Line, Recorded, laid_out
from sla_policy.loading import policy_of
from sla_schemas.headers import DETAIL_HEADER, OFFSET_HEADER, PARTITION_HEADER, REASON_HEADER
from sla_schemas.topics import BREACHES, EVENTS, WARNINGS, Topic

#: Bytes of recorded events (they may be packed) from which on it pays to start more processes.
PARALLEL_FROM_BYTES: Final = 1_000_000
#: The files of lines that a recording comes to.
FILES: Final = ("warnings", "breaches", "approvals", "tickets", "dead_letters")

_STRETCH: Final = 2048


@dataclass(slots=True)
class Summary:
    """What a recording came to, as ``summary.json`` and ``sla replay --json`` print it."""

    events: int = 0
    duplicates: int = 0
    tickets: int = 0
    warnings: int = 0
    breaches: int = 0
    escalations: int = 0
    retractions: int = 0
    notices: int = 0
    dead_letters: int = 0
    seconds: float = 0.0
    events_per_second: int = 0

    def count_alerts(self, kinds: Iterable[AlertKind]) -> None:
        """Add alerts by kind."""
        for kind in kinds:
            if kind is AlertKind.WARNING:
                self.warnings += 1
            elif kind is AlertKind.BREACH:
                self.breaches += 1
            elif kind is AlertKind.ESCALATION:
                self.escalations += 1
            elif kind is AlertKind.NOTICE:
                self.notices += 1
            elif kind is not AlertKind.APPROVED:
                self.retractions += 1

    def add(self, other: Summary) -> None:
        """Add the counts of another part of the same recording."""
        for count in fields(self):
            total = getattr(self, count.name) + getattr(other, count.name)
            setattr(self, count.name, total)

    def as_dict(self) -> dict[str, Any]:
        """The summary as it is printed."""
        return asdict(self)

    def took(self, seconds: float) -> None:
        """Enter the wall time."""
        self.seconds = round(seconds, 3)
        self.events_per_second = round(self.events / seconds) if seconds > 0 else 0


@dataclass(slots=True)
class Outputs:
    """The files a recording comes to, a list of lines each. Lines of one partition stand together,
    in the order the tracker wrote them.
    """

    warnings: list[bytes] = field(default_factory=list)
    breaches: list[bytes] = field(default_factory=list)
    approvals: list[bytes] = field(default_factory=list)
    tickets: list[bytes] = field(default_factory=list)
    dead_letters: list[bytes] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)
    #: Words of events that the policy does not list, by the field that says them.
    unknown_words: Counter[str] = field(default_factory=Counter)

    def of_topic(self, topic: Topic) -> list[bytes]:
        """The lines that stand for a topic of alerts."""
        if topic is WARNINGS:
            return self.warnings
        return self.breaches if topic is BREACHES else self.approvals

    def add(self, other: Outputs) -> None:
        """Add another part of the same recording."""
        for name in (*FILES, "stories"):
            getattr(self, name).extend(getattr(other, name))
        self.summary.add(other.summary)
        self.unknown_words += other.unknown_words

    def write(self, directory: Path) -> None:
        """Write each list to ``NAME.jsonl`` and the summary to ``summary.json``."""
        directory.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            lines: list[bytes] = getattr(self, name)
            (directory / f"{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        (directory / "summary.json").write_bytes(write_json(self.summary.as_dict()) + b"\n")


def dead_letter_line(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    """A dead letter as JSON: reason, detail, origin and the original text."""
    told = values_of(headers)
    return write_json(
        {
            "reason": told[REASON_HEADER].decode(),
            "detail": told[DETAIL_HEADER].decode(),
            "partition": int(told[PARTITION_HEADER]),
            "offset": int(told[OFFSET_HEADER]),
            "key": None if key is None else key.decode("utf-8", "replace"),
            "value": (value or b"").decode("utf-8", "replace"),
        }
    )


class Story(NamedTuple):
    """How a ticket came out: its clocks, and the client's delay by party."""

    ticket_id: str
    client_id: str
    state: Status
    severity: str | None
    clocks: tuple[ClockStory, ...]
    delay: dict[str, Delay]


class ClockStory(NamedTuple):
    """How a clock came out, with and without exceptions, and where the fault lay.

    ``team`` is whose it is, of a promise between teams.
    """

    clock: str
    cycle: int
    severity: str
    outcome: Outcome
    origin: str | None
    agreement: str | None
    team: str | None
    without_exceptions: Outcome


@dataclass(slots=True)
class Recording:
    """Recorded events as they lie on the input topic, by partition."""

    partitions: list[list[Recorded]]
    until: int | None

    @classmethod
    def of(cls, lines: Iterable[Line], partitions: int, until: int | None = None) -> Self:
        """``lines`` laid out; with ``until`` those that occurred after it are left out."""
        by_partition: list[list[Recorded]] = [[] for _ in range(partitions)]
        seen = (line for line in lines if within(line, until))
        for record in laid_out(seen, EVENTS.name, partitions):
            by_partition[record.partition].append(record)
        return cls(by_partition, until)

    def __len__(self) -> int:
        return sum(map(len, self.partitions))

    def end(self, book: PolicyBook) -> int | None:
        """When the clock stops: at ``until``, else at the last event that is valid."""
        if self.until is not None:
            return self.until
        records = [record for records in self.partitions for record in records]
        dated = ((record.occurred, record) for record in records if record.occurred is not None)
        newest_first = sorted(dated, key=itemgetter(0), reverse=True)
        return next((at for at, record in newest_first if is_valid(record, book)), None)


def simulate(
    lines: Iterable[Line],
    book: PolicyBook,
    *,
    partitions: int,
    until: int | None = None,
) -> Outputs:
    """Replay ``lines`` as they would lie on the input topic.

    Without ``until`` the clock stops at the last valid event; with it, events that occurred after
    it are left out.
    """
    (outputs,) = simulate_under([book], Recording.of(lines, partitions, until))
    return outputs


def simulate_under(
    books: Sequence[PolicyBook],
    recording: Recording,
    *,
    told: bool = True,
    pool: Executor | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Outputs]:
    """What ``recording`` comes to under each of ``books``.

    Partitions know nothing of each other, so a ``pool`` can share the work. Without ``told`` only
    stories and counts are collected: writing out the lines takes its time. ``progress`` is called
    with the number of events done.
    """
    started = time.perf_counter()
    results = []
    tasks = [
        _Task(records, number, book, end, told)
        for book, end in [(book, recording.end(book)) for book in books]
        for number, records in enumerate(recording.partitions)
    ]
    done = 0
    with without_garbage_collection():
        ran = map(_run, tasks) if pool is None else pool.map(_run, map(_apart, tasks))
        for task, outputs in zip(tasks, ran, strict=True):
            results.append(outputs)
            done += len(task.records)
            progress(done)
    count = len(recording.partitions)
    summed = [_sum(results[first : first + count]) for first in range(0, len(results), count)]
    for outputs in summed:
        outputs.summary.events = len(recording)
        outputs.summary.took((time.perf_counter() - started) / len(books))
    return summed


def within(line: Line, until: int | None) -> bool:
    """Whether a clock that stops at ``until`` gets to see ``line``."""
    return until is None or line.occurred is None or line.occurred <= until


def is_valid(record: Recorded, book: PolicyBook) -> bool:
    """Whether a tracker takes ``record`` for an event."""
    return isinstance(admit(record, book, replay=True), Received)


class _Task(NamedTuple):
    """One partition's records under one policy book, up to ``end``."""

    records: list[Recorded]
    number: int
    book: PolicyBook | tuple[str, ...]
    end: int | None
    told: bool


def _apart(task: _Task) -> _Task:
    """``task`` for another process: compiled classes can't be sent, so their sources are."""
    assert isinstance(task.book, PolicyBook)
    return task._replace(book=task.book.sources)


@cache
def _read_again(sources: tuple[str, ...]) -> PolicyBook:
    return PolicyBook([policy_of(source, "policy") for source in sources])


@contextmanager
def workers(files: Iterable[Path]) -> Iterator[Executor | None]:
    """A process for each processor where ``files`` are large enough for it to pay.

    They start at once, so that they are ready when the files have been read.
    """
    processors = os.cpu_count() or 1
    size = sum(path.stat().st_size for path in files if path.is_file())
    if processors == 1 or size < PARALLEL_FROM_BYTES:
        yield None
        return
    with ProcessPoolExecutor(processors, get_context("spawn"), _prepare_worker) as pool:
        try:
            for _ in range(processors):
                pool.submit(gc.isenabled)
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _prepare_worker() -> None:
    gc.disable()
    # A worker that hears Ctrl-C too would only add its stack trace.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Tickets are many and without cycles: a third of the time would go into looking for some."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _run(task: _Task) -> Outputs:
    book = task.book if isinstance(task.book, PolicyBook) else _read_again(task.book)
    partition = Partition(task.number, EVENTS.name, book, REPLAY)
    outputs = Outputs()
    for done, record in enumerate(task.records, 1):
        partition.apply(record)
        if done % _STRETCH == 0:
            _take_in(outputs, partition.drain_alerts(), told=task.told)
    if task.end is not None:
        partition.advance(task.end)
    _take_in(outputs, partition.drain_alerts(), told=task.told)
    for entry in partition.table.entries():
        assert task.end is not None, "a ticket in a table came by a valid event"
        outputs.stories.append(story_of(entry.ticket, task.end))
        if task.told:
            outputs.tickets.append(write_json(partition.record(entry, task.end)))
    summary = outputs.summary
    summary.duplicates = partition.tally.duplicates + partition.tally.conflicts
    summary.tickets = len(outputs.stories)
    return outputs


def _take_in(outputs: Outputs, effects: Effects, *, told: bool) -> None:
    outputs.summary.count_alerts(alert.kind for alert in effects.alerts)
    for departed in effects.departed:
        outputs.stories.append(story_of(departed.ticket, departed.at))
    outputs.summary.dead_letters += len(effects.dead_letters)
    outputs.unknown_words += effects.unknown_words
    if told:
        for letter in effects.dead_letters:
            outputs.dead_letters.append(dead_letter_line(letter.key, letter.value, letter.headers))
        for alert in effects.alerts:
            outputs.of_topic(ALERT_TOPICS[alert.kind]).append(write_alert(alert))
        outputs.tickets += [departed.line() for departed in effects.departed]


def story_of(ticket: Ticket, at: int) -> Story:
    """How ``ticket`` has come out by ``at``."""
    without = ticket.outcomes_without_exceptions(at)
    clocks = tuple(
        ClockStory(
            clock.rule.name,
            clock.cycle,
            clock.severity,
            clock.outcome(at),
            clock.origin,
            clock.agreement,
            clock.team,
            without.get(clock.key, clock.outcome(at)),
        )
        for clock in ticket.clocks
    )
    delay = client_delay(ticket, at)
    return Story(ticket.id, ticket.client_id, ticket.status, ticket.severity, clocks, delay)


def _sum(parts: Sequence[Outputs]) -> Outputs:
    whole = Outputs()
    for part in parts:
        whole.add(part)
    return whole
