"""The checks of ``sla doctor``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple, get_args

from sla_domain.counting import counted
from sla_domain.instant import SECOND, format_instant
from sla_kafka.admin import NOT_SEEN, BrokerError, TopicState, group_state, topic_states
from sla_kafka.clients import KafkaClients
from sla_kafka.settings import KafkaSettings
from sla_policy.loading import PolicyError, load_policies
from sla_runtime.pulse import RUNNING, Pulse, Sign, Verdict, Watch
from sla_schemas.heartbeat import Program
from sla_schemas.topics import EVENTS, HEARTBEATS
from sla_text.times import length

#: How many seconds a tracker may be behind.
_STALE_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 0.1
_TRACKER: Final = "tracker"
_NOTIFIER: Final = "notifier"


class Check(NamedTuple):
    """One check. ``detail`` says what was found, and if it is bad, the remedy."""

    name: str
    good: bool
    detail: str


def run_checks(
    settings: KafkaSettings, policies: Sequence[Path], expected: Collection[str] = ()
) -> list[Check]:
    """All checks, each after those it depends on; ``expected`` are the programs that must be
    running even if none of them has ever been heard.
    """
    return [_policy(policies), *asyncio.run(_broker(settings, expected))]


def _policy(policies: Sequence[Path]) -> Check:
    try:
        book = load_policies(policies)
    except PolicyError as error:
        return Check("policy", False, f"{error.mistakes[0]}; 'sla policy check' lists all mistakes")
    return Check("policy", True, ", ".join(policy.ref for policy in book.versions))


async def _broker(settings: KafkaSettings, expected: Collection[str]) -> list[Check]:
    try:
        states = await topic_states(settings)
    except BrokerError as error:
        return [Check("broker", False, str(error))]
    found = [Check("broker", True, f"answers at {settings.bootstrap}"), *_topics(states)]
    counts = {state.topic.name: state.partitions or 0 for state in states}
    inputs = range(counts[EVENTS.name])
    pulse = Pulse(KafkaClients(settings))
    if not counts[HEARTBEATS.name]:
        pulse.deaf = f"{HEARTBEATS.name} {NOT_SEEN}"
    async with _listening(pulse, inputs):
        found.append(_tracker(pulse.verdict(inputs, _STALE_SECONDS), pulse, len(inputs)))
        found += [
            _program(program, pulse, expected=program in expected)
            for program in get_args(Program)
            if program != _TRACKER
        ]
        found += [await _group(settings, *each) for each in sorted(_groups(pulse).items())]
    return found


def _topics(states: Iterable[TopicState]) -> Iterator[Check]:
    for state in states:
        good = not state.wrong
        detail = counted(state.partitions or 0, "partition") if good else "; ".join(state.wrong)
        yield Check(state.topic.name, good, detail)


@asynccontextmanager
async def _listening(pulse: Pulse, partitions: range) -> AsyncIterator[None]:
    """Listen until every program that left a heartbeat is heard, or must have gone away."""
    hearing = asyncio.create_task(pulse.run())
    try:
        while pulse.deaf is None and not pulse.listened() and not _all_heard(pulse, partitions):
            await asyncio.sleep(_LOOK_SECONDS)
        yield
    finally:
        hearing.cancel()
        await asyncio.wait([hearing])


def _all_heard(pulse: Pulse, partitions: range) -> bool:
    away = [sign for sign in pulse.signs.values() if sign.heard is None and not sign.beat.stopped]
    fresh = pulse.verdict(partitions, _STALE_SECONDS).watch is Watch.FRESH
    return fresh and not away and pulse.owned() >= set(partitions)


def _tracker(verdict: Verdict, pulse: Pulse, partitions: int) -> Check:
    watch, one = verdict.watch, len(verdict.partitions) == 1
    which = f"partition{'' if one else 's'} {', '.join(map(str, verdict.partitions))}"
    have, are = ("has", "is") if one else ("have", "are")
    if watch is Watch.FRESH:
        unread = sum(
            told.unread or 0 for sign in pulse.at_work(_TRACKER) for told in sign.beat.partitions
        )
        waiting = f"{counted(unread, 'offset')} unread" if unread else "nothing unread"
        others = [
            f"partition {told.partition} is {told.state}"
            for sign in pulse.at_work(_TRACKER)
            for told in sign.beat.partitions
            if told.state != RUNNING
        ]
        if others:
            return Check(_TRACKER, False, f"{', '.join(others)}; check its log")
        detail = f"{verdict.trackers} running on {counted(partitions, 'partition')}, {waiting}"
        return Check(_TRACKER, True, detail)
    behind = length(verdict.behind_ms // SECOND * SECOND)
    return Check(
        _TRACKER,
        False,
        {
            Watch.UNKNOWN: f"it is not known whether one is running: {pulse.deaf}",
            Watch.NO_TRACKER: f"none is running, so no alerts are sent{_last(verdict.last)}; "
            "start one with 'sla tracker'",
            Watch.UNOWNED: f"no tracker owns {which}; check their logs, or start another one "
            "with 'sla tracker'",
            Watch.STALLED: f"{which} {have} made no progress for {behind}; check the "
            "tracker's log and the broker",
            Watch.BEHIND: f"{which} {are} behind by {behind}; wait if that is shrinking, "
            "else start another one with 'sla tracker'",
        }.get(watch, "could not be listened to for long enough; try again"),
    )


def _program(program: Program, pulse: Pulse, *, expected: bool) -> Check:
    signs, working = pulse.of(program), pulse.at_work(program)
    remedy = f"start one with 'sla {program}'"
    if working:
        lacks = [f"{sign.beat.instance}: {lack}" for sign in working for lack in sign.beat.lacks]
        told = f"{'; '.join(lacks)}; check its log" if lacks else f"{len(working)} running"
        if program == _NOTIFIER and (waiting := pulse.undelivered()):
            told += f"; {counted(waiting, 'alert')} waiting to be delivered"
        return Check(program, not lacks, told)
    if pulse.deaf is not None:
        return Check(program, not expected, "it is not known whether one is running")
    if signs and not signs[-1].beat.stopped:
        return Check(program, False, f"none is running any more{_last(signs[-1])}; {remedy}")
    if expected:
        return Check(
            program, False, f"none is running{_last(signs[-1] if signs else None)}; {remedy}"
        )
    return Check(program, True, "none is running" + (_last(signs[-1]) if signs else ""))


def _last(sign: Sign | None) -> str:
    if sign is None:
        return ""
    word = "stopped" if sign.beat.stopped else "heard"
    return f" (the last one was {word} at {format_instant(sign.at)})"


def _groups(pulse: Pulse) -> dict[str, int]:
    """The consumer groups of the running programs, and how many members each should have."""
    found: dict[str, int] = {}
    for program in get_args(Program):
        for sign in pulse.at_work(program):
            if sign.beat.group is not None:
                found[sign.beat.group] = found.get(sign.beat.group, 0) + 1
    return found


async def _group(settings: KafkaSettings, name: str, expected: int) -> Check:
    try:
        found = await group_state(settings, name)
    except BrokerError as error:
        return Check(f"group {name}", False, str(error))
    detail = f"members: {found.members}, {found.state}"
    if found.members >= expected:
        return Check(f"group {name}", True, detail)
    return Check(f"group {name}", False, f"{detail}, with {expected} running; check their logs")
