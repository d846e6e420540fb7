"""One partition of the input: its tickets, its frontier, and how records and time change them.

No I/O and no wall clock: tracker, simulator and tests run the same code. The effects since the last
``drain`` form one unit, which the tracker writes in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sla_domain.counting import counted
from sla_domain.event import Event
from sla_domain.instant import DAY, parse_instant
from sla_domain.judge import apply_event, judge, judge_restored, next_deadline
from sla_domain.policy import PolicyBook
from sla_domain.status import Placement, Status
from sla_engine.admission import admit
from sla_engine.census import Census, Labels, labels_of, labels_of_row
from sla_engine.effects import Departed, Effects, Stopped
from sla_engine.erasure import Refusal, obeyed
from sla_engine.frontier import REPLAY, TimeRule
from sla_engine.memory import Held, HeldRecord, StoredRow, digest_of
from sla_engine.table import (
    Entry,
    TicketTable,
    known_at_of,
    leaves_at,
    retention_over,
)
from sla_engine.wire.control import AdvanceOrder, read_control
from sla_engine.wire.events import Received
from sla_engine.wire.progress import Counts
from sla_engine.wire.records import (
    Record,
    Rejected,
    Rekeyed,
    dead_letter,
    size_of,
    was_rekeyed,
)
from sla_engine.wire.tables import ticket_as_of, ticket_record, write_json

#: How long an early event waits for its ticket's ``created`` before it becomes an orphan.
EARLY_HOLD: Final = 7 * DAY
#: The maximum weight of a ticket's events, in bytes: per event, its record and ``EVENT_WEIGHT`` for
#: the clocks and alerts it may add. Every event rewrites the ticket's row, which must fit a record.
MAX_TICKET_WEIGHT: Final = 1024 * 1024
EVENT_WEIGHT: Final = 1024
#: How many events may be applied again in one unit because of late events: some hundredths of a
#: second, so that a ticket with many events does not delay the alerts of others.
MOST_FOLDED: Final = 20_000


class Partition:
    """The tickets of one partition, and its frontier."""

    def __init__(
        self,
        number: int,
        topic: str,
        book: PolicyBook,
        time: TimeRule = REPLAY,
        refusal: Refusal = obeyed,
    ) -> None:
        self.number = number
        self.table = TicketTable(book)
        #: The digest of its policies.
        self.rules = digest_of(book)
        #: Alerts are sent for instants up to here; ``None`` until it first moves.
        self.frontier: int | None = None
        self.tally = Counts()
        self.census = Census()
        #: The earliest deadline as of the last ``drain``. Safe to read from other threads, unlike
        #: the table's own method, which modifies its heap.
        self.next_deadline: int | None = None
        #: The latest ``occurred`` of all events.
        self.latest_event: int | None = None
        self._topic = topic
        self._book = book
        self._time = time
        self._refusal = refusal
        self._changed: dict[str, Entry | None] = {}
        # How many events were applied again in this unit.
        self._folded = 0
        self._effects = Effects()

    # --- input ---

    def apply(self, record: Record) -> None:
        """Apply one record of this partition; an unusable one becomes a dead letter."""
        replay = self._time.replay
        if record.headers and self._obey(record):
            return
        self.tally.events += 1
        received = admit(record, self._book, replay=replay)
        if isinstance(received, Rejected):
            self._effects.read[received.source] += 1
            self._effects.refused[received.source] += 1
            self._reject(record, received)
            return
        self._effects.read[received.event.source] += 1
        appended = received.event.occurred if replay else record.timestamp
        # Fire the deadlines strictly before this record's instant (see ``TimeRule.before``).
        self.advance(self._time.before(appended))
        if record.key != received.ticket_id.encode():
            self._rekey(record, received)
            return
        self._effects.unknown_fields += received.unknown_fields
        for field in received.unknown_words:
            self._effects.unknown_words[field] += 1
        self._step(record, received, appended)

    def apply_batch(self, records: Sequence[Record], at_most: int) -> int:
        """Apply ``records`` in order and return how many were applied.

        Stops early if more than ``at_most`` deadlines are due before a record, or if more than
        ``MOST_FOLDED`` events were applied again.
        """
        self._folded = 0
        for number, record in enumerate(records):
            if self._folded > MOST_FOLDED or not self.advance_before(record, at_most):
                return number
            self.apply(record)
        return len(records)

    def advance(self, frontier: int, at_most: int | None = None) -> bool:
        """Move the frontier forward to ``frontier``, firing the deadlines up to it; never back.

        Stops after ``at_most`` deadlines and returns false if more are due; the frontier is then at
        the last one fired. Deadlines of one instant are never split.
        """
        if self.frontier is not None and frontier <= self.frontier:
            return True
        fired = 0
        while (due := self.table.pop_due(frontier)) is not None:
            at, ticket_id = due
            if at_most is not None and fired >= at_most and at != self.frontier:
                self.table.set_deadline(ticket_id, at)
                return False
            self.frontier = at if self.frontier is None else max(at, self.frontier)
            self._fire(ticket_id, self.frontier)
            fired += 1
        self.frontier = frontier
        return True

    def advance_before(self, record: Record, at_most: int) -> bool:
        """Fire up to ``at_most`` of the deadlines due before ``record``; false if more are due."""
        if self._time.replay:
            return True
        return self.advance(self._time.before(record.timestamp), at_most)

    def caught_up(self, now: int, at_most: int | None = None) -> None:
        """Move the frontier to ``now`` minus the grace when no records are left to read, firing at
        most ``at_most`` deadlines.
        """
        if not self._time.replay:
            self.advance(self._time.caught_up(now), at_most)

    # --- effects and state ---

    def drain(self) -> Effects:
        """The effects since the last call, including the rows of changed tickets."""
        effects = self._effects
        for departed in effects.departed:
            effects.left[departed.ticket.id] = departed.line()
        for ticket_id, entry in self._changed.items():
            if entry is None:
                effects.tickets[ticket_id] = None
            else:
                as_of = ticket_as_of(entry.ticket)
                effects.tickets[ticket_id] = write_json(self.record(entry, as_of))
                self._count(entry, labels_of(entry.ticket, as_of), effects)
        return self.drain_alerts()

    def drain_alerts(self) -> Effects:
        """Like ``drain`` without the rows of changed tickets, for callers that store no table:
        serializing rows is a large part of the work.
        """
        effects = self._effects
        self._changed = {}
        self._effects = Effects()
        self.table.pack_idle()
        self.next_deadline = self.table.next_deadline()
        return effects

    def resume(self, frontier: int | None, tally: Counts) -> None:
        """Resume from a stored frontier; then ``restore`` each stored ticket."""
        self.frontier = frontier
        self.tally = tally

    def restore(self, ticket_id: str, row: StoredRow) -> None:
        """Restore a stored ticket and its deadline, replacing an earlier row of it.

        The row is trusted; call ``rejudge`` if the policies may have changed.
        """
        self.evict(ticket_id)
        labels = labels_of_row(row)
        self.table.put(ticket_id, row, labels)
        self.census.add(labels)
        at = row.next_deadline
        self.table.set_deadline(ticket_id, None if at is None else parse_instant(at))

    def evict(self, ticket_id: str) -> None:
        """Undo ``restore``, for a ticket that has since left the table."""
        labels = self.table.labels(ticket_id)
        if labels is not None:
            self.census.add(labels, -1)
        self.table.remove(ticket_id)

    def rejudge(self, ticket_id: str) -> None:
        """Evaluate a restored ticket again, in case the policy files or libraries have changed.

        Raises ``UnknownPolicyError``.
        """
        entry = self.table.get(ticket_id)
        assert entry is not None, "what is judged anew was put back"
        if self.frontier is not None and (owed := judge_restored(entry.ticket, self.frontier)):
            self._effects.alerts += owed
            self._changed[ticket_id] = entry
        stored = self.table.deadline(ticket_id)
        self._schedule(entry)
        if self.table.deadline(ticket_id) != stored:
            # The next restore reads the deadline from the row.
            self._changed[ticket_id] = entry
        labels = labels_of(entry.ticket, ticket_as_of(entry.ticket))
        if entry.labels is not None:
            self.census.add(entry.labels, -1)
        self.census.add(labels)
        entry.labels = labels
        self.table.pack_idle()

    # --- events ---

    def _step(self, record: Record, received: Received, appended: int) -> None:
        ticket_id, event = received.ticket_id, received.event
        entry = self.table.get(ticket_id)
        weight = _weight(record) + (0 if entry is None else entry.weight)
        if weight > MAX_TICKET_WEIGHT:
            known = 0 if entry is None else len(entry.ticket.timeline)
            full = f"the ticket has {counted(known, 'event')}, and no room for this one"
            self._reject(record, Rejected("too_large", full))
            return
        if entry is None:
            entry = self.table.add(ticket_id)
            entry.held_until = appended + EARLY_HOLD
        assert self.frontier is not None, "the frontier moves before a record is applied"
        folded = entry.ticket.folded
        placement = apply_event(entry.ticket, event, appended, self.frontier)
        self._folded += entry.ticket.folded - folded
        if placement is not Placement.APPLIED:
            self._drop_copy(event, placement)
            return
        entry.weight = weight
        if self.latest_event is None or event.occurred > self.latest_event:
            self.latest_event = event.occurred
        self.tally.applied += 1
        self._settle_early(entry, record, event)
        entry.known_at = appended
        self._changed[ticket_id] = entry
        if appended <= self.frontier:
            # In a replay an event's own time may be before the frontier.
            self._effects.alerts += judge(entry.ticket, self.frontier)
        self._schedule(entry)

    def _drop_copy(self, event: Event, placement: Placement) -> None:
        result = placement.name.lower()
        if placement is Placement.DUPLICATE:
            self.tally.duplicates += 1
        else:
            self.tally.conflicts += 1
        self._effects.results[event.type.word, result] += 1

    def _settle_early(self, entry: Entry, record: Record, event: Event) -> None:
        """Hold the record of an early event; release all when ``created`` arrives."""
        early = entry.ticket.status is Status.EARLY
        if early:
            entry.held.append(Held.of(record))
        elif entry.held_until is not None:
            entry.held, entry.held_until = [], None
        self._effects.results[event.type.word, "early" if early else "applied"] += 1

    def _rekey(self, record: Record, received: Received) -> None:
        if was_rekeyed(record):
            self._reject(record, Rejected("wrong_key", "the key is not the ticket id, again"))
            return
        self.tally.rekeyed += 1
        self._effects.results[received.event.type.word, "rekeyed"] += 1
        self._effects.rekeyed.append(Rekeyed.of(record, received.ticket_id))

    def _reject(self, record: Record, rejected: Rejected) -> None:
        self.tally.dead_letters += 1
        self._effects.results["unknown", "dead_letter"] += 1
        self._effects.dead_letters.append(dead_letter(record, rejected))

    # --- control records ---

    def _obey(self, record: Record) -> bool:
        """Execute a control record; false if ``record`` is not one."""
        order = read_control(record, replay=self._time.replay)
        if order is None:
            return False
        if isinstance(order, AdvanceOrder):
            self.advance(order.to)
            return True
        refused = self._refusal(order.key, order.signed, record.timestamp)
        if refused is None:
            self._erase(order.key.decode("utf-8", "replace"))
        else:
            self.tally.events += 1
            self._reject(record, Rejected("not_allowed", refused))
        return True

    def _erase(self, ticket_id: str) -> None:
        """Remove a ticket without an alert or a last value. A later event starts a new, unknown
        ticket.
        """
        if (entry := self.table.get(ticket_id)) is not None:
            self._forget(entry)
            self._effects.erased += 1

    # --- deadlines ---

    def _fire(self, ticket_id: str, frontier: int) -> None:
        entry = self.table.get(ticket_id)
        assert entry is not None, "a ticket leaves the table together with its deadline"
        if entry.held_until is not None and entry.held_until <= frontier:
            self._orphan(entry)
            return
        self._effects.alerts += judge(entry.ticket, frontier)
        leaves = leaves_at(entry)
        if leaves is not None and leaves <= frontier:
            over = retention_over(entry.ticket)
            assert over is not None, "only a closed ticket leaves"
            self._effects.departed.append(Departed(entry.ticket, over))
            self._forget(entry)
            return
        self._changed[ticket_id] = entry
        self._schedule(entry)

    def _orphan(self, entry: Entry) -> None:
        """Dead-letter the held records of a ticket whose ``created`` did not arrive in time."""
        reason = Rejected("orphan", "no ticket.created within 7 days")
        for held in entry.held:
            record = HeldRecord.of(held, self._topic, self.number)
            self._effects.dead_letters.append(dead_letter(record, reason))
        # They were counted as applied when they were read.
        self.tally.applied -= len(entry.held)
        self.tally.dead_letters += len(entry.held)
        self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        self.table.remove(entry.ticket.id)
        self._changed[entry.ticket.id] = None
        if entry.labels is not None:
            self.census.add(entry.labels, -1)

    def _count(self, entry: Entry, after: Labels, effects: Effects) -> None:
        """Update the census, and report the clocks that have stopped since the last update."""
        before = entry.labels
        if before == after:
            return
        stopped = set() if before is None else {clock[:2] for clock in before.clocks if clock[4]}
        ticket = entry.ticket
        for clock in ticket.clocks:
            if clock.stopped is not None and clock.key not in stopped and not clock.void:
                business = ticket.policy.business_calendar
                effects.stopped.append(Stopped.of(clock, clock.stopped, business))
        if before is not None:
            self.census.add(before, -1)
        self.census.add(after)
        entry.labels = after

    def _schedule(self, entry: Entry) -> None:
        self.table.set_deadline(entry.ticket.id, self._next(entry))

    def _next(self, entry: Entry) -> int | None:
        if entry.held_until is not None:
            return entry.held_until
        deadline, leaves = next_deadline(entry.ticket), leaves_at(entry)
        if deadline is None or (leaves is not None and leaves < deadline):
            return leaves
        return deadline

    def record(self, entry: Entry, as_of: int) -> dict[str, Any]:
        """A ticket's row in the table, with its figures as of ``as_of``."""
        ticket = entry.ticket
        deadline = self.table.deadline(ticket.id)
        memory = entry.held, entry.held_until, entry.weight, known_at_of(entry)
        return ticket_record(ticket, as_of, deadline, *memory)


def _weight(record: Record) -> int:
    """The weight of an event, in bytes."""
    return EVENT_WEIGHT + size_of(None, record.value, record.headers)
