"""Recorded events through the tracker's own code, without a broker."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sla_cli.recording import Line, laid_out
from sla_domain.alert import AlertKind
from sla_domain.policy import PolicyBook
from sla_kafka.topics import APPROVALS, BREACHES, EVENTS, WARNINGS
from sla_tracker.partition import REPLAY, Effects, Partition
from sla_tracker.wire.alerts import ALERT_TOPICS, write_alert
from sla_tracker.wire.records import (
    DETAIL_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    REASON_HEADER,
    DeadLetter,
    Headers,
)
from sla_tracker.wire.tables import ticket_record, write_json


@dataclass(slots=True)
class Summary:
    """What a recording came to, as ``summary.json`` and ``sla replay --json`` print it."""

    events: int = 0
    duplicates: int = 0
    tickets: int = 0
    warnings: int = 0
    breaches: int = 0
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
            elif kind is AlertKind.NOTICE:
                self.notices += 1
            elif kind is not AlertKind.APPROVED:
                self.retractions += 1

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
    summary: Summary = field(default_factory=Summary)

    def write(self, directory: Path) -> None:
        """Write each list to ``NAME.jsonl`` and the summary to ``summary.json``."""
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("warnings", "breaches", "approvals", "tickets", "dead_letters"):
            lines: list[bytes] = getattr(self, name)
            (directory / f"{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        (directory / "summary.json").write_bytes(write_json(asdict(self.summary)) + b"\n")


def dead_letter_line(key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
    """A dead letter as JSON: reason, detail, origin and the original text."""
    told = dict(headers)
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


def simulate(
    lines: Iterable[Line],
    book: PolicyBook,
    *,
    partitions: int,
    until: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Outputs:
    """Replay ``lines`` as they would lie on the input topic.

    Without ``until`` the clock stops at the last valid event; with it, events that occurred after
    it are left out. ``progress`` is called now and then with the number of lines done.
    """
    started = time.perf_counter()
    worlds = [Partition(number, EVENTS.name, book, REPLAY) for number in range(partitions)]
    collected = [Collected() for _ in worlds]
    done = 0
    for done, record in enumerate(
        laid_out((line for line in lines if within(line, until)), EVENTS.name, partitions), 1
    ):
        worlds[record.partition].apply(record)
        if done % 2048 == 0:
            collected[record.partition].take_in(worlds[record.partition].take())
            progress(done)
    end = until if until is not None else last_frontier(worlds)
    for world, found in zip(worlds, collected, strict=True):
        if end is not None:
            world.advance(end)
        found.take_in(world.take())
    outputs = _outputs(worlds, collected, end)
    outputs.summary.events = done
    outputs.summary.took(time.perf_counter() - started)
    progress(done)
    return outputs


def within(line: Line, until: int | None) -> bool:
    """Whether a clock that stops at ``until`` gets to see ``line``."""
    return until is None or line.occurred is None or line.occurred <= until


def last_frontier(worlds: Iterable[Partition]) -> int | None:
    """The last valid event of all partitions: a frontier stands just before its newest one."""
    frontiers = [world.frontier for world in worlds if world.frontier is not None]
    return max(frontiers) + 1 if frontiers else None


@dataclass(slots=True)
class Collected:
    """What one partition gave out so far."""

    alerts: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    kinds: list[AlertKind] = field(default_factory=list)
    left: list[bytes] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)

    def take_in(self, effects: Effects) -> None:
        """Add what came of a stretch of records."""
        for alert in effects.alerts:
            self.kinds.append(alert.kind)
            self.alerts[ALERT_TOPICS[alert.kind].name].append(write_alert(alert))
        self.left += effects.left.values()
        self.dead_letters += effects.dead_letters


def _outputs(worlds: list[Partition], collected: list[Collected], end: int | None) -> Outputs:
    outputs = Outputs()
    for world, found in zip(worlds, collected, strict=True):
        outputs.warnings += found.alerts[WARNINGS.name]
        outputs.breaches += found.alerts[BREACHES.name]
        outputs.approvals += found.alerts[APPROVALS.name]
        outputs.tickets += found.left
        outputs.summary.count_alerts(found.kinds)
        outputs.dead_letters += [
            dead_letter_line(letter.key, letter.value, letter.headers)
            for letter in found.dead_letters
        ]
        outputs.summary.dead_letters += len(found.dead_letters)
        outputs.summary.duplicates += world.tally.duplicates + world.tally.conflicts
        for entry in world.table.entries():
            assert end is not None, "a ticket in a table has moved its frontier"
            outputs.tickets.append(
                write_json(
                    ticket_record(
                        entry.ticket,
                        end,
                        world.table.deadline(entry.ticket.id),
                        entry.held,
                        entry.held_until,
                    )
                )
            )
    outputs.summary.tickets = len(outputs.tickets)
    return outputs
