"""What is wrong with the clocks of a policy that is well formed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sla_config.toml_places import Path
from sla_domain.event import EventType
from sla_domain.selector import Selector
from sla_policy.clock_sections import ClockSection
from sla_policy.finding import Finding
from sla_policy.sections import PolicyFile

#: Events that can move no clock, and why.
IDLE_EVENTS: Final = {
    EventType.CREATED: "the ticket's creation comes before everything else",
    EventType.ABSORBED: "another ticket's communication may only move its start",
    EventType.EXCEPTION_GRANTED: "an exception says itself what does not count",
    EventType.EXCEPTION_WITHDRAWN: "then what was granted counts again, wherever it was",
    EventType.CANCELLED: "a cancelled ticket promises nothing any more",
    EventType.FEATURE_SUBSCRIBED: "it happens to feature requests, which promise nothing",
    EventType.FEATURE_APPROVED: "it happens to feature requests, which promise nothing",
}
_VERBS: Final = {
    "starts": "start",
    "stops": "stop",
    "pauses": "pause",
    "resumes": "resume",
    "restarts": "restart",
}


def clock_findings(file: PolicyFile, name: str, clock: ClockSection) -> Iterator[Finding]:
    """What is wrong with the clock ``name``."""
    path: Path = ("clocks", name)
    yield from _untargeted(file, path, name)
    yield from _scope(path, clock)
    lists = {
        "starts": clock.begins,
        "stops": clock.stops,
        "pauses": clock.pauses,
        "resumes": clock.resumes,
        "restarts": clock.restarts,
    }
    for key, events in lists.items():
        yield from _events(path, key, events)
    moving = {key: _moving(events) for key, events in lists.items()}
    if not clock.stops and clock.scope != "team":
        yield Finding(
            (*path, "stops"),
            "nothing stops this clock, so every ticket breaks it; name what keeps the promise, "
            'like stops = ["resolved"]',
        )
    yield from _contradictions(path, moving)
    yield from _begins(path, clock, moving)
    if moving["pauses"] and not clock.resumes:
        yield Finding(
            (*path, "resumes"),
            "a clock that pauses needs to know what resumes it, else it stands still for ever; "
            'write it like resumes = ["client_responded"]',
            near=(*path, "pauses"),
        )
    if clock.resumes and not clock.pauses:
        yield Finding(
            (*path, "resumes"), "nothing pauses this clock, so nothing resumes it", harmless=True
        )


def _scope(path: Path, clock: ClockSection) -> Iterator[Finding]:
    """What a team's clock says of itself."""
    if clock.scope != "team":
        return
    said = {
        "starts": clock.begins,
        "stops": clock.stops,
        "restarts": clock.restarts,
        "repeat": clock.repeat,
    }
    for key in [key for key, value in said.items() if value]:
        yield Finding(
            (*path, key),
            "a team's clock starts when the ticket comes to the team, and stops when it leaves it "
            "or is resolved; delete this",
        )


def _untargeted(file: PolicyFile, path: Path, name: str) -> Iterator[Finding]:
    tables = [file.targets, *(each.targets for each in file.agreements)]
    targets = [
        targets[name]
        for table in tables
        for targets in table.values()
        if targets and name in targets
    ]
    if any(any(table.values()) for table in tables) and not any(targets):
        # Said to be meant where "none" stands for it.
        yield Finding(
            path,
            "has no target at any severity, so it never starts; give it one, or delete the clock",
            harmless=bool(targets),
        )


def _contradictions(path: Path, moving: Mapping[str, Sequence[Selector]]) -> Iterator[Finding]:
    """Events that can't do both of what is asked of them."""
    for event in _in_both(moving["restarts"], moving["stops"]):
        yield Finding(
            (*path, "restarts"),
            f"{event.written!r} both stops the clock and restarts it, so every other one begins a "
            "cycle; take it out of one of the two, or write repeat = true",
        )
    for event in _in_both(moving["pauses"], moving["resumes"]):
        yield Finding(
            (*path, "resumes"),
            f"{event.written!r} both pauses the clock and resumes it; take it out of one of the "
            "two",
        )
    for event in _in_both(moving["pauses"], moving["stops"]):
        yield Finding(
            (*path, "pauses"),
            f"{event.written!r} stops the clock, so it never pauses it; take it out of one of the "
            "two",
        )


def _begins(
    path: Path, clock: ClockSection, moving: Mapping[str, Sequence[Selector]]
) -> Iterator[Finding]:
    """Cycles that can't begin."""
    types = {key: {event.type for event in events} for key, events in moving.items()}
    stops = types["stops"]
    for key, begins in (("restarts", types["restarts"] - stops), ("starts", types["starts"])):
        if EventType.RESOLVED in begins:
            yield Finding(
                (*path, key),
                "a ticket that is resolved owes nothing more, so 'resolved' can't begin a cycle; "
                "write 'reopened'",
            )
    if clock.repeat and stops == {EventType.RESOLVED}:
        yield Finding(
            (*path, "repeat"),
            "only the resolution stops this clock, and a resolved ticket owes nothing more, so it "
            "never repeats; name what else stops it, like 'replied', or delete repeat",
        )
    if clock.on_reopen is not None and EventType.REOPENED in types["restarts"]:
        yield Finding(
            (*path, "on_reopen"),
            "restarts says already what 'reopened' does; take 'reopened' out of it",
        )
    if clock.on_reopen == "continue" and clock.stops and EventType.RESOLVED not in stops:
        yield Finding(
            (*path, "on_reopen"),
            "the resolution does not stop this clock, so there is nothing to continue; write "
            "'resolved' into stops, or delete on_reopen",
        )


def _in_both(some: Iterable[Selector], others: Iterable[Selector]) -> Iterator[Selector]:
    known = list(others)
    for event in sorted(some):
        if any(event.overlaps(other) for other in known):
            yield event


def _moving(events: Iterable[Selector]) -> list[Selector]:
    return list(dict.fromkeys(event for event in events if event.type not in IDLE_EVENTS))


def _events(path: Path, key: str, events: Sequence[Selector]) -> Iterator[Finding]:
    """Words that have no effect: an error where no other is left."""
    left = bool(_moving(events))
    what = _VERBS[key]
    for place, event in enumerate(events):
        if event in events[:place]:
            yield Finding((*path, key, place), f"{event.written!r} stands twice", harmless=True)
        elif event.type in IDLE_EVENTS:
            yield Finding(
                (*path, key, place),
                f"{event.written!r} can't {what} a clock: {IDLE_EVENTS[event.type]}; delete it"
                + ("" if left else f" and name what does {what} it"),
                harmless=left,
            )
