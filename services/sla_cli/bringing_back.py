"""Retrying dead letters, each in its own way and at most once.

- Those of the tracker go to the input topic unchanged.
- Those of the intake go through their source's mapping again, as they were delivered, and the
  resulting events go to the input topic.
- Those of the notifier go to the notifier, for the destination that failed and no other.

A record and the mark that its letter was retried are written in one transaction, and marks are read
only after every other retry has been fenced off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from sla_cli.dead_letters import Filters, Letter, all_letters
from sla_config.errors import UserFacingError
from sla_domain.counting import counted
from sla_engine.memory import Headers, values_of
from sla_intake.redelivery import redelivered
from sla_intake.sources import Source, read_sources
from sla_kafka.access import DLQ_RETRY_ID
from sla_kafka.partitioning import partition_for
from sla_kafka.reading import read_topic
from sla_kafka.settings import KafkaSettings
from sla_lab.errors import CommandError
from sla_lab.feed import connect
from sla_lab.progress import working
from sla_notifier.alert import NOBODY, RETRACTIONS, ReceivedAlert, UnreadableError
from sla_schemas.headers import (
    DESTINATION_HEADER,
    DETAIL_HEADER,
    LENGTH_HEADER,
    OFFSET_HEADER,
    PARTITION_HEADER,
    REASON_HEADER,
    REKEYED_HEADER,
    RETRIED_HEADER,
    TOPIC_HEADER,
    UNREADABLE_HEADER,
)
from sla_schemas.topics import ALERT_DEAD_LETTERS, BREACHES, EVENTS, MAX_DEAD_LETTER_BYTES, WARNINGS

#: Letters in one transaction.
_TOGETHER: Final = 500
#: Headers that we added to a record; they are not part of it.
_OWN_HEADERS: Final = {
    REASON_HEADER,
    DETAIL_HEADER,
    TOPIC_HEADER,
    PARTITION_HEADER,
    OFFSET_HEADER,
    REKEYED_HEADER,
    RETRIED_HEADER,
}
#: Headers of a letter that does not hold the whole record.
_INCOMPLETE: Final = {LENGTH_HEADER, UNREADABLE_HEADER}
_ALREADY: Final = "was retried already; if it failed again, 'sla dlq list' shows it as a new one"
#: Errors that concern one record and not the connection.
_REFUSALS: Final = (MessageSizeTooLargeError, TopicAuthorizationFailedError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a letter; ``gone`` if there is nothing more to do for it."""

    id: str
    gone: bool
    told: str

    def row(self) -> dict[str, object]:
        """As a line of a listing."""
        return {"id": self.id, "brought_back": self.gone, "outcome": self.told}


class _Record(NamedTuple):
    topic: str
    value: bytes | None
    key: bytes | None
    partition: int
    headers: Headers


@dataclass(slots=True)
class _Order:
    """What is to be written for a letter, and what is reported once it is."""

    letter: Letter
    told: str
    records: list[_Record] = field(default_factory=list)


class _CannotGoError(Exception):
    """A letter can't be retried; the message says why."""


def bring_back(
    settings: KafkaSettings, ids: Sequence[str], filters: Filters, sources: Path | None
) -> list[Outcome]:
    """Retry the letters with ``ids``, or without ids those that match ``filters`` and have not been
    retried yet. ``sources`` is the intake's sources file.

    One that can't be retried does not hold up the others. Raises ``CommandError`` if the broker
    fails.
    """
    return asyncio.run(_bring_back(settings, ids, filters, sources))


async def _bring_back(
    settings: KafkaSettings, ids: Sequence[str], filters: Filters, sources: Path | None
) -> list[Outcome]:
    writer = _Writer(settings)
    try:
        count = await writer.start()
        chosen, outcomes = _chosen(await all_letters(settings), ids, filters)
        ways = _Ways(count, sources, await _taken_back(settings, chosen))
        with working("retrying", len(chosen)) as progress:
            for first in range(0, len(chosen), _TOGETHER):
                outcomes += await _go(writer, ways, chosen[first : first + _TOGETHER])
                progress(min(first + _TOGETHER, len(chosen)))
    except KafkaError as error:
        raise CommandError(
            f"the broker at {settings.bootstrap} did not take the records "
            f"({type(error).__name__}: {error}); run the command again: nothing is retried twice"
        ) from error
    finally:
        await writer.stop()
    return outcomes


