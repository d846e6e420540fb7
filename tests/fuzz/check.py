"""The properties for any input: no exception, no hang, every record counted, no other ticket
changed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from copy import copy
from typing import Any, Final

from prometheus_client import CollectorRegistry
from support import default_book, event, lines_of

from fuzz.mutation import record
from sla_domain.instant import DAY, parse_instant
from sla_engine.frontier import TimeRule
from sla_engine.memory import read_stored
from sla_engine.partition import Partition
from sla_engine.wire.alerts import write_alert
from sla_engine.wire.progress import Counts
from sla_lab.recording import Recorded
from sla_schemas.topics import EVENTS
from sla_tracker.metrics import TrackerMetrics

#: Seconds that any one record may take.
HANG_SECONDS: Final = 2.0
BEGIN: Final = parse_instant("2026-11-23T21:00:00Z")
#: Records between two looks at whether everything adds up.
STRETCH: Final = 500
CONTROL: Final = "a ticket that nobody else knows"


class Fault(AssertionError):  # noqa: N818  what a seed shows is no error of the program's
    """A record did what none may do."""


def check(seed: int, records: int) -> Counts:
    """Feed mutated records of ``seed`` to a partition. Raises ``Fault``."""
    draw = random.Random(seed)  # noqa: S311  no secret: a seed that repeats
    registry = CollectorRegistry()
    metrics = TrackerMetrics(default_book(), registry)
    partition = Partition(0, EVENTS.name, default_book(), TimeRule())
    control = _control(records)
    rows: dict[str, bytes | None] = {}
    earlier: list[Recorded] = []
    for offset in range(records):
        own = control.get(offset)
        fed = own or _drawn(draw, offset, earlier)
        _feed(partition, fed, seed)
        if offset % STRETCH == STRETCH - 1 or offset == records - 1:
            effects = partition.drain()
            metrics.committed(effects, 0.0)
            rows.update(effects.tickets)
            for alert in effects.alerts:
                write_alert(alert)
            _check_accounts(partition, registry, offset + 1, seed)
    tally = copy(partition.tally)
    _check_restored(partition, rows, seed)
    _check_control(rows, control.values(), seed)
    return tally


def _drawn(draw: random.Random, offset: int, earlier: list[Recorded]) -> Recorded:
    """A record, now and then one that came before."""
    appended = BEGIN + offset * 50
    if earlier and draw.random() < 0.05:
        return draw.choice(earlier)._replace(offset=offset, timestamp=appended)
    fed = record(draw, offset, appended)
    if draw.random() < 0.1:
        earlier.append(fed)
    return fed


def _feed(partition: Partition, fed: Recorded, seed: int) -> None:
    began = time.perf_counter()
    try:
        partition.apply(fed)
    except Exception as error:
        raise Fault(f"seed {seed}, record {fed.offset}: {error!r} of {fed!r}") from error
    if time.perf_counter() - began > HANG_SECONDS:
        raise Fault(f"seed {seed}, record {fed.offset} took too long: {fed!r}")


def _check_accounts(partition: Partition, registry: CollectorRegistry, fed: int, seed: int) -> None:
    tally = partition.tally
    parts = tally.applied + tally.duplicates + tally.conflicts + tally.rekeyed + tally.dead_letters
    if not tally.events == fed == parts:
        raise Fault(f"seed {seed}: {fed} records came in, {tally} is what became of them")
    told = sum_of(registry, "sla_events_total")
    if told != fed:
        raise Fault(f"seed {seed}: {fed} records came in, /metrics tells of {told}")
    letters = sum_of(registry, "sla_dead_letters_total")
    if letters != tally.dead_letters:
        raise Fault(f"seed {seed}: {tally.dead_letters} dead letters, /metrics tells of {letters}")


def sum_of(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """A counter, over all labels not given."""
    return sum(
        sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def _check_restored(partition: Partition, rows: dict[str, bytes | None], seed: int) -> None:
    """What was written is read back as what it was."""
    again = Partition(0, EVENTS.name, default_book(), TimeRule())
    again.resume(partition.frontier, copy(partition.tally))
    for ticket, row in rows.items():
        if row is not None:
            again.restore(ticket, read_stored(row))
    if again.drain().alerts:
        raise Fault(f"seed {seed}: a restored ticket owes an alert that the live one did not")
    for each in (partition, again):
        each.advance(BEGIN + 400 * DAY)
    one, other = ([write_alert(a) for a in each.drain().alerts] for each in (partition, again))
    if sorted(one) != sorted(other):
        raise Fault(f"seed {seed}: restored tickets go on otherwise than live ones")


def _control(records: int) -> dict[int, Recorded]:
    """A few events of a ticket of our own, by offset."""
    moves: list[dict[str, Any]] = [
        event("created", "2026-11-23T20:00:00Z", CONTROL, id="c0", severity="blocker"),
        event("assigned", "2026-11-23T20:10:00Z", CONTROL, id="c1"),
        event("waiting_on_client", "2026-11-23T20:20:00Z", CONTROL, id="c2"),
        event("client_responded", "2026-11-23T20:30:00Z", CONTROL, id="c3"),
    ]
    places = [(number + 1) * records // (len(moves) + 1) for number in range(len(moves))]
    return {
        place: Recorded(EVENTS.name, 0, place, BEGIN + place * 50, line.key, line.value, [])
        for place, line in zip(places, lines_of(moves), strict=True)
    }


def _check_control(rows: dict[str, bytes | None], own: Iterable[Recorded], seed: int) -> None:
    alone = Partition(0, EVENTS.name, default_book(), TimeRule())
    for fed in own:
        alone.apply(fed)
    # The frontier stands where the last record left it, which need not be ours.
    if alone.drain().tickets[CONTROL] != rows.get(CONTROL):
        raise Fault(f"seed {seed}: what others sent changed a ticket that is none of theirs")