class _Writer:
    """Writes orders in transactions, and fences off everyone else who retries letters."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._spoiled = False
        #: Letters that others have retried since ours were chosen.
        self.brought_back: set[str] = set()

    async def start(self) -> int:
        """Connect; returns how many partitions the input topic has. Raises ``CommandError``."""
        self._producer = AIOKafkaProducer(
            **self._settings.client_options(),
            transactional_id=DLQ_RETRY_ID,
            acks="all",
            max_request_size=2 * MAX_DEAD_LETTER_BYTES,
        )
        return await connect(self._producer, self._settings)

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def be_ready(self) -> None:
        """Reconnect after a refusal, which leaves a producer's sequence numbers wrong. Others may
        have retried letters in the meantime.
        """
        if not self._spoiled:
            return
        await self.stop()
        await self.start()
        self._spoiled = False
        letters = await all_letters(self._settings)
        self.brought_back = {letter.id for letter in letters if letter.retried}

    async def write(self, orders: Sequence[_Order]) -> None:
        """All of ``orders`` or none of them."""
        assert self._producer is not None, "it was started"
        if not orders:
            return
        try:
            async with self._producer.transaction():
                sent: list[asyncio.Future[Any]] = [
                    await self._producer.send(
                        each.topic, each.value, each.key, each.partition, headers=each.headers
                    )
                    for order in orders
                    for each in order.records
                ]
                # A commit can succeed although a send failed; only its own future shows that.
                await asyncio.gather(*sent)
        except _REFUSALS:
            self._spoiled = True
            raise


def _chosen(
    letters: Sequence[Letter], ids: Sequence[str], filters: Filters
) -> tuple[list[Letter], list[Outcome]]:
    """The letters to retry, and the outcomes of ids that can't be retried."""
    if not ids:
        waiting = [letter for letter in letters if not letter.retried]
        return [letter for letter in waiting if filters.take(letter)], []
    known = {letter.id: letter for letter in letters}
    chosen: list[Letter] = []
    outcomes: list[Outcome] = []
    for wanted in dict.fromkeys(ids):
        if wanted not in known:
            told = f"there is no dead letter {wanted!r}; 'sla dlq list' shows the ids"
            outcomes.append(Outcome(wanted, gone=False, told=told))
        elif known[wanted].retried:
            outcomes.append(Outcome(wanted, gone=False, told=_ALREADY))
        else:
            chosen.append(known[wanted])
    return chosen, outcomes


async def _taken_back(settings: KafkaSettings, chosen: Sequence[Letter]) -> set[str]:
    """The ids of retracted alerts, if that matters for one of ``chosen``."""
    if not any(letter.topic is ALERT_DEAD_LETTERS for letter in chosen):
        return set()
    found = set()
    for topic in (WARNINGS, BREACHES):
        for record in await read_topic(settings, topic.name):
            alert = _alert(record.value)
            if alert is not None and alert.word in RETRACTIONS:
                found.add(alert.retracts)
    return found


def _alert(value: bytes | None) -> ReceivedAlert | None:
    try:
        return ReceivedAlert.read(value)
    except UnreadableError:
        return None


class _Ways:
    """How each letter is retried."""

    def __init__(self, count: int, sources: Path | None, taken_back: set[str]) -> None:
        self._count = count
        self._path = sources
        self._sources: list[Source] | str | None = None
        self._taken_back = taken_back

    def of(self, letter: Letter) -> _Order:
        """Raises ``_CannotGoError``."""
        match letter.maker:
            case "tracker":
                order = self._as_it_came(letter)
            case "intake":
                order = self._through_its_mapping(letter)
            case "notifier":
                order = self._to_its_destination(letter)
        return order

    def _as_it_came(self, letter: Letter) -> _Order:
        _insist_on_all(letter, "reduce it to the size of an event and publish it again")
        own = [(name, value) for name, value in letter.headers if name not in _OWN_HEADERS]
        headers = [*own, *_retried(letter)]
        home = partition_for(letter.key, self._count)
        record = _Record(EVENTS.name, letter.value, letter.key, home, headers)
        return _Order(letter, f"published to {EVENTS.name}", [record, _mark(letter)])

    def _through_its_mapping(self, letter: Letter) -> _Order:
        sources = self._read_sources()
        try:
            headers = values_of(letter.headers).items()
            found = redelivered(headers, letter.value or b"", letter.at, sources)
        except UserFacingError as error:
            raise _CannotGoError(str(error)) from error
        events = [
            _Record(EVENTS.name, value, key, partition_for(key, self._count), _retried(letter))
            for key, value in found
        ]
        told = (
            f"published to {EVENTS.name} as {counted(len(events), 'event')}"
            if events
            else "none of it affects a promise any more"
        )
        return _Order(letter, told, [*events, _mark(letter)])

    def _read_sources(self) -> list[Source]:
        if self._sources is None:
            try:
                self._sources = read_sources(self._path, secrets=False)
            except UserFacingError as error:
                self._sources = str(error)
        if isinstance(self._sources, str):
            # A file that can't be read holds up only the letters that need it.
            raise _CannotGoError(self._sources)
        return self._sources

    def _to_its_destination(self, letter: Letter) -> _Order:
        _insist_on_all(letter, f"inform {letter.source!r} by other means")
        alert = _alert(letter.value)
        if alert is not None and alert.id in self._taken_back:
            told = "was retracted in the meantime, so it is not delivered"
            return _Order(letter, told, [_mark(letter)])
        headers = [(DESTINATION_HEADER, (letter.source or "").encode()), *_retried(letter)]
        again = _Record(
            ALERT_DEAD_LETTERS.name, letter.value, letter.key, letter.partition, headers
        )
        # Only the notifier knows what becomes of it, and it may not even be running.
        way = "by its routes" if letter.source == NOBODY else f"to {letter.source!r}"
        told = (
            f"published to {ALERT_DEAD_LETTERS.name}: a notifier delivers it {way}, or "
            "dead-letters it again"
        )
        return _Order(letter, told, [again])


def _insist_on_all(letter: Letter, remedy: str) -> None:
    """Raise ``_CannotGoError`` if ``letter`` does not hold the whole record."""
    if not values_of(letter.headers).keys().isdisjoint(_INCOMPLETE):
        raise _CannotGoError(
            f"only part of it was kept; the whole record is at {letter.origin}: {remedy}"
        )


def _retried(letter: Letter) -> list[tuple[str, bytes]]:
    return [(RETRIED_HEADER, letter.place.encode())]


def _mark(letter: Letter) -> _Record:
    """The mark that ``letter`` was retried; a record needs a key or a value."""
    key = letter.key if letter.key is not None else letter.place.encode()
    return _Record(letter.topic.name, None, key, letter.partition, _retried(letter))


async def _go(writer: _Writer, ways: _Ways, letters: Sequence[Letter]) -> list[Outcome]:
    """Write the orders of ``letters``, all at once, or if one is refused, one by one."""
    await writer.be_ready()
    orders: list[_Order] = []
    outcomes: list[Outcome] = []
    for letter in letters:
        try:
            orders.append(ways.of(letter))
        except _CannotGoError as error:
            outcomes.append(Outcome(letter.id, gone=False, told=str(error)))
    waiting = [order for order in orders if order.letter.id not in writer.brought_back]
    try:
        await writer.write(waiting)
        outcomes += [Outcome(order.letter.id, gone=True, told=order.told) for order in waiting]
    except _REFUSALS:
        for order in waiting:
            outcomes.append(await _go_alone(writer, order))
    places = {letter.id: number for number, letter in enumerate(letters)}
    told = {outcome.id for outcome in outcomes}
    outcomes += [Outcome(each, gone=False, told=_ALREADY) for each in places if each not in told]
    return sorted(outcomes, key=lambda outcome: places[outcome.id])


async def _go_alone(writer: _Writer, order: _Order) -> Outcome:
    await writer.be_ready()
    letter = order.letter.id
    if letter in writer.brought_back:
        return Outcome(letter, gone=False, told=_ALREADY)
    try:
        await writer.write([order])
    except _REFUSALS as error:
        return Outcome(letter, gone=False, told=f"the broker refuses it: {type(error).__name__}")
    return Outcome(letter, gone=True, told=order.told)
